//! What a delivery does next: a pure machine of (state, event) → (state, effects).
//!
//! Nothing is pressed but with the keyboard had, after a look at the prompt that shows what the key will meet. What was
//! seen before the keyboard was had counts for nothing.

mod keyboard;
mod patience;
mod words;

pub use words::{Deadlines, Effect, Event, Kept, Key, Prompt, Readiness, Seen};

use super::DeliveryState;
use words::Obstacle;

/// How often Enter is pressed for one delivery in a server's life, at most.
pub const ENTERS_MAX: u32 = 3;
/// How long after the first Enter the agent may take to report the command, in milliseconds; also how long a text that was typed may
/// take to stand in the prompt.
pub const TAKE_TIMEOUT_MS: u64 = 15_000;
/// How long after one Enter the next may follow, in milliseconds.
pub const ENTER_INTERVAL_MS: u64 = 2_000;
/// How long the keyboard is had at a time, in milliseconds. Where the agent does not take an Enter it is had anew for each of
/// [`ENTERS_MAX`], so that at most about twice as long passes before others type.
pub const CLAIM_MS: u64 = 5_000;
/// How long after the keyboard was given back, or not granted, it is asked for again where the screen stands still, in milliseconds.
pub const CLAIM_RETRY_MS: u64 = 1_000;
/// How long to wait for the screen to come to rest after a key before a look all the same, in milliseconds.
pub const REACT_MS: u64 = 1_000;
/// How long clearing the prompt of a text that was not taken may take, in milliseconds.
pub const CLEAR_TIMEOUT_MS: u64 = 10_000;
/// How many keys are pressed for one delivery beside Enter, at most: a bound on what an agent that does not react is sent.
pub const KEYS_MAX: u32 = 8;

/// One delivery under way in one session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    deadlines: Deadlines,
    readiness: Readiness,
    noted: Option<String>,
    stage: Stage,
    keyboard: Keyboard,
    waits: Wait,
    /// Since when the agent has been unready without a reason to wait on.
    not_ready_since: Option<u64>,
    /// What keeps a ready agent from being typed to, and since when.
    obstacle: Option<(Obstacle, u64)>,
    /// Whether the key that puts a draft aside was pressed.
    tried_stash: bool,
    /// Whether a draft was put aside for this delivery.
    stashed: bool,
    /// Keys pressed beside Enter.
    keys: u32,
}

/// How far the delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Stage {
    /// Went along as the prompt of the process.
    Riding { ready_since: Option<u64> },
    /// Nothing is recorded.
    Queued,
    /// Recorded; when the text was known to be in the PTY.
    Written { typed: Option<u64> },
    /// Enter was pressed; `left` once the text was seen to stand in the prompt no longer.
    Entered {
        first: u64,
        last: u64,
        enters: u32,
        left: bool,
    },
    /// It was not taken; its text is cleared from the prompt before it fails.
    Clearing {
        reason: String,
        since: u64,
        /// It left the prompt by another hand, perhaps because it was taken after all.
        left: bool,
    },
    /// Nothing more to do.
    Over,
}

/// Whose the keyboard is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Keyboard {
    /// Everybody's; to be asked for from this time on.
    Free { again: u64 },
    /// Asked for, at this time.
    Asked { at: u64 },
    /// This delivery's, since this time at the latest; whether anything was pressed in it, and what last. The holder
    /// gives it only when the agent has read all that was typed before.
    Had { since: u64, pressed: Pressed },
}

/// What was pressed last since the keyboard is had: a key whose effect is not seen is never pressed again before the agent is known to
/// have read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Pressed {
    Nothing,
    Paste,
    Enter,
    Key(Key),
    /// The Esc that clears the text.
    Clear,
}

/// What comes next before anything else is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wait {
    Nothing,
    /// The answer to a look.
    Look,
    /// The screen's reaction to a key.
    Reaction {
        since: u64,
    },
    /// The store.
    Store,
    /// The holder.
    Paste {
        since: u64,
    },
}

impl Machine {
    /// A delivery to be typed, from the state that the store has.
    ///
    /// A written one goes to the holder again, which types it only if it has not: it was this
    /// server's predecessor that recorded it and may not have come further.
    #[must_use]
    pub const fn typed(state: DeliveryState, deadlines: Deadlines, now: u64) -> Self {
        let stage = match state {
            DeliveryState::Queued => Stage::Queued,
            DeliveryState::Written => Stage::Written { typed: None },
            DeliveryState::Submitted | DeliveryState::Failed => Stage::Over,
        };
        Self::begin(stage, deadlines, now)
    }

    /// A delivery that went along as the prompt of the session's process.
    #[must_use]
    pub const fn riding(deadlines: Deadlines, now: u64) -> Self {
        Self::begin(Stage::Riding { ready_since: None }, deadlines, now)
    }

    const fn begin(stage: Stage, deadlines: Deadlines, now: u64) -> Self {
        Self {
            deadlines,
            readiness: Readiness::NotReady,
            noted: None,
            stage,
            keyboard: Keyboard::Free { again: now },
            waits: Wait::Nothing,
            not_ready_since: Some(now),
            obstacle: None,
            tried_stash: false,
            stashed: false,
            keys: 0,
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Takes an event; the effects are to be carried out in order, each answered as it says.
    pub fn step(&mut self, event: &Event, now: u64) -> Vec<Effect> {
        let mut out = Vec::new();
        match event {
            _ if self.is_over() => return out,
            Event::Reported => {
                self.finish(Effect::Submitted, &mut out);
                return out;
            }
            Event::Gone => {
                let reason =
                    "the agent ended before it took the command: start it again, then retry";
                self.finish(Effect::Failed(reason.to_owned()), &mut out);
                return out;
            }
            Event::Agent(readiness) => self.become_ready(readiness, now, &mut out),
            Event::Claimed => {
                if let Keyboard::Asked { at } = self.keyboard {
                    self.obstacle = self.obstacle.filter(|(why, _)| *why != Obstacle::Keyboard);
                    self.keyboard = Keyboard::Had {
                        since: at,
                        pressed: Pressed::Nothing,
                    };
                    self.look(&mut out);
                }
            }
            Event::Unclaimed => {
                if matches!(self.keyboard, Keyboard::Asked { .. }) {
                    self.stand_before(Obstacle::Keyboard, now);
                }
                self.lose(now);
            }
            Event::Looked(seen) => {
                if self.waits == Wait::Look && self.has_keyboard() {
                    self.waits = Wait::Nothing;
                    self.saw(*seen, now, &mut out);
                }
            }
            Event::Recorded if self.waits == Wait::Store => {
                self.waits = Wait::Nothing;
                self.stage = Stage::Written { typed: None };
                if self.may_press() {
                    self.paste(now, &mut out);
                }
            }
            Event::Typed | Event::NotTyped => self.pasted(*event == Event::Typed, now),
            Event::Quiet => {
                if let Wait::Reaction { .. } = self.waits {
                    self.look(&mut out);
                }
                if let Keyboard::Free { again } = &mut self.keyboard {
                    *again = now.min(*again);
                }
            }
            Event::Recorded | Event::Tick => {}
        }
        self.pass(now, &mut out);
        self.ask(now, &mut out);
        let note = self.obstacle_note();
        if !self.is_over() && note != self.noted {
            self.noted.clone_from(&note);
            out.push(Effect::Note(note));
        }
        out
    }

    /// What is said to be in the way.
    fn obstacle_note(&self) -> Option<String> {
        if let Readiness::Dialog(name) = &self.readiness {
            return Some(name.clone());
        }
        self.obstacle.map(|(obstacle, _)| obstacle.note())
    }

    fn become_ready(&mut self, readiness: &Readiness, now: u64, out: &mut Vec<Effect>) {
        self.readiness = readiness.clone();
        let unready = *readiness == Readiness::NotReady;
        self.not_ready_since = unready.then(|| self.not_ready_since.unwrap_or(now));
        let is_ready = *readiness == Readiness::Ready;
        if let Stage::Riding { ready_since } = &mut self.stage {
            *ready_since = is_ready.then(|| ready_since.unwrap_or(now));
        }
        if !is_ready {
            self.obstacle = None;
            self.release(now, out);
        }
    }

    fn has_keyboard(&self) -> bool {
        matches!(self.keyboard, Keyboard::Had { .. })
    }

    /// Never a blind key: the keyboard is had, and the agent neither in a turn nor behind a dialog.
    fn may_press(&self) -> bool {
        self.has_keyboard() && self.readiness == Readiness::Ready
    }

    fn look(&mut self, out: &mut Vec<Effect>) {
        self.waits = Wait::Look;
        out.push(Effect::Look);
    }

    /// Acts on what stands in the prompt. Nobody else types meanwhile.
    fn saw(&mut self, seen: Seen, now: u64, out: &mut Vec<Effect>) {
        let draft = |mark| Obstacle::Draft { mark };
        match (&self.stage, seen.prompt) {
            (_, Prompt::Nothing) => self.hesitate(Obstacle::NoPrompt, now, out),
            (Stage::Queued, Prompt::Empty) => {
                self.stashed |= self.pressed() == Pressed::Key(Key::Stash);
                self.obstacle = None;
                self.waits = Wait::Store;
                out.push(Effect::Record);
            }
            // The same text may stand there by somebody else's hand.
            (Stage::Queued, Prompt::Draft { .. } | Prompt::Text { .. }) => {
                let mark = match seen.prompt {
                    Prompt::Draft { mark } => mark,
                    _ => 0,
                };
                match seen.kept {
                    Kept::No if !self.tried_stash => {
                        self.tried_stash = true;
                        self.press(Key::Stash, now, out);
                    }
                    _ => self.hesitate(draft(mark), now, out),
                }
            }
            (Stage::Written { typed: None }, Prompt::Empty) => self.paste(now, out),
            (Stage::Written { typed }, Prompt::Text { offers_other, .. }) => {
                let typed = typed.unwrap_or(now);
                self.stage = Stage::Written { typed: Some(typed) };
                let escaped = self.pressed() == Pressed::Key(Key::Escape);
                if !offers_other {
                    self.enter(now, now, 0, out);
                } else if !escaped && self.keys < KEYS_MAX {
                    self.press(Key::Escape, now, out);
                } else {
                    self.hesitate(Obstacle::NoPrompt, now, out);
                }
            }
            (Stage::Written { typed: None }, Prompt::Draft { mark }) => {
                self.hesitate(draft(mark), now, out);
            }
            (Stage::Written { .. }, Prompt::Draft { .. }) => {
                self.hesitate(Obstacle::Mixed, now, out)
            }
            // It is not there yet, or no longer: a report may still come.
            (Stage::Written { .. }, Prompt::Empty) => self.wait_or_release(now, out),
            (
                &Stage::Entered {
                    first,
                    last,
                    enters,
                    ..
                },
                Prompt::Text {
                    offers_other: false,
                    ..
                },
            ) if self.pressed() == Pressed::Nothing
                && enters < ENTERS_MAX
                && now >= last + ENTER_INTERVAL_MS =>
            {
                self.enter(first, now, enters, out);
            }
            (Stage::Entered { .. }, Prompt::Text { .. }) => self.wait_or_release(now, out),
            (Stage::Entered { .. }, Prompt::Empty | Prompt::Draft { .. }) => {
                if let Stage::Entered { left, .. } = &mut self.stage {
                    *left = true;
                }
                self.release(now, out);
            }
            (Stage::Clearing { .. }, Prompt::Text { asks_to_clear, .. }) => match self.pressed() {
                _ if self.keys >= KEYS_MAX => self.wait_or_release(now, out),
                Pressed::Nothing | Pressed::Key(Key::Escape) if asks_to_clear => {
                    self.press(Key::Escape, now, out);
                    self.presses(Pressed::Clear);
                }
                Pressed::Nothing => self.press(Key::Escape, now, out),
                _ => self.wait_or_release(now, out),
            },
            // The user's draft goes back to its place.
            (Stage::Clearing { .. }, Prompt::Empty | Prompt::Draft { .. })
                if !matches!(self.pressed(), Pressed::Key(_) | Pressed::Clear) =>
            {
                if let Stage::Clearing { left, .. } = &mut self.stage {
                    *left = true;
                }
                self.release(now, out);
            }
            (Stage::Clearing { .. }, Prompt::Empty) if self.stashed && seen.kept == Kept::Yes => {
                self.stashed = false;
                self.press(Key::Stash, now, out);
            }
            (Stage::Clearing { reason, .. }, Prompt::Empty | Prompt::Draft { .. }) => {
                let reason = reason.clone();
                self.finish(Effect::Failed(reason), out);
            }
            (Stage::Riding { .. } | Stage::Over, _) => self.release(now, out),
        }
    }

    /// Something is in the way. Right after a key it may be what the key has not changed yet; else it is waited for without the keyboard.
    fn hesitate(&mut self, obstacle: Obstacle, now: u64, out: &mut Vec<Effect>) {
        self.stand_before(obstacle, now);
        self.wait_or_release(now, out);
    }

    fn stand_before(&mut self, obstacle: Obstacle, now: u64) {
        match self.obstacle {
            Some((same, _)) if same == obstacle => {}
            _ => self.obstacle = Some((obstacle, now)),
        }
    }

    fn finish(&mut self, effect: Effect, out: &mut Vec<Effect>) {
        if !matches!(self.keyboard, Keyboard::Free { .. }) {
            out.push(Effect::Release);
        }
        self.keyboard = Keyboard::Free { again: 0 };
        self.waits = Wait::Nothing;
        self.stage = Stage::Over;
        out.push(effect);
    }
}

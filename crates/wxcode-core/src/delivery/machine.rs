//! Decides the next step of a delivery: a pure machine of (state, event) → (state, effects).
//!
//! The machine sends a key only while it holds the input lock, and only after reading the prompt
//! within the lock.
//!
//! Invariants: no key of a delivery goes into a dialog. Into a turn go only the text and the Enter
//! of a delivery that steers. Enter goes only to a prompt with exactly the delivery's text. No
//! draft is stashed over another stashed draft.

mod keyboard;
mod patience;
mod prompt;
mod stage;
mod words;

#[cfg(test)]
pub(super) use patience::told;
pub use words::{Deadlines, Effect, Event, Kept, Key, Prompt, Readiness, Seen};

use std::time::Duration;

use super::DeliveryState;
use crate::time::Moment;
use stage::{Fate, Keyboard, Pressed, Stage, Wait};
use words::Obstacle;

/// Most Enters of a delivery in a server's life.
pub const ENTERS_MAX: u32 = 3;
/// Time from the first Enter to the agent's hook; also the time for a typed text
/// to stand in the prompt.
pub const TAKE_TIMEOUT: Duration = Duration::from_secs(15);
/// Time between two Enters.
pub const ENTER_INTERVAL: Duration = Duration::from_secs(2);
/// Duration of an input lock. Each ignored Enter, up to [`ENTERS_MAX`], renews the lock, so other
/// clients wait at most about twice as long.
pub const CLAIM: Duration = Duration::from_secs(5);
/// Time between two requests for the lock on a resting screen.
pub const CLAIM_RETRY: Duration = Duration::from_secs(1);
/// Longest wait for the screen to rest after a key before the next look.
pub const REACT: Duration = Duration::from_secs(1);
/// Time from the agent's report of a prompt to the agent's decision: the longest timeout of Claude
/// Code's hooks. A hook may still refuse the prompt.
pub const DECIDE_TIMEOUT: Duration = Duration::from_secs(600);
/// Time from the agent's next readiness to a look at the prompt, when the decision
/// is still unknown. Transcripts lag.
pub const DECIDE_LAG: Duration = Duration::from_secs(3);
/// Time to clear a refused text from the prompt.
pub const CLEAR_TIMEOUT: Duration = Duration::from_secs(10);
/// Most typings of a delivery: the first, and repetitions after a dialog swallowed the text.
pub const TYPINGS_MAX: u32 = 3;
/// Most keys besides Enter for a delivery: a bound on the input of an unresponsive agent.
pub const KEYS_MAX: u32 = 8;

/// The error of a command whose agent is gone.
const GONE: &str = "the agent ended before it took the command: start it again, then retry";

/// A delivery in progress in a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    deadlines: Deadlines,
    /// Whether a turn is no obstacle.
    steer: bool,
    readiness: Readiness,
    noted: Option<String>,
    stage: Stage,
    keyboard: Keyboard,
    waits: Wait,
    /// Since when the agent is unready without a known obstacle.
    not_ready_since: Option<Moment>,
    /// The obstacle in front of a ready agent, and since when.
    obstacle: Option<(Obstacle, Moment)>,
    /// Whether the machine pressed the key for stashing a draft.
    tried_stash: bool,
    /// Whether a draft was stashed for the delivery.
    stashed: bool,
    /// Keys pressed besides Enter.
    keys: u32,
    /// Typings so far.
    typings: u32,
    /// The fate of the typed text, until the prompt shows the text.
    fate: Fate,
}

impl Machine {
    /// Creates the machine of a delivery to be typed, from its state in the store.
    ///
    /// A written delivery goes to the holder again, because the earlier server may have died
    /// between recording and typing. The holder types the text only once.
    #[must_use]
    pub const fn typed(
        state: DeliveryState,
        steer: bool,
        typings: u32,
        deadlines: Deadlines,
        now: Moment,
    ) -> Self {
        let stage = match state {
            DeliveryState::Queued => Stage::Queued,
            DeliveryState::Written => Stage::Written { typed: None },
            DeliveryState::Submitted | DeliveryState::Failed => Stage::Over,
        };
        let mut machine = Self::begin(stage, deadlines, now);
        machine.steer = steer;
        machine.typings = typings;
        machine
    }

    /// Creates the machine of a delivery that rode along as the initial prompt.
    #[must_use]
    pub const fn riding(deadlines: Deadlines, now: Moment) -> Self {
        Self::begin(Stage::Riding { ready_since: None }, deadlines, now)
    }

    const fn begin(stage: Stage, deadlines: Deadlines, now: Moment) -> Self {
        Self {
            deadlines,
            steer: false,
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
            typings: 0,
            fate: Fate::Open,
        }
    }

    /// Whether the delivery is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Takes an event and returns effects, to be carried out in order, each answered as documented.
    pub fn step(&mut self, event: &Event, now: Moment) -> Vec<Effect> {
        let mut out = Vec::new();
        match event {
            _ if self.is_over() => return out,
            Event::Reported => {
                self.finish(Effect::Submitted, &mut out);
                return out;
            }
            Event::Gone => {
                self.finish(Effect::Failed(GONE.to_owned()), &mut out);
                return out;
            }
            Event::Declined(words) => {
                if matches!(self.stage, Stage::Entered { .. }) {
                    self.finish(Effect::Failed(declined(words)), &mut out);
                    return out;
                }
            }
            Event::Taking => self.taking(now, &mut out),
            Event::Refused(reason) => self.refuse(reason, now),
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
                self.typings += 1;
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
            // A long conversation takes minutes to resume.
            Event::Active if self.readiness == Readiness::NotReady => {
                self.not_ready_since = self.not_ready_since.map(|_| now);
            }
            Event::Recorded | Event::Active | Event::Tick => {}
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

    /// The text for `error` about the obstacle.
    fn obstacle_note(&self) -> Option<String> {
        if let Readiness::Dialog(note) | Readiness::Hindered(note) | Readiness::Broken(note) =
            &self.readiness
        {
            return Some(note.clone());
        }
        self.obstacle.map(|(obstacle, _)| obstacle.note())
    }

    fn become_ready(&mut self, readiness: &Readiness, now: Moment, out: &mut Vec<Effect>) {
        if matches!(self.readiness, Readiness::Dialog(_))
            && !matches!(readiness, Readiness::Dialog(_))
        {
            self.uncover(now);
        }
        self.fate = match (readiness, self.fate) {
            (Readiness::Busy, _) => Fate::Turned,
            (Readiness::Dialog(_), Fate::Open) => Fate::Covered,
            (_, fate) => fate,
        };
        self.readiness = readiness.clone();
        let unready = matches!(readiness, Readiness::NotReady | Readiness::Broken(_));
        self.not_ready_since = unready.then(|| self.not_ready_since.unwrap_or(now));
        let is_ready = *readiness == Readiness::Ready;
        if let Stage::Riding { ready_since } = &mut self.stage {
            *ready_since = is_ready.then(|| ready_since.unwrap_or(now));
        }
        if let Stage::Taking { ready_since, .. } = &mut self.stage {
            *ready_since = is_ready.then(|| ready_since.unwrap_or(now));
        }
        if !self.takes_keys() {
            self.obstacle = None;
            self.release(now, out);
        }
    }

    /// A dialog is gone: its time does not count.
    fn uncover(&mut self, now: Moment) {
        match &mut self.stage {
            Stage::Written { typed: Some(at) } | Stage::Entered { first: at, .. } => *at = now,
            _ => {}
        }
    }

    /// Whether a dialog may have swallowed the typed text: the dialog came after the typing, the
    /// text never stood in the prompt, and no turn began.
    pub(super) fn may_be_swallowed(&self) -> bool {
        self.fate == Fate::Covered && self.typings < TYPINGS_MAX
    }

    /// The agent reported the text: the machine presses nothing until the agent's decision is
    /// known.
    fn taking(&mut self, now: Moment, out: &mut Vec<Effect>) {
        if matches!(
            self.stage,
            Stage::Taking { .. } | Stage::Clearing { refused: true, .. }
        ) {
            return;
        }
        self.release(now, out);
        self.waits = Wait::Nothing;
        self.obstacle = None;
        self.stage = Stage::Taking {
            since: now,
            ready_since: None,
        };
    }

    /// A hook of the user refused the text. The text may stand in the prompt again.
    fn refuse(&mut self, reason: &str, now: Moment) {
        self.keys = 0;
        self.stage = Stage::Clearing {
            reason: refused(reason),
            since: now,
            left: false,
            refused: true,
        };
    }

    fn has_keyboard(&self) -> bool {
        matches!(self.keyboard, Keyboard::Had { .. })
    }

    /// Whether the agent takes keys now: outside of turns and dialogs, or in a turn that the
    /// delivery steers. An Esc for clearing a text would end the turn.
    pub(super) fn takes_keys(&self) -> bool {
        let steers = self.steer && !matches!(self.stage, Stage::Clearing { .. });
        match self.readiness {
            Readiness::Ready => true,
            Readiness::Busy => steers,
            Readiness::Dialog(_)
            | Readiness::Hindered(_)
            | Readiness::NotReady
            | Readiness::Broken(_) => false,
        }
    }

    /// Keys need the lock, and an agent ready for keys.
    fn may_press(&self) -> bool {
        self.has_keyboard() && self.takes_keys()
    }

    fn look(&mut self, out: &mut Vec<Effect>) {
        self.waits = Wait::Look;
        out.push(Effect::Look);
    }

    fn finish(&mut self, effect: Effect, out: &mut Vec<Effect>) {
        if !matches!(self.keyboard, Keyboard::Free { .. }) {
            out.push(Effect::Release);
        }
        self.keyboard = Keyboard::Free {
            again: Moment::default(),
        };
        self.waits = Wait::Nothing;
        self.stage = Stage::Over;
        out.push(effect);
    }
}

/// The error of a command that the agent itself declined.
pub(super) fn declined(words: &str) -> String {
    format!("Claude Code did not carry the command out: {words}")
}

/// The error of a command refused by a hook of the user.
#[must_use]
pub fn refused(reason: &str) -> String {
    format!("a hook of yours (UserPromptSubmit) refused the command: {reason}")
}

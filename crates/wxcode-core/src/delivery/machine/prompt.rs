//! The next step after a look at the prompt.

use super::{
    ENTER_INTERVAL, ENTERS_MAX, Fate, KEYS_MAX, Kept, Key, Machine, Pressed, Prompt, Readiness,
    Seen, Stage, TAKE_TIMEOUT, Wait,
    words::{Effect, Obstacle},
};
use crate::time::Moment;

impl Machine {
    /// Acts on the content of the prompt. No other client types meanwhile.
    pub(super) fn saw(&mut self, mut seen: Seen, now: Moment, out: &mut Vec<Effect>) {
        let draft = |mark| Obstacle::Draft { mark };
        if self.steer && self.takes_keys() && seen.prompt == Prompt::Turn {
            seen.prompt = Prompt::Empty;
        }
        match (&self.stage, seen.prompt) {
            (_, Prompt::Nothing | Prompt::Turn) => self.hesitate(Obstacle::NoPrompt, now, out),
            (Stage::Queued, Prompt::Empty) => {
                self.stashed |= self.pressed() == Pressed::Key(Key::Stash);
                self.obstacle = None;
                self.waits = Wait::Store;
                out.push(Effect::Record);
            }
            // Another hand may have typed the same text.
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
                // A text in the prompt was not swallowed by a dialog.
                self.fate = Fate::Turned;
                let typed = typed.unwrap_or(now);
                self.stage = Stage::Written { typed: Some(typed) };
                let escaped = self.pressed() == Pressed::Key(Key::Escape);
                if !offers_other {
                    self.enter(now, now, 0, out);
                } else if !escaped
                    && self.keys < KEYS_MAX
                    // In a turn, the Esc would end the turn.
                    && self.readiness == Readiness::Ready
                {
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
            // A dialog swallowed the text: no prompt shows the text, and the hook's time is over.
            (Stage::Written { typed: Some(at) }, Prompt::Empty)
                if self.may_be_swallowed()
                    && seen.kept == Kept::No
                    && self.readiness == Readiness::Ready
                    && now >= *at + TAKE_TIMEOUT =>
            {
                self.obstacle = None;
                self.waits = Wait::Store;
                out.push(Effect::Record);
            }
            // The text is not there yet, or no longer: the hook may still come.
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
                && now >= last + ENTER_INTERVAL =>
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
            // A hook of the user refused the text, but the agent's word of the refusal is missing.
            (Stage::Taking { .. }, Prompt::Text { .. }) => {
                self.refuse("its message is not known", now);
                self.look(out);
            }
            (Stage::Taking { .. }, Prompt::Empty | Prompt::Draft { .. }) => {
                self.finish(Effect::Submitted, out);
            }
            (Stage::Clearing { refused: true, .. }, Prompt::Empty)
                if self.stashed && seen.kept == Kept::Yes =>
            {
                self.stashed = false;
                self.press(Key::Stash, now, out);
            }
            (
                Stage::Clearing {
                    refused: true,
                    reason,
                    ..
                },
                Prompt::Empty | Prompt::Draft { .. },
            ) => {
                let reason = reason.clone();
                self.finish(Effect::Failed(reason), out);
            }
            // Restores the user's draft.
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

    /// Handles an obstacle. Right after a key, the obstacle may precede the key's effect; otherwise
    /// the machine waits without the lock.
    fn hesitate(&mut self, obstacle: Obstacle, now: Moment, out: &mut Vec<Effect>) {
        self.stand_before(obstacle, now);
        self.wait_or_release(now, out);
    }

    pub(super) fn stand_before(&mut self, obstacle: Obstacle, now: Moment) {
        match self.obstacle {
            Some((same, _)) if same == obstacle => {}
            _ => self.obstacle = Some((obstacle, now)),
        }
    }
}

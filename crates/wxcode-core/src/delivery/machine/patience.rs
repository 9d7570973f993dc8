//! Timeouts of a delivery, and the errors after them.

#[cfg(test)]
use super::words::Obstacle;
use super::{
    CLAIM, CLEAR_TIMEOUT, DECIDE_TIMEOUT, Keyboard, Machine, REACT, Readiness, Stage, TAKE_TIMEOUT,
    Wait, words::Effect,
};
#[cfg(test)]
use crate::delivery::reason::Code;
use crate::time::Moment;

impl Machine {
    /// Carries out due timeouts.
    pub(super) fn pass(&mut self, now: Moment, out: &mut Vec<Effect>) {
        if self.gives_up_at().is_some_and(|at| now >= at) {
            self.give_up(now, out);
        }
        if let Keyboard::Had { since, .. } = self.keyboard
            && now >= since + CLAIM
        {
            self.release(now, out);
        }
        if let Wait::Reaction { since } = self.waits
            && now >= since + REACT
        {
            self.look(out);
        }
    }

    /// The time of the next [`Event::Tick`]; `None` while only another event can change anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        if self.is_over() {
            return None;
        }
        let claim = match self.keyboard {
            Keyboard::Had { since, .. } => Some(since + CLAIM),
            Keyboard::Free { .. } | Keyboard::Asked { .. } => None,
        };
        let reaction = match self.waits {
            Wait::Reaction { since } => Some(since + REACT),
            _ => None,
        };
        let times = [self.gives_up_at(), claim, reaction, self.asks_at()];
        times.into_iter().flatten().min()
    }

    /// The time of failure.
    fn gives_up_at(&self) -> Option<Moment> {
        let ready = self.deadlines.ready;
        let unready = self.not_ready_since.map(|since| since + ready);
        let obstacle = self.obstacle.map(|(_, since)| since + ready);
        let no_dialog = !matches!(
            self.readiness,
            Readiness::Dialog(_) | Readiness::Hindered(_)
        );
        match (&self.stage, self.waits) {
            (Stage::Over, _) => None,
            (Stage::Taking { since, .. }, _) => Some(*since + DECIDE_TIMEOUT),
            (Stage::Clearing { since, .. }, _) => Some(*since + CLEAR_TIMEOUT),
            (Stage::Entered { first, .. }, _) => no_dialog.then_some(*first + TAKE_TIMEOUT),
            (_, Wait::Paste { since }) => Some(since + ready),
            (Stage::Riding { ready_since }, _) => {
                unready.or(ready_since.map(|since| since + TAKE_TIMEOUT))
            }
            // The machine then types the text again, or fails when typing is impossible.
            (Stage::Written { typed: Some(typed) }, _) if self.may_be_swallowed() => {
                no_dialog.then_some(*typed + TAKE_TIMEOUT * 2)
            }
            (Stage::Written { typed: Some(typed) }, _) => {
                no_dialog.then_some(*typed + TAKE_TIMEOUT)
            }
            (Stage::Queued | Stage::Written { .. }, _) => unready.into_iter().chain(obstacle).min(),
        }
    }

    fn give_up(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let seconds = self.deadlines.ready.as_secs();
        let reason = match (&self.stage, self.obstacle) {
            (Stage::Clearing { .. }, _) => return self.give_up_clearing(out),
            // The agent reported the text, and no hook can refuse it any longer.
            (Stage::Taking { .. }, _) => return self.finish(Effect::Submitted, out),
            (Stage::Entered { left, .. }, _) => {
                let left = *left;
                if !left && self.readiness == Readiness::Ready {
                    self.keys = 0;
                    self.stage = Stage::Clearing {
                        left: false,
                        reason: not_taken(),
                        since: now,
                        refused: false,
                    };
                    return;
                }
                match left {
                    true => not_reported(),
                    false => not_taken() + STILL_THERE,
                }
            }
            (Stage::Written { typed: Some(_) }, _) => not_alone(),
            (_, Some((obstacle, _))) => {
                format!("{} (nothing changed for {seconds} s)", obstacle.note())
            }
            (
                Stage::Riding {
                    ready_since: Some(_),
                },
                None,
            ) => not_reported(),
            (_, None) if matches!(self.waits, Wait::Paste { .. }) => not_read(seconds),
            (_, None) if let Readiness::Broken(reason) = &self.readiness => reason.clone(),
            (_, None) => not_ready(seconds),
        };
        let kept = match self.stage {
            Stage::Queued | Stage::Written { .. } if self.stashed => ASIDE,
            _ => "",
        };
        self.finish(Effect::Failed(reason + kept), out);
    }

    pub(super) fn give_up_clearing(&mut self, out: &mut Vec<Effect>) {
        if let Stage::Clearing { reason, left, .. } = &self.stage {
            let reason = reason.clone() + if *left { "" } else { STILL_THERE };
            self.finish(Effect::Failed(reason), out);
        }
    }
}

/// Added when the text could not be cleared.
const STILL_THERE: &str = "; its text may still stand in the prompt: clear it there";
/// Added when a stashed draft was not restored.
const ASIDE: &str =
    "; the draft that stood in the prompt is put aside: Ctrl+S in the empty prompt brings it back";

fn not_taken() -> String {
    format!(
        "the agent did not take the command within {} s: look at its screen, then retry",
        TAKE_TIMEOUT.as_secs()
    )
}

/// A slash command without a report: only the screen tells more.
fn not_reported() -> String {
    format!(
        "the agent did not report the command within {} s: it is unknown in the workspace, or Claude Code carries it out itself, and it may have taken effect: look at the agent's screen before you retry",
        TAKE_TIMEOUT.as_secs()
    )
}

fn not_alone() -> String {
    format!(
        "the command was typed but does not stand alone in the prompt, and the agent did not report it within {} s: look at its screen before you retry",
        TAKE_TIMEOUT.as_secs()
    )
}

fn not_read(seconds: u64) -> String {
    format!(
        "the agent did not read what was typed within {seconds} s: look at its screen before you retry"
    )
}

fn not_ready(seconds: u64) -> String {
    format!(
        "the agent was not ready within {seconds} s: look at its screen, then retry, or raise `[delivery] ready_timeout_s`"
    )
}

/// The machine's errors, with their codes.
#[cfg(test)]
pub(in crate::delivery) fn told() -> Vec<(Code, String)> {
    let draft = Obstacle::Draft { mark: 0 };
    let obstacles = [
        (Code::Draft, draft),
        (Code::Draft, Obstacle::Mixed),
        (Code::NoPrompt, Obstacle::NoPrompt),
        (Code::Keyboard, Obstacle::Keyboard),
    ];
    let mut all = vec![
        (Code::AgentEnded, super::GONE.to_owned()),
        (Code::Declined, super::declined("Unknown command: /x")),
        (Code::NotTaken, not_taken()),
        (Code::NotTaken, not_taken() + STILL_THERE),
        (Code::NotReported, not_reported()),
        (Code::NotAlone, not_alone() + ASIDE),
        (Code::NotRead, not_read(1)),
        (Code::NotReady, not_ready(1)),
    ];
    all.extend(obstacles.map(|(code, obstacle)| (code, obstacle.note())));
    all
}

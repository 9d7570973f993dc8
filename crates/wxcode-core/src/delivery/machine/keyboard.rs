//! Input lock: acquire, renew, release; and the keys pressed within the lock.

use super::{
    CLAIM_RETRY, DECIDE_LAG, ENTER_INTERVAL, ENTERS_MAX, Fate, Keyboard, Machine, Pressed, Stage,
    Wait,
    words::{Effect, Key, Obstacle},
};
use crate::time::Moment;

impl Machine {
    /// Records a key within the present lock.
    pub(super) const fn presses(&mut self, what: Pressed) {
        if let Keyboard::Had { pressed, .. } = &mut self.keyboard {
            *pressed = what;
        }
    }

    pub(super) const fn pressed(&self) -> Pressed {
        match self.keyboard {
            Keyboard::Had { pressed, .. } => pressed,
            Keyboard::Free { .. } | Keyboard::Asked { .. } => Pressed::Nothing,
        }
    }

    pub(super) fn press(&mut self, key: Key, now: Moment, out: &mut Vec<Effect>) {
        self.presses(Pressed::Key(key));
        self.keys += 1;
        self.waits = Wait::Reaction { since: now };
        out.push(Effect::Press(key));
    }

    pub(super) fn paste(&mut self, now: Moment, out: &mut Vec<Effect>) {
        self.presses(Pressed::Paste);
        self.fate = Fate::Open;
        self.obstacle = None;
        self.waits = Wait::Paste { since: now };
        out.push(Effect::Type);
    }

    pub(super) fn pasted(&mut self, typed: bool, now: Moment) {
        if !matches!(self.waits, Wait::Paste { .. }) {
            return;
        }
        self.waits = Wait::Nothing;
        if !typed {
            self.stand_before(Obstacle::Keyboard, now);
            return self.lose(now);
        }
        self.stage = Stage::Written { typed: Some(now) };
        if self.has_keyboard() {
            self.waits = Wait::Reaction { since: now };
        }
    }

    pub(super) fn enter(&mut self, first: Moment, now: Moment, enters: u32, out: &mut Vec<Effect>) {
        let enters = enters + 1;
        self.presses(Pressed::Enter);
        self.obstacle = None;
        self.stage = Stage::Entered {
            first,
            last: now,
            enters,
            left: false,
        };
        self.waits = Wait::Reaction { since: now };
        out.push(Effect::Enter { attempts: enters });
    }

    pub(super) fn wait_or_release(&mut self, now: Moment, out: &mut Vec<Effect>) {
        if self.pressed() != Pressed::Nothing {
            self.waits = Wait::Reaction { since: now };
        } else {
            self.release(now, out);
        }
    }

    /// Other clients have the lock; a pending answer of the store or the holder still arrives.
    pub(super) fn lose(&mut self, now: Moment) {
        self.keyboard = Keyboard::Free {
            again: now + CLAIM_RETRY,
        };
        if matches!(self.waits, Wait::Look | Wait::Reaction { .. }) {
            self.waits = Wait::Nothing;
        }
    }

    pub(super) fn release(&mut self, now: Moment, out: &mut Vec<Effect>) {
        if !matches!(self.keyboard, Keyboard::Free { .. }) {
            out.push(Effect::Release);
            self.lose(now);
        }
    }

    /// Requests the lock, if there is a key to press.
    pub(super) fn ask(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let is_due = self.asks_at().is_some_and(|at| now >= at);
        if is_due {
            self.waits = Wait::Nothing;
            self.keyboard = Keyboard::Asked { at: now };
            out.push(Effect::Claim);
        }
    }

    /// The time of the next request for the lock. For another Enter the machine requests the lock
    /// again while holding it. The holder grants the request once the agent has read the last
    /// Enter.
    pub(super) fn asks_at(&self) -> Option<Moment> {
        let again = match (self.keyboard, self.waits) {
            (Keyboard::Free { again }, Wait::Nothing) => again,
            (Keyboard::Had { .. }, Wait::Nothing | Wait::Reaction { .. })
                if self.pressed() == Pressed::Enter =>
            {
                Moment::default()
            }
            _ => return None,
        };
        let at = match self.stage {
            Stage::Queued | Stage::Written { .. } | Stage::Clearing { left: false, .. } => again,
            Stage::Entered {
                last,
                enters,
                left: false,
                ..
            } if enters < ENTERS_MAX => again.max(last + ENTER_INTERVAL),
            Stage::Taking {
                ready_since: Some(since),
                ..
            } => again.max(since + DECIDE_LAG),
            Stage::Taking { .. }
            | Stage::Riding { .. }
            | Stage::Entered { .. }
            | Stage::Clearing { .. }
            | Stage::Over => {
                return None;
            }
        };
        self.takes_keys().then_some(at)
    }
}

//! The states of a delivery in progress.

use super::words::Key;
use crate::time::Moment;

/// Events since the typing, while the text never stood in the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    /// Nothing yet.
    Open,
    /// A dialog, and no turn: the dialog may have swallowed the text.
    Covered,
    /// A turn: the agent may have taken the text.
    Turned,
}

/// The progress of the delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// Sent as the initial prompt of the process.
    Riding { ready_since: Option<Moment> },
    /// Nothing is recorded.
    Queued,
    /// Recorded; with the time of the holder's word that the text is in the PTY.
    Written { typed: Option<Moment> },
    /// Enter was pressed; `left` once the text was seen to have left the prompt.
    Entered {
        first: Moment,
        last: Moment,
        enters: u32,
        left: bool,
    },
    /// The agent's hook reported the text; whether the agent took it is not known yet.
    Taking {
        since: Moment,
        /// Since when the agent is ready again without an answer.
        ready_since: Option<Moment>,
    },
    /// Refused; the machine clears the text from the prompt before the delivery fails.
    Clearing {
        reason: String,
        since: Moment,
        /// The text left the prompt by another hand; the agent may have taken it.
        left: bool,
        /// A hook of the user refused the text: no report can come.
        refused: bool,
    },
    /// Nothing more to do.
    Over,
}

/// The state of the input lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Keyboard {
    /// Free; the next request is due at this time.
    Free { again: Moment },
    /// Requested at this time.
    Asked { at: Moment },
    /// Held since this time at the latest, with the last key pressed within the lock. The holder
    /// grants the lock only after the agent has read all earlier input.
    Had { since: Moment, pressed: Pressed },
}

/// The last key within the lock. The machine repeats a key without a visible effect only once the
/// agent is known to have read the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pressed {
    Nothing,
    Paste,
    Enter,
    Key(Key),
    /// The Esc for clearing the text.
    Clear,
}

/// The event to wait for before the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Wait {
    Nothing,
    /// The result of a look.
    Look,
    /// The screen's reaction to a key.
    Reaction {
        since: Moment,
    },
    /// The store.
    Store,
    /// The holder.
    Paste {
        since: Moment,
    },
}

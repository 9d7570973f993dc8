//! A decision of the agent that is still to come.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;
use wxcode_claude::transcript::outcome::Submitted;

/// The first pause between two readings of the transcript.
pub(super) const PAUSE_FIRST: Duration = Duration::from_millis(20);

/// The decision about the delivery in progress, while unknown.
pub(super) struct Decision {
    pub(super) sought: Sought,
    pub(super) path: PathBuf,
    /// The offset to read from.
    pub(super) next: u64,
    pub(super) due: Instant,
    pub(super) pause: Duration,
}

/// The record to look for.
#[derive(Clone)]
pub(super) enum Sought {
    /// Of a reported prompt.
    Prompt(Submitted),
    /// Of this command, which no hook has reported.
    Command {
        text: String,
        /// The length of the history of prompts before the typing.
        history: u64,
        /// Whether a panel is open.
        panel: bool,
    },
}

/// The places to read from after the typing of a text.
pub(super) struct TypedAt {
    pub(super) transcript: PathBuf,
    pub(super) len: u64,
    pub(super) history: u64,
}

impl Decision {
    pub(super) fn new(sought: Sought, path: PathBuf, from: u64, now: Instant) -> Self {
        Self {
            sought,
            path,
            next: from,
            due: now + PAUSE_FIRST,
            pause: PAUSE_FIRST,
        }
    }

    /// The time of the next reading.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }
}

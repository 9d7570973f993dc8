//! A decision of the agent that is still to come.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;
use wxcode_claude::transcript::outcome::Submitted;

/// The decision about the delivery in progress, while unknown.
pub(super) struct Decision {
    pub(super) submitted: Submitted,
    pub(super) path: PathBuf,
    /// The offset to read from.
    pub(super) next: u64,
    pub(super) due: Instant,
    pub(super) pause: Duration,
}

impl Decision {
    /// The time of the next reading.
    pub(super) const fn due(&self) -> Instant {
        self.due
    }
}

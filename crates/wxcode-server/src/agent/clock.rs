//! A clock for the pure machines of `wxcode-core`, which count milliseconds from their start.

use std::time::Duration;

use tokio::time::Instant;
use wxcode_core::time::Moment;

/// The start from which a machine counts.
#[derive(Debug, Clone, Copy)]
pub(in crate::agent) struct Clock(Instant);

impl Default for Clock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock {
    /// An instant for the machine.
    pub(in crate::agent) fn moment(self, at: Instant) -> Moment {
        Moment::new(at.saturating_duration_since(self.0))
    }

    /// The instant of a machine's moment.
    pub(in crate::agent) fn at(self, moment: Moment) -> Instant {
        self.0 + moment.since_start()
    }

    /// Milliseconds from the start to an instant.
    pub(in crate::agent) fn millis(self, at: Instant) -> u64 {
        let elapsed = at.saturating_duration_since(self.0);
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }

    /// The instant this many milliseconds after the start.
    pub(in crate::agent) fn instant(self, millis: u64) -> Instant {
        self.0 + Duration::from_millis(millis)
    }
}

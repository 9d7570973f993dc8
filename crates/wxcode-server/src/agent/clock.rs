//! A clock for the pure machines of `wxcode-core`; moments count from the clock's start.

use std::time::Duration;

use tokio::time::Instant;
use wxcode_core::time::Moment;

/// The farthest moment with an instant: a hundred years.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// The start of a machine's clock.
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

    /// The instant of a machine's moment; at most [`FAR`] from the start.
    pub(in crate::agent) fn at(self, moment: Moment) -> Instant {
        self.0 + moment.since_start().min(FAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_moment_has_an_instant() {
        let clock = Clock::default();
        let last = Moment::new(Duration::MAX);
        assert_eq!(clock.moment(clock.at(last)), Moment::new(FAR));
    }
}

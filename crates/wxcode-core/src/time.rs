//! Timestamps as the API and both stores write them: UTC, whole milliseconds. Moments, for the
//! pure machines.

use std::{ops::Add, time::Duration};

use jiff::Timestamp;

/// A moment on a monotonic clock, as the time since the clock's start. Moments of two clocks do not
/// compare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The moment this long after the clock's start.
    #[must_use]
    pub const fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The time since the clock's start.
    #[must_use]
    pub const fn since_start(self) -> Duration {
        self.0
    }

    /// The time since an earlier moment; zero for a later moment.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// A moment beyond all bounds is the last one.
impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(time))
    }
}

/// Cuts `at` to whole milliseconds, the precision of the shared store's dates, so that a record
/// reads back equal from either store.
#[must_use]
pub fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_cut_to_milliseconds() {
        let at: Timestamp = "2026-01-02T03:04:05.678912Z".parse().unwrap();
        assert_eq!(to_millis(at).to_string(), "2026-01-02T03:04:05.678Z");
    }
}

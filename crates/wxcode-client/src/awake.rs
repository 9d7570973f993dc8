//! Notices that the machine slept: the machine's connections may be dead without a word.

use std::time::{Duration, SystemTime};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Pause between two looks at the clocks.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The wall clock ran ahead of the monotonic clock by more than this: the machine slept.
pub const GAP_MIN: Duration = Duration::from_secs(10);

/// Watches the clocks.
#[derive(Debug)]
pub(crate) struct Awake {
    looks: Interval,
    last: (Instant, SystemTime),
}

impl Awake {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        let mut looks = interval_at(now + LOOK_EVERY, LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            looks,
            last: (now, SystemTime::now()),
        }
    }

    /// Waits for the end of the next sleep. Cancel-safe.
    pub(crate) async fn slept(&mut self) {
        loop {
            self.looks.tick().await;
            let now = (Instant::now(), SystemTime::now());
            let before = std::mem::replace(&mut self.last, now);
            // A clock set back gives no duration.
            let wall = now.1.duration_since(before.1).unwrap_or_default();
            if is_sleep(now.0 - before.0, wall) {
                return;
            }
        }
    }
}

/// Whether the machine slept between two looks: the monotonic clock stands still in a sleep. A wall
/// clock set forward looks the same, and costs a sign of life.
fn is_sleep(monotonic: Duration, wall: Duration) -> bool {
    wall > monotonic + GAP_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sleep_parts_the_clocks() {
        let hour = Duration::from_secs(3600);
        assert!(is_sleep(LOOK_EVERY, hour));
        assert!(!is_sleep(hour, hour), "a caller that came late");
        assert!(!is_sleep(LOOK_EVERY, LOOK_EVERY + GAP_MIN));
        assert!(!is_sleep(hour, Duration::ZERO), "a clock that was set back");
    }
}

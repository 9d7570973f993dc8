//! Times of deliveries, on a clock that people may change.

use std::time::Duration;

use jiff::Timestamp;

/// Longest time between readings of the clock for a delivery waiting for its time. A clock set
/// forward makes the delivery late by no more than this time.
pub(in crate::agent) const CLOCK_EVERY: Duration = Duration::from_secs(15);

/// The time to sleep before looking for a delivery due at `at`.
///
/// Only the next look decides that the delivery is due. So a clock set back meanwhile delays the
/// delivery, and loses nothing.
pub(in crate::agent) fn pause(now: Timestamp, at: Timestamp) -> Duration {
    let ahead = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    // Times are kept to the millisecond: a little later is never too early.
    CLOCK_EVERY.min(ahead + Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// The wall clock at the time of carrying out a delivery for `due`; `jump` changes the clock
    /// after each pause. Pauses pass in real time.
    fn due(start: i64, due: i64, mut jump: impl FnMut(Timestamp) -> Timestamp) -> (Timestamp, u32) {
        let mut now = at(start);
        let mut looks = 0;
        while now < at(due) {
            let slept = jiff::SignedDuration::try_from(pause(now, at(due))).unwrap();
            now = jump(now.checked_add(slept).unwrap());
            looks += 1;
            assert!(looks < 1_000, "it never becomes due");
        }
        (now, looks)
    }

    #[test]
    fn a_clock_set_back_delays_only() {
        let mut jumps = 3;
        let (now, looks) = due(0, 60, |now| match jumps {
            0 => now,
            _ => {
                jumps -= 1;
                now.checked_sub(jiff::SignedDuration::from_secs(3_600))
                    .unwrap()
            }
        });
        assert!((at(60)..at(61)).contains(&now), "{now}");
        assert!(looks > 700, "{looks}: the hours set back pass in full");
    }

    #[test]
    fn a_clock_set_forward_is_noticed_soon() {
        let mut jumped = false;
        let (now, looks) = due(0, 36_000, |now| {
            match std::mem::replace(&mut jumped, true) {
                true => now,
                false => at(36_005),
            }
        });
        assert_eq!((now, looks), (at(36_005), 1));
    }
}

//! The usage limit met by a session: the details, and the time for going on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use wxcode_core::agent::Limit;

/// Time from the hook of a limit to the record with its reset in the transcript.
const DETAILS_MAX: Duration = Duration::from_secs(5);
/// Time between two readings of the transcript for the details.
const DETAILS_EVERY: Duration = Duration::from_millis(200);
/// The first pause before the next try under a limit without a known reset; the pause doubles with
/// each limit met in a row, to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(60);
/// The longest pause before a limit without a known reset is tried again.
const RETRY_MAX: Duration = Duration::from_secs(1_800); // half an hour
/// Longest wait between two looks at the clock, because people may set the clock.
const LOOK_MAX: Duration = Duration::from_secs(30);

/// The watch over the usage limit of a session.
#[derive(Debug)]
pub(in crate::agent) struct LimitWatch {
    /// Time from the reset until wxcode goes on; Claude Code may go on earlier.
    grace: Duration,
    current: Option<Met>,
    /// Limits met in a row.
    in_a_row: u32,
}

/// A limit met by the session.
#[derive(Debug)]
struct Met {
    hook: u64,
    limit: Limit,
    /// The deadline for details, and the next time to look for details.
    details: Option<(Instant, Instant)>,
    /// When to try again, without a known reset.
    retry_at: Instant,
}

impl LimitWatch {
    pub(in crate::agent) const fn new(grace: Duration) -> Self {
        Self {
            grace,
            current: None,
            in_a_row: 0,
        }
    }

    /// The present limit.
    pub(in crate::agent) fn limit(&self) -> Option<&Limit> {
        self.current.as_ref().map(|met| &met.limit)
    }

    /// The hook that reported the present limit.
    pub(in crate::agent) fn hook(&self) -> Option<u64> {
        self.current.as_ref().map(|met| met.hook)
    }

    /// A hook reported a limit.
    pub(in crate::agent) fn reached(&mut self, hook: u64, reason: String, now: Instant) {
        let pause = RETRY_FIRST.saturating_mul(1 << self.in_a_row.min(10));
        self.in_a_row += 1;
        self.current = Some(Met {
            hook,
            limit: Limit {
                reason,
                resets_at: None,
            },
            details: Some((now + DETAILS_MAX, now)),
            retry_at: now + pause.min(RETRY_MAX),
        });
    }

    /// Whether the transcript should be read for the details.
    pub(in crate::agent) fn wants_details(&mut self, now: Instant) -> bool {
        let details = self.current.as_mut().and_then(|met| met.details.as_mut());
        details.is_some_and(|(_, at)| {
            let is_due = now >= *at;
            if is_due {
                *at = now + DETAILS_EVERY;
            }
            is_due
        })
    }

    /// Takes the reset from the transcript; `None` without a reset so far. Returns whether the
    /// search is over.
    pub(in crate::agent) fn detail(
        &mut self,
        found: Option<Option<Timestamp>>,
        now: Instant,
    ) -> bool {
        let Some(met) = &mut self.current else {
            return false;
        };
        let Some((until, _)) = met.details else {
            return false;
        };
        if found.is_none() && now < until {
            return false;
        }
        met.limit.resets_at = found.flatten();
        met.details = None;
        true
    }

    /// The agent went on, or gives up: the limit is over. Returns its hook.
    pub(in crate::agent) fn cleared(&mut self) -> Option<u64> {
        self.current.take().map(|met| met.hook)
    }

    /// A turn ended without an error.
    pub(in crate::agent) const fn went_well(&mut self) {
        self.in_a_row = 0;
    }

    /// Whether wxcode is to go on now, without Claude Code.
    pub(in crate::agent) fn is_due(&self, now: Instant, clock: Timestamp) -> bool {
        let Some(met) = &self.current else {
            return false;
        };
        match met.limit.resets_at {
            _ if met.details.is_some() => false,
            Some(at) => left(at, self.grace, clock).is_zero(),
            None => now >= met.retry_at,
        }
    }

    /// The time of the next look.
    pub(in crate::agent) fn deadline(&self, now: Instant, clock: Timestamp) -> Option<Instant> {
        let met = self.current.as_ref()?;
        if let Some((_, at)) = met.details {
            return Some(at);
        }
        Some(match met.limit.resets_at {
            Some(at) => now + left(at, self.grace, clock).min(LOOK_MAX),
            None => met.retry_at,
        })
    }
}

/// The time left until `grace` after `at`.
fn left(at: Timestamp, grace: Duration, clock: Timestamp) -> Duration {
    let grace = SignedDuration::try_from(grace).unwrap_or(SignedDuration::MAX);
    let left = at.duration_since(clock).saturating_add(grace);
    Duration::try_from(left).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(120);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn known_reset_is_due_after_the_grace() {
        let mut watch = LimitWatch::new(GRACE);
        let now = Instant::now();
        watch.reached(7, "5-hour limit".into(), now);
        assert!(watch.wants_details(now));
        assert!(!watch.wants_details(now), "a pause");
        assert!(!watch.detail(None, now));
        assert!(!watch.is_due(now, at(9_999)), "details come first");
        assert!(watch.detail(Some(Some(at(1_000))), now));
        assert!(!watch.is_due(now, at(1_119)));
        assert!(watch.is_due(now, at(1_120)));
        assert_eq!(watch.deadline(now, at(0)), Some(now + LOOK_MAX));
        assert_eq!(watch.cleared(), Some(7));
        assert!(!watch.is_due(now, at(2_000)) && watch.limit().is_none());
    }

    #[test]
    fn unknown_reset_is_tried_with_growing_pauses() {
        let mut watch = LimitWatch::new(GRACE);
        let mut now = Instant::now();
        for pause in [60, 120, 240] {
            watch.reached(1, String::new(), now);
            assert!(watch.detail(None, now + DETAILS_MAX));
            let due = now + Duration::from_secs(pause);
            assert_eq!(watch.deadline(now, at(0)), Some(due));
            assert!(watch.is_due(due, at(0)) && !watch.is_due(due - DETAILS_EVERY, at(0)));
            now = due;
        }
        watch.went_well();
        watch.reached(1, String::new(), now);
        watch.detail(None, now + DETAILS_MAX);
        assert_eq!(watch.deadline(now, at(0)), Some(now + RETRY_FIRST));
    }
}

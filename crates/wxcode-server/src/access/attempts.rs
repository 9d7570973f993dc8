//! Counts failed logins of each address.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;

/// Most failed logins of an address within [`WINDOW`].
const FAILED_MAX: usize = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Most addresses remembered. Beyond it, no address may log in until a window ends.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct Attempts(HashMap<IpAddr, VecDeque<Instant>>);

impl Attempts {
    /// Whether the address may try now; otherwise the time until it may.
    pub(super) fn check(&mut self, now: Instant, address: IpAddr) -> Result<(), Duration> {
        self.0.retain(|_, failed| {
            failed.retain(|at| now - *at < WINDOW);
            !failed.is_empty()
        });
        match self.0.get(&address) {
            None if self.0.len() >= ADDRESSES_MAX => Err(WINDOW),
            Some(failed) if failed.len() >= FAILED_MAX => {
                let oldest = failed.front().copied().unwrap_or(now);
                Err(WINDOW.saturating_sub(now - oldest))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn failed(&mut self, now: Instant, address: IpAddr) {
        let failed = self.0.entry(address).or_default();
        if failed.len() >= FAILED_MAX {
            failed.pop_front();
        }
        failed.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_a_minute_are_allowed() {
        let mut attempts = Attempts::default();
        let (one, other) = ([127, 0, 0, 1].into(), [127, 0, 0, 2].into());
        let start = Instant::now();
        for second in 0..5 {
            let now = start + Duration::from_secs(second);
            assert_eq!(attempts.check(now, one), Ok(()));
            attempts.failed(now, one);
        }
        let now = start + Duration::from_secs(10);
        assert_eq!(attempts.check(now, one), Err(Duration::from_secs(50)));
        assert_eq!(attempts.check(now, other), Ok(()));
        assert_eq!(attempts.check(start + WINDOW, one), Ok(()));
    }
}

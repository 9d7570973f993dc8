//! The pauses between attempts to connect.

use std::time::Duration;

/// The pause after the first failure.
pub const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two attempts.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Pauses, doubling from [`FIRST_PAUSE`] to [`LONGEST_PAUSE`].
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// The connection works: the next failure is a first one.
    pub(crate) const fn reset(&mut self) {
        self.0 = FIRST_PAUSE;
    }

    /// The pause before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_a_connection_works() {
        let mut backoff = Backoff::new();
        let pauses = [(); 7].map(|()| backoff.next().as_millis());
        assert_eq!(pauses, [200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.next(), FIRST_PAUSE);
    }
}

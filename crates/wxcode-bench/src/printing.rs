//! What came of a text that was printed.

use std::time::Duration;

/// A text that was printed and received to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printed {
    /// From the order to the end.
    pub(crate) took: Duration,
    /// Bytes that were received; a snapshot may stand for others.
    pub(crate) received: u64,
}

impl Printed {
    /// Received bytes, in MB/s.
    pub(crate) fn rate(&self) -> f64 {
        self.received as f64 / 1e6 / self.took.as_secs_f64()
    }
}

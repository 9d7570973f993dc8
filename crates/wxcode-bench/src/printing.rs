//! Results of a printed text.

use std::time::Duration;

/// A text printed and received to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printed {
    /// From the order to the end.
    pub(crate) took: Duration,
    /// Received bytes; a snapshot may replace others.
    pub(crate) received: u64,
}

impl Printed {
    /// Received bytes, in MB/s.
    pub(crate) fn rate(&self) -> f64 {
        self.received as f64 / 1e6 / self.took.as_secs_f64()
    }
}

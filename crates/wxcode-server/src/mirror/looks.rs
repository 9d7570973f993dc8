//! The rhythm of followers that look at an agent's files for as long as the agent lives.

use std::{pin::Pin, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Looks at an interval, once more after the agent's end, and none once the server closes.
pub(crate) struct Looks<F> {
    ticks: Interval,
    ended: Pin<Box<F>>,
    closing: CancellationToken,
    is_over: bool,
}

impl<F: Future<Output = ()>> Looks<F> {
    pub(crate) fn new(every: Duration, ended: F, closing: CancellationToken) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            ticks,
            ended: Box::pin(ended),
            closing,
            is_over: false,
        }
    }

    /// Waits for the next look; returns whether it is the last one, or `None` for no more looks.
    pub(crate) async fn next(&mut self) -> Option<bool> {
        if self.is_over {
            return None;
        }
        tokio::select! {
            _ = self.ticks.tick() => {}
            () = &mut self.ended => self.is_over = true,
            () = self.closing.cancelled() => return None,
        }
        Some(self.is_over)
    }
}

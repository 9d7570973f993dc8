//! The rhythm of followers that look at an agent's files for as long as the agent lives.

use std::{pin::Pin, sync::Arc, time::Duration};

use tokio::{
    sync::Notify,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// The occasion of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The interval is over.
    Due,
    /// Files may have changed.
    Woken,
    /// The agent has ended.
    Last,
}

/// Looks at an interval, once more after the agent's end, and none once the server closes.
pub(crate) struct Looks<F> {
    ticks: Interval,
    ended: Pin<Box<F>>,
    closing: CancellationToken,
    is_over: bool,
    /// Wakes between two ticks, at least this long after the last look.
    bell: Option<(Arc<Notify>, Duration)>,
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
            bell: None,
        }
    }

    /// Looks after each ring of the bell as well, `pause` after the last look.
    pub(crate) fn woken_by(self, bell: Arc<Notify>, pause: Duration) -> Self {
        Self {
            bell: Some((bell, pause)),
            ..self
        }
    }

    /// Waits for the next look; `None` for no more looks.
    pub(crate) async fn next(&mut self) -> Option<Look> {
        if self.is_over {
            return None;
        }
        let now = Instant::now();
        let bell = &self.bell;
        let woken = async {
            match bell {
                Some((bell, pause)) => {
                    bell.notified().await;
                    sleep_until(now + *pause).await;
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // This look also sees the reason of a ring.
            _ = self.ticks.tick() => Some(Look::Due),
            () = woken => Some(Look::Woken),
            () = &mut self.ended => {
                self.is_over = true;
                Some(Look::Last)
            }
            () = self.closing.cancelled() => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rings_are_answered_after_the_pause() {
        const PAUSE: Duration = Duration::from_millis(20);
        let (bell, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let ended = Arc::clone(&end);
        let ended = async move { ended.notified().await };
        let looks = Looks::new(Duration::from_secs(3_600), ended, CancellationToken::new());
        let mut looks = looks.woken_by(Arc::clone(&bell), PAUSE);
        assert_eq!(looks.next().await, Some(Look::Due));
        for _ in 0..5 {
            let begun = Instant::now();
            // Many rings are one look.
            bell.notify_one();
            bell.notify_one();
            assert_eq!(looks.next().await, Some(Look::Woken));
            assert!(begun.elapsed() >= PAUSE);
        }
        end.notify_one();
        assert_eq!(looks.next().await, Some(Look::Last));
        assert_eq!(looks.next().await, None);
    }
}

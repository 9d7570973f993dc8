//! Traffic next to the printing: clients that come, read and go, and deliveries.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::anyhow;

use super::crowd::{Crowd, deliver};
use crate::{
    client::{Client, Protocol},
    server::{Server, Session},
};

/// Visiting clients.
pub(super) const CLIENTS: usize = 4;
/// Longest stay of a client, and its pause between two visits.
const STAY: Duration = Duration::from_secs(2);
const AWAY: Duration = Duration::from_millis(500);
/// The pause between two deliveries to a conversation.
const DELIVERY_EVERY: Duration = Duration::from_secs(3);
/// How often a pausing thread checks for the end.
const LOOK: Duration = Duration::from_millis(50);

/// The traffic so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) visits: AtomicU64,
    pub(super) bytes: AtomicU64,
    /// Submitted deliveries, and all other deliveries.
    pub(super) deliveries: AtomicU64,
    pub(super) failed: AtomicU64,
}

/// The running traffic.
pub(super) struct Traffic {
    over: Arc<AtomicBool>,
    seen: Arc<Seen>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Traffic {
    pub(super) fn begin(crowd: &Crowd) -> anyhow::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Seen::default());
        let mut threads = Vec::new();
        for n in 0..CLIENTS {
            let visited = crowd.visited().to_vec();
            let (server, over, seen) = (
                Arc::clone(&crowd.server),
                Arc::clone(&over),
                Arc::clone(&seen),
            );
            threads.push(thread::spawn(move || {
                visit(&server, &visited, n, &over, &seen)
            }));
        }
        for session in crowd.conversations.clone() {
            let (server, over, seen) = (
                Arc::clone(&crowd.server),
                Arc::clone(&over),
                Arc::clone(&seen),
            );
            threads.push(thread::spawn(move || {
                let mut n = 0;
                while !over.load(Relaxed) {
                    n += 1;
                    let submitted = deliver(&server, &session, &format!("again {n}"))?;
                    let count = if submitted {
                        &seen.deliveries
                    } else {
                        &seen.failed
                    };
                    count.fetch_add(1, Relaxed);
                    pause(DELIVERY_EVERY, &over);
                }
                Ok(())
            }));
        }
        Ok(Self {
            over,
            seen,
            threads,
        })
    }

    /// Visits so far.
    pub(super) fn visits(&self) -> u64 {
        self.seen.visits.load(Relaxed)
    }

    /// Submitted deliveries so far.
    pub(super) fn deliveries(&self) -> u64 {
        self.seen.deliveries.load(Relaxed)
    }

    /// Ends the traffic; returns the counts.
    ///
    /// # Errors
    /// The first failure.
    pub(super) fn end(self) -> anyhow::Result<Arc<Seen>> {
        self.over.store(true, Relaxed);
        for thread in self.threads {
            thread
                .join()
                .map_err(|_| anyhow!("a part of the traffic panicked"))??;
        }
        Ok(self.seen)
    }

    /// Whether a thread failed, and so ended early.
    pub(super) fn is_broken(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }
}

/// Visits one session after the other, every other time by the JSON protocol, reads for a while and
/// drops the connection.
fn visit(
    server: &Server,
    visited: &[Session],
    first: usize,
    over: &AtomicBool,
    seen: &Seen,
) -> anyhow::Result<()> {
    let mut n = first;
    while !over.load(Relaxed) {
        let protocol = match n % 2 {
            0 => Protocol::V1,
            _ => Protocol::Json,
        };
        let session = &visited[n / 2 % visited.len()];
        n += 1;
        let (mut client, _) = Client::attach(server, session, protocol)?;
        let come = Instant::now();
        while come.elapsed() < STAY && !over.load(Relaxed) {
            client.hear()?;
        }
        seen.visits.fetch_add(1, Relaxed);
        seen.bytes.fetch_add(client.received(), Relaxed);
        drop(client);
        pause(AWAY, over);
    }
    Ok(())
}

fn pause(time: Duration, over: &AtomicBool) {
    let until = Instant::now() + time;
    while Instant::now() < until && !over.load(Relaxed) {
        thread::sleep(LOOK);
    }
}

//! Writes the audit in order, from a bounded queue.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use wxcode_core::access::AuditEntry;

use crate::repository::Repository;

/// Most entries on the way to the store; more are lost, counted and reported.
const QUEUE_MAX: usize = 4_096;
/// Time for the last entries when the server ends.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

enum Job {
    Add(Box<AuditEntry>),
    Flush(oneshot::Sender<()>),
}

/// The queue of the audit.
pub(super) struct Journal {
    queue: mpsc::Sender<Job>,
    lost: std::sync::Arc<AtomicU64>,
}

impl Journal {
    /// Starts to write into the store.
    pub(super) fn new(store: Repository) -> Self {
        let (queue, mut jobs) = mpsc::channel(QUEUE_MAX);
        let lost = std::sync::Arc::<AtomicU64>::default();
        let missing = std::sync::Arc::clone(&lost);
        tokio::spawn(async move {
            while let Some(job) = jobs.recv().await {
                match job {
                    Job::Add(entry) => {
                        if let Err(error) = store.add_audit(&entry).await {
                            tracing::warn!(%error, action = entry.action, actor = entry.actor, "could not write the audit");
                        }
                    }
                    // Nobody may wait any longer.
                    Job::Flush(done) => drop(done.send(())),
                }
                let count = missing.swap(0, Ordering::Relaxed);
                if count > 0 {
                    tracing::warn!(
                        count,
                        "entries of the audit were lost: the store is too slow"
                    );
                }
            }
        });
        Self { queue, lost }
    }

    pub(super) fn add(&self, entry: AuditEntry) {
        if self.queue.try_send(Job::Add(Box::new(entry))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for the entries so far.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let flushing = async {
            if self.queue.send(Job::Flush(done)).await.is_ok() {
                let _ = written.await;
            }
        };
        if timeout(FLUSH_TIMEOUT, flushing).await.is_err() {
            tracing::warn!("the server ends before the whole audit is written");
        }
    }
}

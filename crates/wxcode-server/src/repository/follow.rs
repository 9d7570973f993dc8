//! Changes of other processes, and a store that answers late.

use std::{collections::HashSet, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wxcode_core::id::Id;

use super::Repository;
use crate::sync::lock;

/// Pause before a broken stream is followed again.
const RETRY: Duration = Duration::from_secs(10);

impl Repository {
    /// Follows the changes of other processes until the server ends.
    pub(crate) async fn follow_changes(&self, closing: &CancellationToken) {
        loop {
            let tell = |change| self.0.changes.tell(change);
            let ended = tokio::select! {
                ended = self.0.store.follow_changes(&tell) => ended,
                () = closing.cancelled() => return,
            };
            match ended {
                Ok(()) => {
                    tracing::debug!("the store tells of no changes: looking for them by itself");
                    return;
                }
                Err(error) => tracing::debug!(%error, "the store tells of no changes for now"),
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                () = closing.cancelled() => return,
            }
        }
    }

    /// Waits for projects with deliveries of other processes.
    pub(crate) async fn told_deliveries(&self) -> HashSet<Id> {
        loop {
            let told = std::mem::take(&mut *lock(&self.0.changes.deliveries));
            if !told.is_empty() {
                return told;
            }
            self.0.changes.delivery.notified().await;
        }
    }

    /// Waits for the removal of a credential by another process.
    pub(crate) async fn told_credential(&self) {
        self.0.changes.credential.notified().await;
    }

    /// Waits for a node that comes or goes.
    pub(crate) async fn told_node(&self) {
        self.0.changes.node.notified().await;
    }

    /// The present wait for a store that answers late, in words; `None` without one.
    pub(crate) fn late(&self) -> Option<String> {
        let (operation, elapsed) = self.0.in_progress.late()?;
        Some(format!(
            "the store answers late: `{operation}` has waited for {} s, and what needs it goes on \
             after its answer; check the database, its load and the network",
            elapsed.as_secs()
        ))
    }
}

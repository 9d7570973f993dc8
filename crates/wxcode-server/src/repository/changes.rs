//! Changes of other processes, where the store tells of them. Each user of this room also looks by
//! itself from time to time: a store may tell of none, or break off.

use std::{collections::HashSet, sync::Mutex, time::Duration};

use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;
use wxcode_core::id::Id;
use wxcode_store::Change;

use super::Repository;
use crate::sync::lock;

/// Pause before a broken stream is followed again.
const RETRY: Duration = Duration::from_secs(10);
/// Most projects with told deliveries; beyond this number, the usual look finds the deliveries.
const DELIVERIES_MAX: usize = 4_096;

/// The told changes that nobody took so far.
#[derive(Default)]
pub(super) struct Changes {
    deliveries: Mutex<HashSet<Id>>,
    delivery: Notify,
    credential: Notify,
    node: Notify,
}

impl Changes {
    fn tell(&self, change: Change) {
        match change {
            Change::Any => {
                self.credential.notify_one();
                self.node.notify_one();
            }
            Change::Delivery(project) => {
                let mut told = lock(&self.deliveries);
                if told.len() < DELIVERIES_MAX {
                    told.insert(project);
                }
                drop(told);
                self.delivery.notify_one();
            }
            Change::Credential => self.credential.notify_one(),
            Change::Node => self.node.notify_one(),
        }
    }
}

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
}

//! Changes of other processes, where the store tells of them. Each user of this room also looks by
//! itself from time to time: a store may tell of none, or break off.

use std::{collections::HashSet, sync::Mutex};

use tokio::sync::Notify;
use wxcode_core::id::Id;
use wxcode_store::Change;

use crate::sync::lock;

/// Most projects with told deliveries; beyond this number, the usual look finds the deliveries.
const DELIVERIES_MAX: usize = 4_096;

/// The told changes that nobody took so far.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) deliveries: Mutex<HashSet<Id>>,
    pub(super) delivery: Notify,
    pub(super) credential: Notify,
    pub(super) node: Notify,
}

impl Changes {
    pub(super) fn tell(&self, change: Change) {
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

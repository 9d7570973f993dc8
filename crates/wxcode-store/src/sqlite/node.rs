//! The one node of an embedded store, kept in memory, and the held leases.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::Transaction;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};

use super::{columns::Columns, failure::Failure, lease};
use crate::NODE_KEY;

/// The records of nodes that opened the store in this process.
#[derive(Default)]
pub(super) struct Nodes {
    records: Mutex<Vec<NodeRecord>>,
    key: OnceLock<[u8; NODE_KEY]>,
}

impl Nodes {
    pub(super) fn put(&self, node: &NodeRecord) {
        let mut records = self.records();
        records.retain(|kept| kept.id != node.id);
        records.push(node.clone());
        records.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    }

    pub(super) fn all(&self) -> Vec<NodeRecord> {
        self.records().clone()
    }

    /// Whether the record with this beat was there.
    pub(super) fn remove(&self, id: Uuid, beat: u64) -> bool {
        let mut records = self.records();
        let before = records.len();
        records.retain(|kept| (kept.id, kept.beat) != (id, beat));
        records.len() < before
    }

    /// The first key that anybody proposed.
    pub(super) fn key(&self, proposed: [u8; NODE_KEY]) -> [u8; NODE_KEY] {
        *self.key.get_or_init(|| proposed)
    }

    fn records(&self) -> MutexGuard<'_, Vec<NodeRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The leases held by an owner.
pub(super) fn held(tx: &Transaction<'_>) -> std::result::Result<Vec<(Id, Lease)>, Failure> {
    let mut statement = tx.prepare_cached(
        "SELECT output_project_id FROM leases WHERE node_id IS NOT NULL AND term_ms > 0",
    )?;
    let ids = statement
        .query_map([], |row| {
            let id = row.parsed("output_project_id")?;
            row.required("output_project_id", id)
        })?
        .collect::<rusqlite::Result<Vec<Id>>>()?;
    let mut held = Vec::new();
    for id in ids {
        if let Some(lease) = lease::get(tx, id)? {
            held.push((id, lease));
        }
    }
    Ok(held)
}

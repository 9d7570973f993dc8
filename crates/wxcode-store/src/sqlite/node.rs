//! The one node of an embedded store, kept in memory, and the held leases.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use async_trait::async_trait;
use rusqlite::Transaction;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};

use super::{SqliteStore, columns::Columns, failure::Failure, lease};
use crate::{NODE_KEY, NodeStore, Result};

/// The records of nodes that opened the store in this process.
#[derive(Default)]
pub(super) struct Nodes {
    records: Mutex<Vec<NodeRecord>>,
    key: OnceLock<[u8; NODE_KEY]>,
}

impl Nodes {
    fn records(&self) -> MutexGuard<'_, Vec<NodeRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl NodeStore for SqliteStore {
    async fn put_node(&self, node: &NodeRecord) -> Result<()> {
        let mut records = self.nodes.records();
        records.retain(|kept| kept.id != node.id);
        records.push(node.clone());
        records.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeRecord>> {
        Ok(self.nodes.records().clone())
    }

    async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool> {
        let mut records = self.nodes.records();
        let before = records.len();
        records.retain(|kept| (kept.id, kept.beat) != (id, beat));
        Ok(records.len() < before)
    }

    async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]> {
        Ok(*self.nodes.key.get_or_init(|| proposed))
    }

    async fn held_leases(&self, of: Option<Vec<Uuid>>) -> Result<Vec<(Id, Lease)>> {
        let mut held = self.readers.run(held).await?;
        let is_meant = |lease: &Lease| match (&of, lease.owner()) {
            (Some(of), Some(owner)) => of.contains(&owner.id),
            (None, _) => true,
            (_, None) => false,
        };
        held.retain(|(_, lease)| is_meant(lease));
        Ok(held)
    }
}

fn held(tx: &Transaction<'_>) -> std::result::Result<Vec<(Id, Lease)>, Failure> {
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

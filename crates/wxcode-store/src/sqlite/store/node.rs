//! The promises about nodes and their leases.

use async_trait::async_trait;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};

use crate::{
    ChangeStore, LeaseStore, NODE_KEY, NodeStore, Result, Swapped,
    sqlite::{lease, node::held, store::SqliteStore},
};

/// One process has the file.
impl ChangeStore for SqliteStore {}

#[async_trait]
impl LeaseStore for SqliteStore {
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.readers.run(move |tx| lease::get(tx, project)).await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        let (old, new) = (old.cloned(), new.clone());
        self.writer
            .run(move |tx| lease::swap(tx, project, old.as_ref(), &new))
            .await
    }
}

#[async_trait]
impl NodeStore for SqliteStore {
    async fn put_node(&self, node: &NodeRecord) -> Result<()> {
        self.nodes.put(node);
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeRecord>> {
        Ok(self.nodes.all())
    }

    async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool> {
        Ok(self.nodes.remove(id, beat))
    }

    async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]> {
        Ok(self.nodes.key(proposed))
    }

    async fn held_leases(&self, but: Vec<Uuid>) -> Result<Vec<(Id, Lease)>> {
        let mut held = self.readers.run(held).await?;
        let is_left_out = |lease: &Lease| lease.owner().is_some_and(|by| but.contains(&by.id));
        held.retain(|(_, lease)| !is_left_out(lease));
        Ok(held)
    }
}

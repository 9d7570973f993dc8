//! Nodes and held leases, measured.

use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};
use wxcode_store::{NODE_KEY, Result};

use super::Repository;

impl Repository {
    pub(crate) async fn put_node(&self, node: &NodeRecord) -> Result<()> {
        self.run("put_node", self.0.store.put_node(node)).await
    }

    pub(crate) async fn nodes(&self) -> Result<Vec<NodeRecord>> {
        self.run("nodes", self.0.store.nodes()).await
    }

    pub(crate) async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool> {
        self.run("remove_node", self.0.store.remove_node(id, beat))
            .await
    }

    pub(crate) async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]> {
        self.run("node_key", self.0.store.node_key(proposed)).await
    }

    pub(crate) async fn held_leases(&self, but: Vec<Uuid>) -> Result<Vec<(Id, Lease)>> {
        self.run("held_leases", self.0.store.held_leases(but)).await
    }
}

//! Nodes in a store: their records, their key, and the leases that they hold.

use async_trait::async_trait;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};

use crate::Result;

/// Most nodes in a list.
pub const NODES_MAX: usize = 1_024;
/// Length of the key by which nodes authenticate each other, in bytes.
pub const NODE_KEY: usize = 32;

/// Operations on nodes. See [`crate::Store`] for the promises of all operations. An embedded store
/// has one node, and keeps the record for as long as the store is open.
#[async_trait]
pub trait NodeStore: Send + Sync + 'static {
    /// Adds or replaces a node's record.
    async fn put_node(&self, node: &NodeRecord) -> Result<()>;
    /// The records of all nodes, by name, at most [`NODES_MAX`].
    async fn nodes(&self) -> Result<Vec<NodeRecord>>;
    /// Removes a node's record that still has this number of heartbeats; false without it.
    async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool>;
    /// The key of the store's nodes: `proposed` if the store had none.
    async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]>;
    /// The projects with a lease that an owner holds, and these leases: of all owners but these.
    async fn held_leases(&self, but: Vec<Uuid>) -> Result<Vec<(Id, Lease)>>;
}

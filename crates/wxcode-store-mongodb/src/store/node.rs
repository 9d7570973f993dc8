//! The promises about nodes and their leases.

use async_trait::async_trait;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};
use wxcode_store::{Change, ChangeStore, LeaseStore, NODE_KEY, NodeStore, Result, Swapped};

use super::MongoStore;
use crate::{feed, lease, node};

#[async_trait]
impl ChangeStore for MongoStore {
    async fn follow_changes(&self, tell: &(dyn Fn(Change) + Send + Sync)) -> Result<()> {
        feed::follow(&self.records, tell)
            .await
            .map_err(|failure| failure.about(&self.records.address))
    }
}

#[async_trait]
impl LeaseStore for MongoStore {
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.run(move |records, _| async move { lease::get(&records, project).await })
            .await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        let (old, new) = (old.cloned(), new.clone());
        self.run(move |records, attempt| {
            let (old, new) = (old.clone(), new.clone());
            async move { lease::swap(&records, project, old.as_ref(), &new, attempt.is_again).await }
        })
        .await
    }
}

#[async_trait]
impl NodeStore for MongoStore {
    async fn put_node(&self, node: &NodeRecord) -> Result<()> {
        let node = node.clone();
        self.run(move |records, _| {
            let node = node.clone();
            async move { node::put(&records, &node).await }
        })
        .await
    }

    async fn nodes(&self) -> Result<Vec<NodeRecord>> {
        self.run(move |records, _| async move { node::all(&records).await })
            .await
    }

    async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool> {
        self.run(move |records, _| async move { node::remove(&records, id, beat).await })
            .await
    }

    async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]> {
        self.run(move |records, _| async move { node::key(&records, proposed).await })
            .await
    }

    async fn held_leases(&self, but: Vec<Uuid>) -> Result<Vec<(Id, Lease)>> {
        self.run(move |records, _| {
            let but = but.clone();
            async move { node::held(&records, &but).await }
        })
        .await
    }
}

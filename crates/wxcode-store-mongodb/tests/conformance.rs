//! The shared store keeps every promise.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::oid::ObjectId;
use wxcode_store::{Store, conformance::Records};
use wxcode_store_mongodb::{Address, MongoStore};
use wxcode_testbed::{mongodb as servers, skip};

/// A database of its own.
struct Fresh(Address);

#[async_trait]
impl Records for Fresh {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(MongoStore::open(&self.0).await.unwrap())
    }
}

async fn fresh() -> Option<Fresh> {
    let server = tokio::task::spawn_blocking(servers::shared).await.unwrap();
    let name = format!("wxcode_test_{}", ObjectId::new());
    server
        .map(|server| Fresh(server.address(&name).parse().unwrap()))
        .inspect_err(|reason| skip(reason))
        .ok()
}

wxcode_store::conformance_tests!(crate::fresh);

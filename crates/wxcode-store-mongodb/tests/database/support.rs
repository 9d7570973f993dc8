//! A database for each test, and connections to the database.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::{
    Client, Collection, Database,
    bson::{Bson, Document, doc, oid::ObjectId},
};
use wxcode_store::{Store, conformance::Records};
use wxcode_store_mongodb::{Address, MongoStore};
use wxcode_testbed::{
    mongodb::{self as servers, MongoServer},
    proxy::Proxy,
    skip,
};

/// A separate database.
pub(crate) struct Fresh {
    pub(crate) name: String,
    pub(crate) address: String,
    server: Option<&'static MongoServer>,
}

#[async_trait]
impl Records for Fresh {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(open(&self.address).await)
    }

    async fn ended(&self) {
        let scans = self.scans().await;
        assert!(scans.is_empty(), "they read whole collections: {scans:#?}");
    }
}

/// Returns an empty database; `None`, after a printed reason, without a server.
pub(crate) async fn fresh() -> Option<Fresh> {
    let server = tokio::task::spawn_blocking(servers::shared).await.unwrap();
    match server {
        Ok(server) => {
            let name = name();
            let address = server.address(&name);
            let fresh = Fresh {
                name,
                address,
                server: Some(server),
            };
            fresh.profile(doc! { "planSummary": "COLLSCAN" }).await;
            Some(fresh)
        }
        Err(reason) => {
            skip(&reason);
            None
        }
    }
}

impl Fresh {
    /// Returns a proxy before the database, and the database's address through the proxy; `None` if
    /// the server is not on this machine.
    pub(crate) async fn proxy(&self) -> Option<(Proxy, String)> {
        let server = self.server?;
        let Some(port) = server.port() else {
            skip("a configured server cannot be cut off");
            return None;
        };
        let proxy = Proxy::before(port).await.unwrap();
        let address = server.address_by(proxy.port, &self.name);
        Some((proxy, address))
    }

    /// Records the operations that meet the filter. A server without a profiler records nothing.
    pub(crate) async fn profile(&self, filter: Document) {
        let database = self.database().await;
        database.run_command(doc! { "profile": 0 }).await.ok();
        let profile = database.collection::<Document>("system.profile");
        profile.drop().await.ok();
        let all = doc! { "create": "system.profile", "capped": true, "size": 16 << 20 };
        database.run_command(all).await.ok();
        let profiled = doc! { "profile": 1, "slowms": 0, "filter": filter };
        database.run_command(profiled).await.ok();
    }

    /// Records no operation any more.
    pub(crate) async fn unprofiled(&self) {
        let database = self.database().await;
        database.run_command(doc! { "profile": 0 }).await.ok();
    }

    /// The recorded operations on collections of any size.
    pub(crate) async fn scans(&self) -> Vec<Document> {
        /// Collections with a small bound on their documents.
        const SMALL: [&str; 4] = [
            "wxcode_notice_targets",
            "wxcode_nodes",
            "wxcode_removals",
            "system.profile",
        ];
        let database = self.database().await;
        let profile = database.collection::<Document>("system.profile");
        let Ok(found) = profile.find(doc! {}).await else {
            return Vec::new();
        };
        let mut found: Vec<Document> = found.try_collect().await.unwrap();
        found.retain(|operation| {
            let place = operation.get_str("ns").unwrap_or_default();
            let collection = place
                .split_once('.')
                .map_or("", |(_, collection)| collection);
            let command = operation
                .get_document("command")
                .cloned()
                .unwrap_or_default();
            // The making of an index, and the hourly look for unreadable documents.
            let is_meant = ["createIndexes", "getMore"].iter().any(|of| command.contains_key(of))
                || command.get("filter").is_some_and(|filter| {
                    matches!(filter, Bson::Document(filter) if filter.contains_key("$nor"))
                });
            !is_meant && !SMALL.contains(&collection)
        });
        found
    }

    /// A plain connection of another program.
    pub(crate) async fn database(&self) -> Database {
        let client = Client::with_uri_str(&self.address).await.unwrap();
        client.database(&self.name)
    }

    /// A collection over a plain connection of another program.
    pub(crate) async fn collection(&self, name: &str) -> Collection<Document> {
        self.database().await.collection(name)
    }
}

pub(crate) fn name() -> String {
    format!("wxcode_test_{}", ObjectId::new())
}

pub(crate) async fn open(address: &str) -> MongoStore {
    let address: Address = address.parse().unwrap();
    MongoStore::open(&address).await.unwrap()
}

//! A database for each test, and connections to the database.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, oid::ObjectId},
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
}

/// Returns an empty database; `None`, after a printed reason, without a server.
pub(crate) async fn fresh() -> Option<Fresh> {
    let server = tokio::task::spawn_blocking(servers::shared).await.unwrap();
    match server {
        Ok(server) => {
            let name = name();
            let address = server.address(&name);
            Some(Fresh {
                name,
                address,
                server: Some(server),
            })
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

//! A detachable store: the embedded store's file, or the way to the shared store.

use std::{fs, path::PathBuf, time::Duration};

use wxcode_testbed::{
    proxy::{Proxy, Weather},
    skip,
};

use super::{Agent, Server, server::shared_store};

/// The means to detach a server's store.
pub(crate) enum Outage {
    /// The file, and the file's place meanwhile.
    Embedded(PathBuf, PathBuf),
    /// The proxy before the database.
    Shared(Proxy),
}

impl Outage {
    /// A server on the tests' store, and the means for detaching the store; `None`, with the reason
    /// printed, where detaching is impossible.
    pub(crate) async fn prepare(agent: Agent) -> Option<(Server, Self)> {
        let Some((mongo, database)) = shared_store().await else {
            let server = Server::start_on(agent, None).await;
            let (file, away) = (
                server.data_dir().join("wxcode.db"),
                server.data_dir().join("away.db"),
            );
            return Some((server, Self::Embedded(file, away)));
        };
        let Some(port) = mongo.port() else {
            skip("a database that is given cannot be cut off");
            return None;
        };
        let proxy = Proxy::before(port).await.unwrap();
        let address = mongo.address_by(proxy.port, &database);
        Some((
            Server::start_on(agent, Some(address)).await,
            Self::Shared(proxy),
        ))
    }

    /// Detaches the store.
    pub(crate) fn begin(&self) {
        match self {
            Self::Embedded(file, away) => fs::rename(file, away).unwrap(),
            Self::Shared(proxy) => proxy.be(Weather::Cut),
        }
    }

    /// Attaches the store again.
    pub(crate) fn end(&self) {
        match self {
            Self::Embedded(file, away) => fs::rename(away, file).unwrap(),
            Self::Shared(proxy) => proxy.be(Weather::Fair(Duration::ZERO)),
        }
    }

    /// The remedy in the error messages.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::Embedded(..) => "put it back",
            Self::Shared(_) => "check that it runs",
        }
    }
}

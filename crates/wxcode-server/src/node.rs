//! The nodes of a store: registers this one, finds the owner of a project, and forwards requests to
//! it.
//!
//! - The project's lease is the routing table; there is no other coordinator.
//! - [`registry`] keeps the records, [`route`] finds the owner, [`peer`] passes requests on, and
//!   [`identity`] carries the caller.
//!
//! Invariant: a forwarded request is never forwarded again.

mod ask;
mod bound;
mod connector;
mod frame;
mod held;
mod identity;
mod peer;
mod peers;
mod registry;
mod relay;
mod route;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::body::Body;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wxcode_core::{id::Id, lease::Node};
use wxcode_store::NODE_KEY;

use self::connector::{Connector, Pins};
pub(crate) use self::{
    identity::{Forwarded, HEADER as FORWARDED, Refused},
    peer::{PassError, Passed, path},
    relay::{Following, Relay},
    route::{Need, Route, Unreachable},
};
use crate::{Settings, access::Callers, agent::Manager, listen::Tls, repository::Repository};

/// The nodes of the store, seen from this one.
#[derive(Clone)]
pub(crate) struct Nodes(Arc<Inner>);

struct Inner {
    store: Repository,
    sessions: Manager,
    callers: Callers,
    own: Node,
    /// The address for peers.
    address: String,
    capacity: Option<u64>,
    /// Requests in this node's handlers that may start a session.
    coming: AtomicU64,
    /// Whether the store may have other nodes.
    is_shared: bool,
    key: OnceCell<[u8; NODE_KEY]>,
    peers: Mutex<peers::Peers>,
    /// Projects of other nodes, and since when that is known.
    routes: Mutex<HashMap<Id, (Node, Instant)>>,
    /// Workspaces, whether this node reaches them, and since when that is known.
    reach: Mutex<HashMap<PathBuf, (bool, Instant)>>,
    /// The held leases of other nodes, as last read.
    held: tokio::sync::Mutex<Option<held::Held>>,
    client: Client<Connector, Body>,
    /// The certificates that peers show.
    pins: Pins,
    /// The certificate of this node, if it has one.
    tls: Option<Tls>,
    /// Permits for requests to peers at the same time.
    permits: Arc<Semaphore>,
    closing: CancellationToken,
    clients: TaskTracker,
}

impl Nodes {
    /// The nodes of a server with this address for its peers.
    pub(crate) fn new(
        settings: &Settings,
        (address, tls): (String, Option<Tls>),
        store: Repository,
        sessions: Manager,
        callers: Callers,
        closing: CancellationToken,
        clients: TaskTracker,
    ) -> Self {
        let pins = Pins::default();
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(bound::IDLE_MAX)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(bound::IDLE_PER_PEER)
            .build(Connector::new(pins.clone()));
        Self(Arc::new(Inner {
            store,
            sessions,
            callers,
            own: settings.node.clone(),
            address,
            pins,
            tls,
            capacity: settings.capacity,
            coming: AtomicU64::new(0),
            is_shared: settings.shared.is_some(),
            key: OnceCell::new(),
            peers: Mutex::default(),
            routes: Mutex::default(),
            reach: Mutex::default(),
            held: tokio::sync::Mutex::default(),
            client,
            permits: Arc::new(Semaphore::new(bound::AT_ONCE)),
            closing,
            clients,
        }))
    }

    /// Whether the store may have other nodes.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.is_shared
    }

    /// The name of this node.
    pub(crate) fn name(&self) -> &str {
        &self.0.own.name
    }

    /// Counts a request that may start a session here, until the guard is dropped: the next choice
    /// of a node counts it before its session lives.
    pub(crate) fn coming(&self) -> Coming {
        self.0.coming.fetch_add(1, Ordering::Relaxed);
        Coming(self.clone())
    }

    /// The sessions that live here, start, or may be about to.
    fn own_load(&self) -> u64 {
        let (live, load) = (self.0.sessions.live(), self.0.sessions.load());
        load.max(live + self.0.coming.load(Ordering::Relaxed))
    }

    /// The id of this node.
    pub(crate) fn id(&self) -> uuid::Uuid {
        self.0.own.id
    }
}

/// A request that may start a session here.
pub(crate) struct Coming(Nodes);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.0.coming.fetch_sub(1, Ordering::Relaxed);
    }
}

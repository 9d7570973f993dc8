//! Finds the node of a project, by the project's lease.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use wxcode_core::{id::Id, lease::Node, node::NodeRecord};
use wxcode_store::Result;

use super::Nodes;
use crate::sync::lock;

/// A project's node counts for this long without another look; a node that is not the owner says
/// so.
const KEPT: Duration = Duration::from_secs(1);
/// Most remembered projects of other nodes.
const ROUTES_MAX: usize = 65_536;

/// The place for a request.
pub(crate) enum Route {
    /// This node.
    Here,
    /// A peer that may answer.
    There(NodeRecord),
    /// A peer that does not answer has the project.
    Nowhere(Unreachable),
}

/// The node of a project does not answer.
#[derive(Debug, Clone)]
pub(crate) struct Unreachable {
    /// The node's name.
    pub(crate) node: String,
    /// Its last heartbeat, by its own clock.
    pub(crate) since: Option<Timestamp>,
    /// The reason, with a remedy.
    pub(crate) reason: String,
}

impl Unreachable {
    /// A peer that does not answer.
    pub(crate) fn of(peer: &NodeRecord) -> Self {
        let node = Node {
            id: peer.id,
            name: peer.name.clone(),
        };
        Self::new(&node, Some(peer))
    }

    fn new(node: &Node, record: Option<&NodeRecord>) -> Self {
        let address = record.map_or("an unknown address", |record| &record.address);
        Self {
            node: node.name.clone(),
            since: record.map(|record| record.seen_at),
            reason: format!(
                "the node {} at {address} has the project and does not answer: start that node \
                 again; if it is gone for good, its lease expires, and a visit starts the session \
                 on another node that reaches the workspace",
                node.name
            ),
        }
    }
}

impl Nodes {
    /// The place for requests of a project. `again`: looks without the remembered answer. `starts`:
    /// the request may start an agent.
    pub(crate) async fn route(&self, project: Id, again: bool, starts: bool) -> Result<Route> {
        if self.0.sessions.has_agent(project) {
            return Ok(Route::Here);
        }
        let kept = lock(&self.0.routes).get(&project).cloned();
        let kept = kept.filter(|(_, since)| !again && since.elapsed() < KEPT);
        let (node, is_owner) = match kept {
            Some((node, _)) => (node, true),
            None => match self.0.sessions.home(project).await? {
                Some((node, is_owner)) if node.id != self.0.own.id => (node, is_owner),
                _ => {
                    lock(&self.0.routes).remove(&project);
                    return Ok(self.place(starts));
                }
            },
        };
        let record = self.record(node.id).await;
        let is_usable =
            |record: &&NodeRecord| self.may_answer(record.id) && (is_owner || !record.draining);
        match record.as_ref().filter(is_usable) {
            Some(record) => {
                if is_owner {
                    self.remember(project, node);
                }
                Ok(Route::There(record.clone()))
            }
            None if is_owner => Ok(Route::Nowhere(Unreachable::new(&node, record.as_ref()))),
            // The lease is free: any node may serve the project.
            None => Ok(self.place(starts)),
        }
    }

    /// The place for a project without an owner: this node, unless it takes no new session and a
    /// peer does.
    fn place(&self, starts: bool) -> Route {
        let sessions = &self.0.sessions;
        if !starts || !(sessions.is_draining() || sessions.is_full()) {
            return Route::Here;
        }
        match self.emptiest() {
            Some(peer) => Route::There(peer),
            None => Route::Here,
        }
    }

    fn remember(&self, project: Id, node: Node) {
        let mut routes = lock(&self.0.routes);
        if routes.len() >= ROUTES_MAX {
            routes.clear();
        }
        routes.insert(project, (node, Instant::now()));
    }

    pub(crate) fn forget_route(&self, project: Id) {
        lock(&self.0.routes).remove(&project);
    }

    /// Whether this node may serve a project for a peer: no other node has it.
    pub(crate) async fn is_here(&self, project: Id) -> bool {
        if self.0.sessions.has_agent(project) {
            return true;
        }
        match self.0.sessions.home(project).await {
            Ok(Some((node, is_owner))) => !is_owner || node.id == self.0.own.id,
            // The handler answers: no such project, or no store.
            Ok(None) | Err(_) => true,
        }
    }
}

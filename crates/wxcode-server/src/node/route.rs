//! Finds the node of a project, by the project's lease.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::{Instant, timeout};
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Node, node::NodeRecord};
use wxcode_store::Result;

use super::Nodes;
use crate::{agent::Home, sync::lock};

/// A project's node counts for this long without another look; a node that is not the owner says
/// so.
const KEPT: Duration = Duration::from_secs(1);
/// Most remembered projects of other nodes.
const ROUTES_MAX: usize = 65_536;

/// The reach of a workspace counts for this long without another look.
const REACH_KEPT: Duration = Duration::from_secs(5);
/// Time for a look at a workspace.
const REACH_MAX: Duration = Duration::from_secs(1);
/// The held leases count for this long, for the projects of nodes that do not answer.
const HELD_KEPT: Duration = Duration::from_secs(1);

/// A project of another node, the node, and whether its lease expired.
pub(super) type Elsewhere = (Id, Node, bool);

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

    /// A peer whose lease expired, and this node cannot take over.
    fn gone(node: &Node, record: Option<&NodeRecord>, own: &Node, workspace: &Path) -> Self {
        Self {
            node: node.name.clone(),
            since: record.map(|record| record.seen_at),
            reason: format!(
                "the node {} is gone, and the node {} does not reach the workspace {}: start that \
                 node again, make the folder reachable here, or ask a node that reaches it",
                node.name,
                own.name,
                workspace.display()
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
        let home = match kept {
            Some((node, _)) => Home::Held(node),
            None => self.0.sessions.home(project).await?,
        };
        let (node, is_owner) = match home {
            Home::Held(node) if node.id != self.0.own.id => (node, true),
            Home::Free(Some(node)) if node.id != self.0.own.id => (node, false),
            home => {
                lock(&self.0.routes).remove(&project);
                if let Home::Expired(node) = home
                    && let Some(workspace) = self.unreached(project).await
                {
                    let record = self.record(node.id).await;
                    let gone = Unreachable::gone(&node, record.as_ref(), &self.0.own, &workspace);
                    return Ok(Route::Nowhere(gone));
                }
                return Ok(self.place(starts));
            }
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
            Ok(Home::Held(node)) => node.id == self.0.own.id,
            // The handler answers: no such project, or no store.
            Ok(Home::Free(_) | Home::Expired(_)) | Err(_) => true,
        }
    }

    /// The workspace of a project, if this node does not reach it.
    async fn unreached(&self, project: Id) -> Option<PathBuf> {
        let record = self.0.store.project(project).await.ok()??;
        match self.reaches(&record.workspace_path).await {
            true => None,
            false => Some(record.workspace_path),
        }
    }

    /// Whether this node reaches a workspace; one that hangs counts as out of reach.
    pub(super) async fn reaches(&self, workspace: &Path) -> bool {
        let known = lock(&self.0.reach).get(workspace).copied();
        if let Some((is_reached, at)) = known
            && at.elapsed() < REACH_KEPT
        {
            return is_reached;
        }
        let looked = timeout(REACH_MAX, self.0.sessions.reaches(workspace)).await;
        let is_reached = looked.unwrap_or(false);
        let mut reach = lock(&self.0.reach);
        if reach.len() >= ROUTES_MAX {
            reach.clear();
        }
        reach.insert(workspace.to_owned(), (is_reached, Instant::now()));
        is_reached
    }

    /// The projects among `places` whose node is not among those `answering`, and whose session no
    /// other node may have: the lease holds, or this node does not reach the workspace.
    pub(crate) async fn unreachable(
        &self,
        answering: &HashSet<Uuid>,
        places: &HashMap<Id, PathBuf>,
    ) -> Vec<(Id, Unreachable)> {
        let records = self.peers().await;
        if records.iter().all(|record| answering.contains(&record.id)) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (project, node, has_expired) in self.held().await.iter() {
            let Some(workspace) = places.get(project) else {
                continue;
            };
            if answering.contains(&node.id) {
                continue;
            }
            let record = records.iter().find(|record| record.id == node.id);
            let unreachable = match has_expired {
                false => Unreachable::new(node, record),
                true if self.reaches(workspace).await => continue,
                true => Unreachable::gone(node, record, &self.0.own, workspace),
            };
            found.push((*project, unreachable));
        }
        found
    }

    /// The held leases of other nodes, at most [`HELD_KEPT`] old unless the store is away.
    async fn held(&self) -> Arc<Vec<Elsewhere>> {
        let mut kept = self.0.held.lock().await;
        if let Some((held, at)) = &*kept
            && at.elapsed() < HELD_KEPT
        {
            return Arc::clone(held);
        }
        match self.0.sessions.elsewhere().await {
            Ok(held) => {
                let held = Arc::new(held);
                *kept = Some((Arc::clone(&held), Instant::now()));
                held
            }
            Err(error) => {
                tracing::debug!(%error, "cannot read the held leases");
                kept.as_ref()
                    .map(|(held, _)| Arc::clone(held))
                    .unwrap_or_default()
            }
        }
    }
}

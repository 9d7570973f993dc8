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
use wxcode_core::{
    id::Id,
    lease::Node,
    node::NodeRecord,
    placement::{self, Candidate, Start},
};
use wxcode_store::Result;

use super::{
    Nodes,
    held::{Elsewhere, Held},
};
use crate::{agent::Home, sync::lock};

/// A project's node counts for this long without another look at the lease, so that a forwarded
/// request costs the database nothing: a node that is not the owner says so, and one that does not
/// answer is forgotten.
const KEPT: Duration = Duration::from_secs(3_600);
/// Most remembered projects of other nodes.
const ROUTES_MAX: usize = 65_536;

/// The reach of a workspace counts for this long without another look.
const REACH_KEPT: Duration = Duration::from_secs(5);
/// Time for a look at a workspace.
const REACH_MAX: Duration = Duration::from_secs(1);
/// The held leases count for this long, for the projects of nodes that do not answer.
const HELD_KEPT: Duration = Duration::from_secs(1);
/// The same while all nodes with a record answer.
const HELD_KEPT_CALM: Duration = Duration::from_secs(10);

/// The need of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// It reads.
    Look,
    /// It changes something, or opens a socket.
    Change,
    /// It may also start an agent.
    Start,
}

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
    /// The place for requests of a project. `tried`: peers that did not take the request.
    ///
    /// A reading request does not wait for an owner that left a question unanswered. A changing one
    /// does: the owner may be busy.
    pub(crate) async fn route(&self, project: Id, tried: &[Uuid], need: Need) -> Result<Route> {
        if self.0.sessions.has_agent(project) {
            return Ok(Route::Here);
        }
        let kept = lock(&self.0.routes).get(&project).cloned();
        let kept = kept.filter(|(_, since)| tried.is_empty() && since.elapsed() < KEPT);
        let home = match kept {
            Some((node, _)) => Home::Held(node),
            None => self.0.sessions.home(project).await?,
        };
        Ok(match home {
            Home::Held(node) if node.id == self.0.own.id => Route::Here,
            Home::Held(node) => {
                let record = self.record(node.id).await;
                let is_usable = |of: &NodeRecord| {
                    let may_answer = match need {
                        Need::Look => self.may_answer(of.id),
                        Need::Change | Need::Start => self.may_live(of.id),
                    };
                    may_answer && tried.iter().filter(|id| **id == of.id).count() < 2
                };
                match record.filter(is_usable) {
                    Some(record) => {
                        self.remember(project, node);
                        Route::There(record)
                    }
                    None => {
                        let record = self.record(node.id).await;
                        Route::Nowhere(Unreachable::new(&node, record.as_ref()))
                    }
                }
            }
            Home::Free { node, is_new } => {
                self.forget_route(project);
                self.place(project, node.as_ref(), is_new, (tried, need))
                    .await
            }
            Home::Expired(node) => {
                self.forget_route(project);
                match self.place(project, None, true, (tried, need)).await {
                    Route::Here => match self.unreached(project).await {
                        Some(workspace) => {
                            let record = self.record(node.id).await;
                            let (own, record) = (&self.0.own, record.as_ref());
                            Route::Nowhere(Unreachable::gone(&node, record, own, &workspace))
                        }
                        None => Route::Here,
                    },
                    route => route,
                }
            }
        })
    }

    /// The place for a project without an owner. A session starts on its home, or, if it is new, on
    /// the node with the fewest sessions: among the nodes with room that reach the workspace. A
    /// peer that does not reach the workspace refuses the request, and counts as tried.
    async fn place(
        &self,
        project: Id,
        home: Option<&Node>,
        is_new: bool,
        (tried, need): (&[Uuid], Need),
    ) -> Route {
        let is_home = |id: Uuid| home.is_some_and(|home| home.id == id);
        let own = self.0.own.id;
        let is_usable = |peer: &NodeRecord| {
            !peer.draining && !tried.contains(&peer.id) && self.may_answer(peer.id)
        };
        let has_place = |peer: &NodeRecord| {
            is_usable(peer) && peer.capacity.is_none_or(|most| peer.sessions < most)
        };
        let mut peers = self.peers().await;
        if need != Need::Start {
            let found = peers
                .into_iter()
                .find(|peer| is_home(peer.id) && is_usable(peer));
            return found.map_or(Route::Here, Route::There);
        }
        let has_room = self.0.sessions.has_room() && self.unreached(project).await.is_none();
        let own_load = has_room.then(|| self.own_load());
        // A node that registered a moment ago may have room.
        if !has_room && !peers.iter().any(has_place) {
            peers = self.peers_within(Duration::ZERO).await;
        }
        peers.retain(has_place);
        let mut candidates: Vec<Candidate> = peers
            .iter()
            .map(|peer| Candidate {
                id: peer.id,
                load: peer.sessions,
            })
            .collect();
        candidates.extend(own_load.map(|load| Candidate { id: own, load }));
        let start = Start {
            project,
            home: home.map(|home| home.id),
            is_new,
            here: own,
        };
        let chosen = placement::choose(start, candidates);
        match peers.into_iter().find(|peer| Some(peer.id) == chosen) {
            Some(peer) => {
                self.count_start(peer.id);
                Route::There(peer)
            }
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

    /// Whether this node may serve a project for a peer: no other node has it. A start also needs
    /// the workspace, and room.
    pub(crate) async fn is_here(&self, project: Id, starts: bool) -> bool {
        if self.0.sessions.has_agent(project) {
            return true;
        }
        if starts && !(self.0.sessions.has_room() && self.unreached(project).await.is_none()) {
            return false;
        }
        match self.0.sessions.home(project).await {
            Ok(Home::Held(node)) => node.id == self.0.own.id,
            // The handler answers: no such project, or no store.
            Ok(Home::Free { .. } | Home::Expired(_)) | Err(_) => true,
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

    /// Returns the projects in `places` that are unreachable for now: their node is not in
    /// `answering`, and this node cannot take over. Either the lease still holds, or this node does
    /// not reach the workspace.
    pub(crate) async fn unreachable(
        &self,
        answering: &HashSet<Uuid>,
        places: &HashMap<Id, PathBuf>,
    ) -> Vec<(Id, Unreachable)> {
        let records = self.peers().await;
        // A node without a record may still have a lease.
        let kept = match records.iter().all(|record| answering.contains(&record.id)) {
            true => HELD_KEPT_CALM,
            false => HELD_KEPT,
        };
        let mut found = Vec::new();
        for (project, node, has_expired) in self.held(answering, kept).await.iter() {
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

    /// The held leases of other nodes but the answering ones, at most this old unless the store is
    /// away; leases of answering nodes may be among them.
    async fn held(&self, answering: &HashSet<Uuid>, age: Duration) -> Arc<Vec<Elsewhere>> {
        let mut kept = self.0.held.lock().await;
        if let Some(kept) = &*kept
            && kept.at.elapsed() < age
            && kept.but.is_subset(answering)
        {
            return Arc::clone(&kept.leases);
        }
        let but = answering.iter().copied().collect();
        match self.0.sessions.elsewhere(but).await {
            Ok(held) => {
                let leases = Arc::new(held);
                *kept = Some(Held {
                    leases: Arc::clone(&leases),
                    but: answering.clone(),
                    at: Instant::now(),
                });
                leases
            }
            Err(error) => {
                tracing::debug!(%error, "cannot read the held leases");
                kept.as_ref()
                    .map(|kept| Arc::clone(&kept.leases))
                    .unwrap_or_default()
            }
        }
    }
}

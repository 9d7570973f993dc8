//! The sessions of other nodes, asked for when a list needs them.
//!
//! Asking costs the database nothing; a row for each session, written with its heartbeat, would be
//! one more write for each change of state. A list waits for a node that does not answer at most
//! `ASK_MAX` of `node/ask.rs`, and only once: later lists go on with the last answer while a
//! further question is on its way.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::Instant};
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_core::{id::Id, node::NodeRecord, project::OutputProject};

use super::summary::NodeSession;
use crate::{
    node::{Nodes, Unreachable},
    sync::lock,
};

/// A peer's answer counts for this long.
const KEPT: Duration = Duration::from_millis(200);
/// Peers asked at the same time for one list.
const AT_ONCE: usize = 64;
/// The question to a peer.
const PATH: &str = "/api/v1/nodes/self/sessions";

/// What one node knows of sessions.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NodeSessions {
    /// The name of the node.
    pub(crate) node: String,
    /// Its live sessions, the last ended ones, and the projects with events there.
    pub(crate) sessions: Vec<NodeSession>,
}

/// The sessions of other nodes.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    nodes: Nodes,
    known: Arc<Mutex<HashMap<Uuid, Known>>>,
}

/// The last answer of a peer; `None` if there was none.
type Answer = Option<Arc<NodeSessions>>;

/// What is known of one peer.
struct Known {
    last: Option<(Answer, Instant)>,
    /// The question on its way.
    asked: Option<watch::Receiver<Option<Answer>>>,
}

impl Elsewhere {
    pub(crate) fn new(nodes: Nodes) -> Self {
        Self {
            nodes,
            known: Arc::default(),
        }
    }

    /// The sessions of other nodes, by project, and these projects of nodes that do not answer.
    pub(crate) async fn look(&self, projects: &[OutputProject]) -> HashMap<Id, NodeSession> {
        let mut found: HashMap<Id, NodeSession> = HashMap::new();
        if !self.nodes.is_shared() {
            return found;
        }
        let peers = self.nodes.peers().await;
        let answers = stream::iter(peers)
            .map(|peer| async move {
                let answer = self.answer(&peer).await;
                (peer.id, answer)
            })
            .buffer_unordered(AT_ONCE);
        let answers: Vec<(Uuid, Answer)> = answers.collect().await;
        let mut answering = HashSet::from([self.nodes.id()]);
        for (id, answer) in answers {
            let Some(answer) = answer else { continue };
            answering.insert(id);
            for session in &answer.sessions {
                let place = found.entry(session.project_id);
                let kept = place.or_insert_with(|| session.clone());
                let last_event_at = kept.last_event_at.max(session.last_event_at);
                if session.weight() > kept.weight() {
                    *kept = session.clone();
                }
                kept.last_event_at = last_event_at;
            }
        }
        let places = projects.iter().map(|project| {
            let place: PathBuf = project.workspace_path.clone();
            (project.id, place)
        });
        let places: HashMap<Id, PathBuf> = places.collect();
        for (project, unreachable) in self.nodes.unreachable(&answering, &places).await {
            add(&mut found, project, &unreachable);
        }
        found
    }

    /// The answer of a peer, `None` without one.
    async fn answer(&self, peer: &NodeRecord) -> Answer {
        let (last, mut asked) = {
            let mut known = lock(&self.known);
            let known = known.entry(peer.id).or_insert(Known {
                last: None,
                asked: None,
            });
            if let Some((answer, at)) = &known.last
                && at.elapsed() < KEPT
            {
                return answer.clone();
            }
            let asked = known
                .asked
                .get_or_insert_with(|| self.start(peer.clone()))
                .clone();
            (known.last.clone(), asked)
        };
        // A peer that did not answer is not waited for again.
        if let Some((None, _)) = last {
            return None;
        }
        match asked.wait_for(Option::is_some).await {
            Ok(answered) => answered.clone().flatten(),
            Err(_) => None,
        }
    }

    /// Asks a peer, whoever waits for the answer.
    fn start(&self, peer: NodeRecord) -> watch::Receiver<Option<Answer>> {
        let (sender, receiver) = watch::channel(None);
        let (nodes, known) = (self.nodes.clone(), Arc::clone(&self.known));
        tokio::spawn(async move {
            let answer = match nodes.may_answer(peer.id) {
                true => match nodes.answer::<NodeSessions>(&peer, PATH).await {
                    Ok(answer) => Some(Arc::new(answer)),
                    Err(error) => {
                        tracing::debug!(peer = peer.name, %error, "a node does not tell its sessions");
                        None
                    }
                },
                false => None,
            };
            if let Some(known) = lock(&known).get_mut(&peer.id) {
                known.last = Some((answer.clone(), Instant::now()));
                known.asked = None;
            }
            sender.send_replace(Some(answer));
        });
        receiver
    }
}

/// Adds a project of a node that does not answer, unless a live session of it is known.
fn add(found: &mut HashMap<Id, NodeSession>, project: Id, unreachable: &Unreachable) {
    let session = NodeSession::unreachable(project, unreachable);
    let kept = found.entry(project).or_insert_with(|| session.clone());
    if session.weight() > kept.weight() {
        kept.session = session.session;
    }
}

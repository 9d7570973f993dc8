//! The nodes of the store over HTTP, and the drain of this one.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_core::node::NodeRecord;

use super::{
    body::NoBody,
    problem::{Answer, Problem, quoted},
    project::{elsewhere::NodeSessions, list::Overview},
    state::Projects,
};
use crate::node::Nodes;

/// The word for the node that answers.
const SELF: &str = "self";

/// A node of the store.
#[derive(Serialize, ToSchema)]
pub(super) struct NodeView {
    /// The id of its data folder.
    #[schema(value_type = String)]
    id: Uuid,
    name: String,
    /// The address for its peers.
    address: String,
    version: String,
    /// Its live sessions and runs.
    sessions: u64,
    /// Most live sessions; null for any number.
    capacity: Option<u64>,
    /// Whether it takes no new sessions.
    draining: bool,
    /// Its last heartbeat, by its own clock.
    #[schema(value_type = String, format = DateTime)]
    seen_at: Timestamp,
}

impl From<NodeRecord> for NodeView {
    fn from(record: NodeRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            address: record.address,
            version: record.version,
            sessions: record.sessions,
            capacity: record.capacity,
            draining: record.draining,
            seen_at: record.seen_at,
        }
    }
}

/// The nodes of the store.
#[derive(Serialize, ToSchema)]
pub(super) struct NodeList {
    nodes: Vec<NodeView>,
}

/// Lists the nodes of the store: one on an embedded store.
#[utoipa::path(operation_id = "listNodes", get, path = "/nodes", tag = "nodes", responses(
    (status = 200, description = "All of them", body = NodeList),
))]
pub(super) async fn list(State(nodes): State<Nodes>) -> Answer<Json<NodeList>> {
    let nodes = nodes.all().await?.into_iter().map(NodeView::from).collect();
    Ok(Json(NodeList { nodes }))
}

/// Tells the sessions of the node that answers: its live ones, the last ended ones, and the times of
/// its projects' last events. Nodes ask each other for the list of projects.
#[utoipa::path(operation_id = "listNodeSessions", get, path = "/nodes/{id}/sessions", tag = "nodes", params(("id" = String, Path, description = "The node's id, or `self`")), responses(
    (status = 200, description = "All of them", body = NodeSessions),
    (status = 404, description = "No such node", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another node", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn sessions(
    State(nodes): State<Nodes>,
    State(overview): State<Overview>,
    Path(id): Path<String>,
) -> Answer<Json<NodeSessions>> {
    check_own(&nodes, &id).await?;
    Ok(Json(NodeSessions {
        node: nodes.name().to_owned(),
        sessions: overview.all_here().await,
    }))
}

/// Drains the node that answers: it takes no new sessions, and hands idle ones over to other nodes,
/// each after its turn. Works for the node itself: send the request to its address.
#[utoipa::path(operation_id = "drainNode", post, path = "/nodes/{id}/drain", tag = "nodes", params(("id" = String, Path, description = "The node's id, or `self`")), responses(
    (status = 202, description = "It drains", body = NodeView),
    (status = 404, description = "No such node", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another node", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn drain(
    State(nodes): State<Nodes>,
    State(projects): State<Projects>,
    Path(id): Path<String>,
    _: NoBody,
) -> Answer<(StatusCode, Json<NodeView>)> {
    check_own(&nodes, &id).await?;
    projects.sessions.drain();
    changed(&nodes)
        .await
        .map(|view| (StatusCode::ACCEPTED, view))
}

/// Ends the drain of the node that answers: it takes new sessions again.
#[utoipa::path(operation_id = "undrainNode", delete, path = "/nodes/{id}/drain", tag = "nodes", params(("id" = String, Path, description = "The node's id, or `self`")), responses(
    (status = 200, description = "It takes new sessions", body = NodeView),
    (status = 404, description = "No such node", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another node", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn undrain(
    State(nodes): State<Nodes>,
    State(projects): State<Projects>,
    Path(id): Path<String>,
) -> Answer<Json<NodeView>> {
    check_own(&nodes, &id).await?;
    projects.sessions.undrain();
    changed(&nodes).await
}

async fn check_own(nodes: &Nodes, id: &str) -> Answer<()> {
    if id == SELF || nodes.id().to_string() == id {
        return Ok(());
    }
    let all = nodes.all().await?;
    match all.iter().find(|record| record.id.to_string() == id) {
        Some(record) => Err(Problem::conflict(format!(
            "{} is the node {} at {}: send the request to that node",
            id, record.name, record.address
        ))),
        None => Err(Problem::new(
            StatusCode::NOT_FOUND,
            format!("{} is no node: list them to find its id", quoted(id)),
        )),
    }
}

/// This node's record, after its peers can read the change.
async fn changed(nodes: &Nodes) -> Answer<Json<NodeView>> {
    nodes.register().await?;
    let own = nodes.id();
    let all = nodes.all().await?;
    let record = all.into_iter().find(|record| record.id == own);
    record
        .map(|record| Json(record.into()))
        .ok_or_else(|| Problem::not_found("node"))
}

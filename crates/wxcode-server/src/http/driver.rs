//! The driver of a session, over HTTP: one client hands the session over to another.

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    body::Body,
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
};

/// The client that drives from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDriver {
    /// The number of a client in the session's `present`.
    client: u64,
}

/// Hands the session over: it gets the size of that client's window.
#[utoipa::path(operation_id = "handOver", post, path = "/output-projects/{id}/driver", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = NewDriver, responses(
    (status = 204, description = "The client drives"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "No session runs, or that client is not there or only looks", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn hand(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Body(NewDriver { client }): Body<NewDriver>,
) -> Answer<StatusCode> {
    projects.find(id).await?;
    let Some(session) = projects.sessions.running(id) else {
        return Err(Problem::conflict("no session runs: start it first"));
    };
    match session.hand(client) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::conflict(format!(
            "the client {client} is not there or only looks: choose one of the session's `present` \
             without `read_only`"
        ))
        .with_code("no_driver")),
    }
}

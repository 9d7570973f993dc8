//! The agents' environment over HTTP.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::problem::{Answer, Problem};
use crate::{
    Settings,
    agent::{Outlook, outlook},
};

/// Shows the environment that the next agent would get: names of variables, and few values.
#[utoipa::path(operation_id = "showEnvironment", get, path = "/environment", tag = "health", responses(
    (status = 200, description = "The environment of an agent without settings of its project", body = Outlook),
    (status = 503, description = "A file system on PATH does not answer: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(settings): State<Arc<Settings>>) -> Answer<Json<Outlook>> {
    let seen = outlook(&settings).await;
    Ok(Json(seen.map_err(|error| {
        Problem::file(&error, StatusCode::SERVICE_UNAVAILABLE)
    })?))
}

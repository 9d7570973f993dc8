//! Liveness and readiness.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::{Answer, Problem},
    state::Projects,
};
use crate::{Settings, metric};

/// The server lives.
#[utoipa::path(operation_id = "liveness", get, path = "/healthz", tag = "health", security(()), responses(
    (status = 200, description = "The server answers", body = Health),
))]
pub(super) async fn live() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// The server's health.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`; anything else is a problem.
    status: &'static str,
}

/// Whether the store answers, the sessions' folder can be read, and the holders of the running
/// sessions answer within a second.
#[utoipa::path(operation_id = "readiness", get, path = "/readyz", tag = "health", responses(
    (status = 200, description = "The server can do its work", body = Health),
    (status = 503, description = "Something it needs does not answer", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn ready(
    State(projects): State<Projects>,
    State(settings): State<Arc<Settings>>,
) -> Answer<Json<Health>> {
    projects.store.ping().await?;
    let sessions = settings.data_dir.join("sessions");
    if let Err(error) = tokio::fs::read_dir(&sessions).await {
        let detail = format!(
            "cannot read {}: {error}; check the data folder",
            sessions.display()
        );
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    let (_, sessions) = projects.sessions.survey();
    let running: Vec<_> = sessions
        .into_iter()
        .filter(|session| !session.is_over())
        .collect();
    let count = running.len();
    let (_, silent) = metric::holders(running).await;
    let Some(session) = silent.first() else {
        return Ok(Json(Health { status: "ok" }));
    };
    let detail = format!(
        "{} of {} sessions' holders do not answer, among them that of {}: see whether the machine is overloaded or the process \
         stopped; ending the session and starting it again resumes its conversation",
        silent.len(),
        count,
        session.dir.display()
    );
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail))
}

//! The session of an output project over HTTP.

use axum::{
    Extension, Json,
    extract::{Request, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    body::Body,
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
    view::{SessionView, session_view},
};
use crate::node::Unreachable;

/// Shows the session of a project.
#[utoipa::path(operation_id = "showSession", get, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The session, also when there is none", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    unreachable: Option<Extension<Unreachable>>,
    PathId(id): PathId,
) -> Answer<Json<SessionView>> {
    let project = projects.find(id).await?;
    let latest = projects.sessions.latest(id);
    let view = session_view(&projects.sessions, project, latest.as_deref()).await;
    Ok(Json(match unreachable {
        Some(Extension(unreachable)) => view.on_unreachable(&unreachable),
        None => view,
    }))
}

/// The conversation to resume.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// A conversation of the project's history, to become the current one. The server first checks
    /// that the conversation can be resumed, then ends a session with another one. Left out: the
    /// current conversation.
    #[schema(value_type = Option<String>, format = "uuid")]
    claude_session_id: Option<Uuid>,
}

/// Gets the session of a project, or starts it; on request with an older conversation of its
/// history.
#[utoipa::path(operation_id = "startSession", post, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body(content = Option<Which>, description = "May be left out"), responses(
    (status = 200, description = "The session was running already", body = SessionView),
    (status = 201, description = "The session was started", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, another process runs the conversation, it holds no messages, or a run is going on; nothing has changed", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The project never had the conversation", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(projects): State<Projects>,
    PathId(id): PathId,
    request: Request,
) -> Answer<(StatusCode, Json<SessionView>)> {
    let which: Which = Body::or_default(request).await?;
    projects.find(id).await?;
    let found = match which.claude_session_id {
        Some(conversation) => projects.sessions.resume(id, conversation).await?,
        None => projects.sessions.get_or_create(id).await?,
    };
    let status = if found.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((
        status,
        Json(
            session_view(
                &projects.sessions,
                projects.find(id).await?,
                Some(&found.session),
            )
            .await,
        ),
    ))
}

/// Ends the session: the agent and everything it started. The conversation stays for resuming.
#[utoipa::path(operation_id = "endSession", delete, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "The session ended, or none was running"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another server on the same database has the project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn end(
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    projects.find(id).await?;
    projects.sessions.check_lease(id).await?;
    if projects.sessions.end(id).await {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_ended())
    }
}

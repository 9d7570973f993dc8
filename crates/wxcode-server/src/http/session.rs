//! The session of an output project over HTTP.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::ToSchema;
use uuid::Uuid;
use wxcode_core::{
    agent::AgentState,
    id::Id,
    identity::{HistoryEntry, Source},
    project::OutputProject,
};
use wxcode_holder::{client, folder::Exit};

use super::{
    App,
    answer::AskView,
    parameter::PathId,
    problem::{Answer, Body, Problem},
    run::{self, RunView},
};
use crate::agent::{STOP_TIMEOUT, Session};

/// Time for a holder to report its size and offset, or its screen.
pub(super) const HOLDER_TIMEOUT: Duration = Duration::from_secs(2);

/// The session of an output project.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    /// `none`, `starting`, `running` or `exited`.
    status: &'static str,
    /// The agent's state: `starting`, `idle`, `working`, `waiting_permission`, `waiting_question`,
    /// `blocked_dialog`, or `unknown` without an agent.
    #[schema(value_type = String)]
    agent_state: AgentState,
    /// The name of the dialog on the agent's screen.
    dialog: Option<String>,
    /// The pending question.
    asks: Option<AskView>,
    /// The running session, or the last one.
    #[schema(value_type = Option<String>)]
    session_id: Option<Id>,
    /// The current conversation.
    #[schema(value_type = Option<String>)]
    claude_session_id: Option<Uuid>,
    /// Every conversation of the project, oldest first, the current one last.
    claude_session_history: Vec<HistoryView>,
    /// Claude Code's version, once known.
    claude_version: Option<String>,
    /// The agent's process.
    pid: Option<i32>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    cols: Option<u16>,
    rows: Option<u16>,
    /// Bytes written by the agent so far.
    seq: Option<u64>,
    /// Why the running session's log is off, with a remedy; null while it is on.
    log_off: Option<String>,
    /// A problem with the running session's conversation, with a remedy; null without one.
    warning: Option<String>,
    /// Attached terminal clients.
    clients: usize,
    /// The end of the session.
    exit: Option<ExitView>,
    /// The run in progress, which excludes a session.
    run: Option<RunView>,
    /// Why the server could not resume the session at its start; null after the next start of a
    /// session.
    resume_error: Option<String>,
}

/// One conversation of a project.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryView {
    #[schema(value_type = String)]
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// `startup`, `resume`, `clear`, `compact`, `lost` or `headless`.
    #[schema(value_type = String)]
    source: Source,
    /// The reason for leaving it.
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    transcript_path: Option<PathBuf>,
}

impl From<HistoryEntry> for HistoryView {
    fn from(entry: HistoryEntry) -> Self {
        let HistoryEntry {
            id,
            since,
            until,
            source,
            reason,
            transcript_path,
            spoke: _,
        } = entry;
        Self {
            id,
            since,
            until,
            source,
            reason,
            transcript_path,
        }
    }
}

/// The end of a session.
#[derive(Serialize, ToSchema)]
pub(super) struct ExitView {
    /// The exit code, if the agent exited.
    code: Option<i32>,
    /// The signal, if one killed the agent.
    signal: Option<i32>,
    at: String,
    reason: String,
}

impl From<Exit> for ExitView {
    fn from(exit: Exit) -> Self {
        Self {
            code: exit.code,
            signal: exit.signal,
            at: exit.at,
            reason: exit.reason,
        }
    }
}

pub(super) async fn view(
    app: &App,
    project: OutputProject,
    session: Option<&Session>,
) -> SessionView {
    let state = session.map(Session::view);
    let exit = state.as_ref().and_then(|state| state.exit.clone());
    let running = session.filter(|_| exit.is_none());
    let welcome = match running {
        Some(session) => timeout(HOLDER_TIMEOUT, client::connect(&session.dir))
            .await
            .ok()
            .and_then(Result::ok),
        None => None,
    };
    let welcome = welcome.map(|connection| connection.welcome);
    let status = match (&state, &exit) {
        (_, Some(_)) | (None, _) if app.sessions.is_starting(project.id) => "starting",
        (None, _) => "none",
        (Some(_), Some(_)) => "exited",
        (Some(_), None) => "running",
    };
    let run = match app.sessions.run_under_way(project.id) {
        Some(run) => run::view(run).await.ok(),
        None => None,
    };
    SessionView {
        status,
        agent_state: state
            .as_ref()
            .map_or(AgentState::Unknown, |state| state.agent_state),
        dialog: state.as_ref().and_then(|state| state.dialog.clone()),
        asks: state
            .as_ref()
            .and_then(|state| state.asks.as_deref())
            .map(AskView::from),
        session_id: session.map(|session| session.id),
        claude_session_id: project.claude_session_id,
        claude_session_history: project
            .claude_session_history
            .into_iter()
            .map(HistoryView::from)
            .collect(),
        warning: state.as_ref().and_then(|state| state.warning.clone()),
        claude_version: state.and_then(|state| state.claude_version),
        pid: running.map(|session| session.agent_pid),
        started_at: session.map(|session| session.started_at),
        cols: welcome.as_ref().map(|welcome| welcome.info.size.cols),
        rows: welcome.as_ref().map(|welcome| welcome.info.size.rows),
        seq: welcome
            .as_ref()
            .map(|welcome| welcome.info.end)
            .or(exit.as_ref().map(|exit| exit.offset)),
        log_off: welcome.and_then(|welcome| welcome.info.log_off),
        clients: session.map_or(0, Session::clients),
        exit: exit.map(ExitView::from),
        run,
        resume_error: app
            .sessions
            .resume_error(project.id)
            .map(|error| error.to_string()),
    }
}

/// The running session of a project, or else the last ended one.
pub(super) async fn latest(app: &App, id: Id) -> Answer<Arc<Session>> {
    app.project(id).await?;
    app.sessions.latest(id).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "the output project has had no session yet: start one",
        )
    })
}

/// Shows the session of a project.
#[utoipa::path(operation_id = "showSession", get, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The session, also when there is none", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(app): State<App>, PathId(id): PathId) -> Answer<Json<SessionView>> {
    let project = app.project(id).await?;
    Ok(Json(
        view(&app, project, app.sessions.latest(id).as_deref()).await,
    ))
}

/// The conversation to resume.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// A conversation of the project's history, to become the current one: a session with another one is ended for
    /// it, once it is known that this one can be resumed. Without it the current one is continued.
    #[schema(value_type = Option<String>)]
    claude_session_id: Option<Uuid>,
}

/// Gets the session of a project, or starts it; on request with an older conversation of its
/// history.
#[utoipa::path(operation_id = "startSession", post, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body(content = Option<Which>, description = "May be left out"), responses(
    (status = 200, description = "It was running", body = SessionView),
    (status = 201, description = "It was started", body = SessionView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, another process runs the conversation, it holds no messages, or a run is going on; nothing has changed", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The project never had the conversation", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(app): State<App>,
    PathId(id): PathId,
    request: Request,
) -> Answer<(StatusCode, Json<SessionView>)> {
    let which: Which = Body::or_default(request).await?;
    app.project(id).await?;
    let found = match which.claude_session_id {
        Some(conversation) => app.sessions.resume(id, conversation).await?,
        None => app.sessions.get_or_create(id).await?,
    };
    let status = if found.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((
        status,
        Json(view(&app, app.project(id).await?, Some(&found.session)).await),
    ))
}

/// Ends the session: the agent and everything it started. The conversation stays for resuming.
#[utoipa::path(operation_id = "endSession", delete, path = "/output-projects/{id}/session", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "None runs any more"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Another server on the same database has the project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn end(State(app): State<App>, PathId(id): PathId) -> Answer<StatusCode> {
    app.project(id).await?;
    app.sessions.check_lease(id).await?;
    if app.sessions.end(id).await {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_ended())
    }
}

/// The agent outlives the time for its end.
pub(super) fn not_ended() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        format!(
            "the agent did not end within {} s: try again; the server's log says more",
            STOP_TIMEOUT.as_secs()
        ),
    )
}

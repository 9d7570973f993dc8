//! Headless runs over HTTP.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_core::{id::Id, run::PROMPT_MAX};

use super::{
    body::Body,
    parameter::{Paging, Params, PathId, RunId},
    problem::{Answer, Problem},
    state::Projects,
    view::{RunView, run_view},
};
use crate::agent::Run;

/// A page of runs.
#[derive(Serialize, ToSchema)]
pub(super) struct RunList {
    runs: Vec<RunView>,
    /// The number of all runs.
    total: u64,
}

/// A prompt to run.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRun {
    /// The prompt, up to 100 KiB.
    #[schema(
        min_length = 1,
        max_length = 102_400,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    )]
    prompt: String,
}

fn find(projects: &Projects, project: Id, id: Id) -> Answer<Arc<Run>> {
    let mut runs = projects.sessions.runs(project).into_iter();
    runs.find(|run| run.id == id)
        .ok_or_else(|| Problem::not_found("run"))
}

/// Runs a prompt in the project's conversation, headless.
#[utoipa::path(operation_id = "startRun", post, path = "/output-projects/{id}/runs", tag = "runs", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = NewRun, responses(
    (status = 202, description = "The run began", body = RunView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The project's session is live, another run is going on, or the workspace folder is missing", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The prompt is not valid", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Body(new): Body<NewRun>,
) -> Answer<(StatusCode, Json<RunView>)> {
    projects.find(id).await?;
    if new.prompt.trim().is_empty() {
        return Err(Problem::invalid(
            "prompt is empty: say what the agent is to do",
        ));
    }
    if new.prompt.len() > PROMPT_MAX {
        return Err(Problem::invalid(format!(
            "prompt has {} bytes: give at most {PROMPT_MAX}, or name a file in it",
            new.prompt.len()
        )));
    }
    if new.prompt.contains('\0') {
        return Err(Problem::invalid(
            "prompt holds a NUL, which no argument of a program can: leave it out",
        ));
    }
    let run = projects.sessions.begin_run(id, new.prompt).await?;
    Ok((StatusCode::ACCEPTED, Json(run_view(run).await?)))
}

/// Lists the kept runs of a project in the order of their start.
#[utoipa::path(operation_id = "listRuns", get, path = "/output-projects/{id}/runs", tag = "runs", params(("id" = String, Path, description = "24 hexadecimal digits"), Paging), responses(
    (status = 200, description = "A page of them", body = RunList),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Params(paging): Params<Paging>,
) -> Answer<Json<RunList>> {
    projects.find(id).await?;
    let all = projects.sessions.runs(id);
    let total = all.len() as u64;
    let page = paging.page();
    let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let mut runs = Vec::new();
    for run in all
        .into_iter()
        .skip(count(page.skip))
        .take(count(page.limit))
    {
        let run_id = run.id;
        match run_view(run).await {
            Ok(run) => runs.push(run),
            // Newer runs replaced it meanwhile.
            Err(_) if find(&projects, id, run_id).is_err() => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(Json(RunList { runs, total }))
}

/// Shows a run.
#[utoipa::path(operation_id = "showRun", get, path = "/output-projects/{id}/runs/{run_id}", tag = "runs",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("run_id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The run", body = RunView),
    (status = 404, description = "No such run in this project, or it is no longer kept", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    PathId(id): PathId,
    RunId(run): RunId,
) -> Answer<Json<RunView>> {
    projects.find(id).await?;
    Ok(Json(run_view(find(&projects, id, run)?).await?))
}

/// Stops a run: the agent and everything it started. Its work and the conversation stay.
#[utoipa::path(operation_id = "stopRun", delete, path = "/output-projects/{id}/runs/{run_id}", tag = "runs",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("run_id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "The run ended, or had ended before"),
    (status = 404, description = "No such run in this project, or it is no longer kept", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn stop(
    State(projects): State<Projects>,
    PathId(id): PathId,
    RunId(run): RunId,
) -> Answer<StatusCode> {
    projects.find(id).await?;
    if projects.sessions.stop_run(&find(&projects, id, run)?).await {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_ended())
    }
}

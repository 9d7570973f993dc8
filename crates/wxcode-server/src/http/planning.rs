//! What the planning files of an output project tell, over HTTP.

use axum::{Json, extract::State};
use wxcode_claude::planning::{self, Planning};

use super::{
    App,
    parameter::PathId,
    problem::{Answer, Problem},
};
use crate::workspace;

/// Shows the phases, plans, requirements and progress of a project, read from `.planning/` at this moment.
#[utoipa::path(operation_id = "showPlanning", get, path = "/output-projects/{id}/planning", tag = "output projects", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "What the files tell; an empty or missing `.planning/` tells nothing, at 0 percent", body = Planning),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, or its `.planning` cannot be read", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(app): State<App>, PathId(id): PathId) -> Answer<Json<Planning>> {
    let path = app.project(id).await?.workspace_path;
    let read = tokio::task::spawn_blocking(move || {
        workspace::check(&path).map_err(|error| Problem::conflict(error.to_string()))?;
        planning::read(&path).map_err(|error| {
            Problem::conflict(format!(
                "cannot read {}: {error}; make it a folder of the workspace that the server may read",
                path.join(".planning").display()
            ))
        })
    });
    let planning = read.await.map_err(|error| Problem::internal(&error))??;
    Ok(Json(planning))
}

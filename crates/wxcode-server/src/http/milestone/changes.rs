//! What a milestone changed, over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use wxcode_core::milestone::MilestoneStatus;

use super::find;
use crate::{
    changes::{ChangeLog, Changes, ChangesError},
    http::{
        parameter::PathId,
        problem::{Answer, Problem},
        state::Projects,
    },
};

impl From<ChangesError> for Problem {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::NoRepository(_) => {
                Self::conflict(error.to_string()).with_code("no_repository")
            }
            ChangesError::NoBase => Self::conflict(error.to_string()).with_code("no_base"),
            ChangesError::TooMany => {
                Self::conflict(error.to_string()).with_code("too_many_changes")
            }
            ChangesError::File(error) => error.into(),
            ChangesError::Late(_) | ChangesError::NoGit(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            ChangesError::Git { .. } | ChangesError::Write { .. } => Self::internal(&error),
        }
    }
}

/// Shows what changed in the workspace since the milestone began; uncommitted work at the beginning
/// belongs to the base.
#[utoipa::path(operation_id = "showChanges", get, path = "/milestones/{id}/changes", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The changed files and the patch", body = Changes),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`no_repository`: the workspace is in no git work tree; `not_begun`; `no_base`: nothing is known to compare with; `too_many_changes`", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Git is missing or does not answer, or the file system does not: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn show(
    State(projects): State<Projects>,
    State(changes): State<ChangeLog>,
    PathId(id): PathId,
) -> Answer<Json<Changes>> {
    let milestone = find(&projects, id).await?;
    let project = projects.find(milestone.output_project_id).await?;
    let since = changes.since(project.id, id, &project.workspace_path).await;
    match since {
        Err(ChangesError::NoBase) if milestone.status == MilestoneStatus::Pending => {
            let detail = "the milestone is pending, so it changed nothing: start it first";
            Err(Problem::conflict(detail).with_code("not_begun"))
        }
        since => Ok(Json(since?)),
    }
}

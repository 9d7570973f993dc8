//! The planning files of an output project and their milestones, over HTTP.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;
use wxcode_claude::planning::{
    self, Milestone, Phase, Planning, Progress, Requirements, State as Claimed, UnreadLine,
};
use wxcode_core::id::Id;
use wxcode_files::off_thread;

use super::{
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
};
use crate::workspace;

/// Milestones whose entries are listed, the newest ones.
const CREATED_MAX: usize = 500;
/// Paths listed for each milestone.
const PATHS_MAX: usize = 200;

/// The content of `.planning/`.
#[derive(Serialize, ToSchema)]
#[schema(as = Planning)]
pub(super) struct PlanningView {
    /// The phases of the roadmap and of the disk, in numeric order.
    phases: Vec<PhaseView>,
    /// The number of the first phase of the current milestone with an open plan; without one, of
    /// the last phase that awaits its verification.
    current_phase: Option<String>,
    /// The number of the first incomplete phase of the current milestone without plans.
    next_phase: Option<String>,
    /// Lines of the roadmap that look like phases and were not understood, up to 50.
    not_understood: Vec<UnreadLine>,
    /// The requirements of the current milestone.
    requirements: Requirements,
    /// The content of `STATE.md`; `null` without one.
    #[schema(inline = false)]
    state: Option<Claimed>,
    /// The shipped milestones, by version.
    milestones: Vec<Milestone>,
    /// The version of the current milestone, if a document has it.
    current_version: Option<String>,
    /// The progress of the current milestone.
    progress: Progress,
    /// Entries by the milestone in work at their creation: the newest 500 milestones, oldest first.
    /// Deleted entries are left out.
    created: Vec<Created>,
    /// Folders `.planning` and `phases` below `.milestones/`, where none belong, up to 100,
    /// relative to the workspace.
    misplaced: Vec<String>,
    /// A bound was reached: entries are missing.
    truncated: bool,
}

/// A phase, and its milestone.
#[derive(Serialize, ToSchema)]
#[schema(as = PlannedPhase)]
struct PhaseView {
    #[serde(flatten)]
    phase: Phase,
    /// The milestone in work when its folder was made; `null` without a folder or a milestone.
    #[schema(value_type = Option<String>)]
    milestone_id: Option<Id>,
}

/// Entries made while a milestone was in work.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedEntries)]
struct Created {
    #[schema(value_type = String)]
    milestone_id: Id,
    /// `null` if the milestone is gone.
    element_name: Option<String>,
    /// Files and folders below `.planning/`, by path, up to 200.
    paths: Vec<String>,
    /// The number of all its entries.
    total: usize,
}

/// Shows the phases, plans, requirements and progress of a project, read from `.planning/` now,
/// with the milestone of each entry.
#[utoipa::path(operation_id = "showPlanning", get, path = "/output-projects/{id}/planning", tag = "output projects", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The content of the files; an empty or missing `.planning/` has no phases, at 0 percent", body = PlanningView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, or its `.planning` cannot be read: `code` says why", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The file system of the workspace does not answer: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    State(watched): State<crate::planning::Planning>,
    PathId(id): PathId,
) -> Answer<Json<PlanningView>> {
    let path = projects.find(id).await?.workspace_path;
    let place = path.clone();
    let read = off_thread(&place, move || {
        workspace::check(&path)?;
        let planning = planning::read(&path)?;
        let misplaced = planning::misplaced(&path, workspace::MILESTONES);
        Ok::<_, Problem>((planning, misplaced))
    });
    let (planning, misplaced) = read.await?;
    let credits = watched.look(id, &place).await?;
    let created = created(&projects, &credits.created).await?;
    let Planning {
        phases,
        current_phase,
        next_phase,
        not_understood,
        requirements,
        state,
        milestones,
        current_version,
        progress,
        truncated,
    } = planning;
    let phases = phases.into_iter().map(|phase| PhaseView {
        milestone_id: match (&phase.folder, &phase.archived) {
            (Some(folder), _) => credits.phases.get(&format!("phases/{folder}")).copied(),
            (None, Some(path)) => credits.phases.get(path).copied(),
            (None, None) => None,
        },
        phase,
    });
    Ok(Json(PlanningView {
        phases: phases.collect(),
        current_phase,
        next_phase,
        not_understood,
        requirements,
        state,
        milestones,
        current_version,
        progress,
        created,
        truncated: truncated
            || credits.truncated
            || credits.created.len() > CREATED_MAX
            || misplaced.len() == planning::MISPLACED_MAX,
        misplaced,
    }))
}

async fn created(projects: &Projects, credits: &BTreeMap<Id, Vec<String>>) -> Answer<Vec<Created>> {
    let newest = credits.len().saturating_sub(CREATED_MAX);
    let mut created = Vec::new();
    for (id, paths) in credits.iter().skip(newest) {
        let milestone = projects.store.milestone(*id).await?;
        created.push(Created {
            milestone_id: *id,
            element_name: milestone.map(|milestone| milestone.element_name),
            paths: paths.iter().take(PATHS_MAX).cloned().collect(),
            total: paths.len(),
        });
    }
    Ok(created)
}

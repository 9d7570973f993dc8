//! Changes of a milestone: its status, or the texts of a pending one.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use wxcode_core::{
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy, REASON_MAX},
    project::ProjectStatus,
    time::to_millis,
};
use wxcode_store::{MilestoneEdit, MilestoneEdited, Moved};

use super::{
    check_context, find, view,
    view::{MilestoneView, OpenDeliveries},
};
use crate::http::{
    body::{Body, given},
    parameter::PathId,
    problem::{Answer, Problem},
    project::check_name,
    state::Projects,
};
use crate::milestone::Milestones;

/// Another status, or other texts of a pending milestone; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MilestoneChange {
    /// `pending`, `completed` or `failed`.
    #[schema(value_type = Option<String>, pattern = "^(pending|completed|failed)$")]
    status: Option<MilestoneStatus>,
    /// The reason of the status, up to 1000 characters.
    #[schema(max_length = 1_000)]
    reason: Option<String>,
    /// Another name, 1 to 200 characters; not together with `status`.
    #[schema(max_length = 200, pattern = "{name}")]
    element_name: Option<String>,
    /// Other Markdown for `MILESTONE-CONTEXT.md`, up to 1 MiB, or `null` for none; not together
    /// with `status`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 1_048_576)]
    context: Option<Option<String>>,
}

/// Changes the status: pending → failed, in_progress → completed or failed, failed → pending; or
/// edits the name and the context of a pending milestone. A queued command keeps its text and gets
/// the new context.
#[utoipa::path(operation_id = "changeMilestone", patch, path = "/milestones/{id}", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = MilestoneChange, responses(
    (status = 200, description = "The milestone afterwards", body = MilestoneView),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The milestone's status does not allow the new one, or the milestone whose texts to edit is not pending or its command is on the way", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The context is too long", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A value is not valid, nothing is to be changed, or a status comes with texts; nothing was changed", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Another node took the project over meanwhile: `node_changed`", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn change(
    State(projects): State<Projects>,
    State(milestones): State<Milestones>,
    PathId(id): PathId,
    Body(change): Body<MilestoneChange>,
) -> Answer<Json<MilestoneView>> {
    let before = find(&projects, id).await?;
    let edits = change.element_name.is_some() || change.context.is_some();
    let changed = match (change.status, edits) {
        (Some(status), false) => advance(&projects, before, status, change.reason).await?,
        (None, true) if change.reason.is_none() => edit(&projects, &milestones, id, change).await?,
        (Some(_), true) => {
            return Err(Problem::invalid(
                "status comes with element_name or context: change one first, then the other",
            ));
        }
        (None, true) => {
            return Err(Problem::invalid(
                "reason comes without status: it says why the status changes; leave it out",
            ));
        }
        (None, false) => {
            return Err(Problem::invalid(
                "status is missing, and so are element_name and context: give status, or the new \
                 texts of a pending milestone",
            ));
        }
    };
    view(&projects, changed).await
}

async fn advance(
    projects: &Projects,
    before: Milestone,
    to: MilestoneStatus,
    reason: Option<String>,
) -> Answer<Milestone> {
    let (id, from) = (before.id, before.status);
    let now = to_millis(Timestamp::now());
    let step = Moved {
        by: MovedBy::User,
        reason: reason.map(|text| check_reason(&text)).transpose()?,
        at: now,
        fence: None,
    };
    let moved = if from.may_become(to) {
        projects
            .store
            .advance_milestone(id, from, to, &step)
            .await?
    } else {
        None
    };
    let Some(moved) = moved else {
        if from.may_become(to) && find(projects, id).await?.status == from {
            return Err(Problem::taken_over());
        }
        let detail = format!(
            "a milestone that is {} cannot become {}: pending → failed, in_progress → completed or failed, failed → pending; \
             it becomes in_progress when its command is submitted",
            from.as_str(),
            to.as_str()
        );
        return Err(Problem::conflict(detail));
    };
    if to == MilestoneStatus::Completed {
        projects
            .store
            .advance_project(
                moved.output_project_id,
                ProjectStatus::Initialized,
                ProjectStatus::Active,
                now,
            )
            .await?;
    }
    Ok(moved)
}

async fn edit(
    projects: &Projects,
    milestones: &Milestones,
    id: Id,
    change: MilestoneChange,
) -> Answer<Milestone> {
    let name = change.element_name;
    let name = name.map(|name| check_name("element_name", &name));
    check_context(change.context.as_ref().and_then(Option::as_deref))?;
    let edit = MilestoneEdit {
        element_name: name.transpose()?,
        context: change.context,
        at: to_millis(Timestamp::now()),
        fence: None,
    };
    let edited = match projects.store.edit_milestone(id, &edit).await? {
        MilestoneEdited::Done(edited) => edited,
        MilestoneEdited::Missing => return Err(Problem::not_found("milestone")),
        MilestoneEdited::Fenced => return Err(Problem::taken_over()),
        MilestoneEdited::NotPending(status) => {
            return Err(Problem::conflict(format!(
                "the milestone is {} or its command is on the way to the agent: only one that is \
                 pending can be edited; create another milestone, or send the agent a text",
                status.as_str()
            ))
            .with_code("not_pending"));
        }
    };
    let project = OpenDeliveries::may_hold(&edited).then_some(edited.output_project_id);
    let open = OpenDeliveries::of(&projects.store, project).await?;
    // The agent reads the file once the queued command is submitted.
    if open.place(&edited).is_some() {
        milestones.prepare(&edited).await?;
    }
    Ok(edited)
}

fn check_reason(reason: &str) -> Answer<String> {
    let reason = reason.trim();
    let is_odd = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    match reason.chars().count() {
        1..=REASON_MAX if !reason.contains(is_odd) => Ok(reason.to_owned()),
        1..=REASON_MAX => Err(Problem::invalid(
            "reason holds control characters: remove them",
        )),
        length => Err(Problem::invalid(format!(
            "reason has {length} characters: give 1 to {REASON_MAX}, or leave it out"
        ))),
    }
}

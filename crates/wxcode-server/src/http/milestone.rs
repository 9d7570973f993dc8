//! Milestones over HTTP.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wxcode_core::{
    delivery::DeliveryState,
    excerpt::Excerpt,
    id::Id,
    milestone::{CONTEXT_MAX, Milestone, MilestoneStatus, MovedBy, REASON_MAX},
    project::ProjectStatus,
    time::to_millis,
};
use wxcode_store::{Added, Moved, Removed};

use super::{
    App,
    delivery::{self, DeliveryView},
    parameter::{Paging, Params, PathId},
    problem::{Answer, Body, Problem},
    project::{check_name, check_reference},
};
use crate::milestone as work;

/// A milestone.
#[derive(Serialize, ToSchema)]
pub(super) struct MilestoneView {
    #[schema(value_type = String)]
    id: Id,
    #[schema(value_type = String)]
    output_project_id: Id,
    element_id: Option<String>,
    element_name: String,
    /// `pending`, `in_progress`, `completed` or `failed`.
    #[schema(value_type = String)]
    status: MilestoneStatus,
    /// The origin of the last change or attempt: `user`, or `delivery` for the delivery of its
    /// command; `null` before the first.
    #[schema(value_type = Option<String>)]
    status_by: Option<MovedBy>,
    /// The reason of the last change; for a pending milestone, why its command failed.
    status_reason: Option<String>,
    /// The position, from 1, of its command among the project's open deliveries; `null` when none
    /// waits.
    place_in_line: Option<usize>,
    /// In lists of a long context the beginning, up to 1024 characters.
    context: Option<String>,
    /// How long the whole context is, in bytes; 0 without one.
    context_bytes: u64,
    /// Whether `context` is less than the whole: the milestone alone (GET /milestones/{id}) has it.
    context_truncated: bool,
    wxcode_version: Option<String>,
    milestone_folder_name: Option<String>,
    /// The delivery of its command, once started.
    #[schema(value_type = Option<String>)]
    delivery_id: Option<Id>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Timestamp>,
}

impl MilestoneView {
    fn new(milestone: Milestone, line: &Line) -> Self {
        let length = milestone.context.as_ref().map_or(0, String::len);
        Self::listed(Excerpt::new(milestone, length, None), line)
    }

    fn listed(listed: Excerpt<Milestone>, line: &Line) -> Self {
        let milestone = listed.record;
        Self {
            context_bytes: listed.text_bytes,
            context_truncated: listed.is_truncated,
            place_in_line: line.place(&milestone),
            status_by: milestone.status_by,
            status_reason: milestone.status_reason,
            id: milestone.id,
            output_project_id: milestone.output_project_id,
            element_id: milestone.element_id,
            element_name: milestone.element_name,
            status: milestone.status,
            context: milestone.context,
            wxcode_version: milestone.wxcode_version,
            milestone_folder_name: milestone.milestone_folder_name,
            delivery_id: milestone.delivery_id,
            created_at: milestone.created_at,
            updated_at: milestone.updated_at,
            completed_at: milestone.completed_at,
        }
    }
}

/// The open deliveries of a project, in order.
struct Line(Vec<(Id, DeliveryState)>);

impl Line {
    /// Whether the milestone may stand in line.
    fn may_hold(milestone: &Milestone) -> bool {
        milestone.status == MilestoneStatus::Pending && milestone.delivery_id.is_some()
    }

    /// The line of a project; not looked at when none of its milestones may stand in it.
    async fn of(app: &App, project: Option<Id>) -> Answer<Self> {
        let Some(project) = project else {
            return Ok(Self(Vec::new()));
        };
        let open = app.store.open_deliveries(project).await?;
        let line = open
            .into_iter()
            .map(|delivery| (delivery.id, delivery.state));
        Ok(Self(line.collect()))
    }

    fn place(&self, milestone: &Milestone) -> Option<usize> {
        let delivery = milestone.delivery_id?;
        let is_it = |open: &(Id, DeliveryState)| *open == (delivery, DeliveryState::Queued);
        Some(self.0.iter().position(is_it)? + 1)
    }
}

async fn view(app: &App, milestone: Milestone) -> Answer<Json<MilestoneView>> {
    let project = Line::may_hold(&milestone).then_some(milestone.output_project_id);
    let line = Line::of(app, project).await?;
    Ok(Json(MilestoneView::new(milestone, &line)))
}

/// A page of milestones.
#[derive(Serialize, ToSchema)]
pub(super) struct MilestoneList {
    milestones: Vec<MilestoneView>,
    /// The number of all milestones.
    total: u64,
}

/// A new milestone.
#[derive(Deserialize, ToSchema)]
pub(super) struct NewMilestone {
    output_project_id: String,
    /// 1 to 200 characters.
    element_name: String,
    /// Unique within the project.
    element_id: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`, up to 1 MiB.
    context: Option<String>,
}

/// A change of status.
#[derive(Deserialize, ToSchema)]
pub(super) struct MilestoneChange {
    /// `pending`, `completed` or `failed`.
    #[schema(value_type = String)]
    status: MilestoneStatus,
    /// The reason, up to 1000 characters.
    reason: Option<String>,
}

/// The project whose milestones to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Selection {
    /// The project; required.
    output_project_id: Option<String>,
    /// Only those with this status.
    #[param(value_type = Option<String>)]
    status: Option<MilestoneStatus>,
}

/// A prepared milestone.
#[derive(Serialize, ToSchema)]
pub(super) struct Prepared {
    /// The context file, relative to the workspace.
    context_path: String,
    element_name: String,
    message: String,
}

async fn find(app: &App, id: Id) -> Answer<Milestone> {
    app.store
        .milestone(id)
        .await?
        .ok_or_else(|| Problem::not_found("milestone"))
}

/// Creates a milestone.
#[utoipa::path(operation_id = "createMilestone", post, path = "/milestones", tag = "milestones", request_body = NewMilestone, responses(
    (status = 201, description = "Created, pending", body = MilestoneView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The project has a milestone for this element", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is not valid", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(app): State<App>,
    Body(new): Body<NewMilestone>,
) -> Answer<impl IntoResponse> {
    let output_project_id = new.output_project_id.parse::<Id>()?;
    let element_name = check_name("element_name", &new.element_name)?;
    check_reference("element_id", new.element_id.as_deref())?;
    if let Some(context) = new
        .context
        .as_ref()
        .filter(|context| context.len() > CONTEXT_MAX)
    {
        let detail = format!(
            "context has {} bytes: give at most {CONTEXT_MAX}, or name files in it",
            context.len()
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let now = to_millis(Timestamp::now());
    let milestone = Milestone {
        id: Id::generate(now),
        output_project_id,
        element_id: new.element_id,
        element_name,
        status: MilestoneStatus::Pending,
        status_by: None,
        status_reason: None,
        context: new.context,
        wxcode_version: None,
        milestone_folder_name: None,
        delivery_id: None,
        created_at: now,
        updated_at: None,
        completed_at: None,
    };
    match app.store.add_milestone(&milestone).await? {
        Added::Added => {}
        Added::DuplicateElement => {
            return Err(Problem::conflict(
                "the project has a milestone for this element_id: use that one, or another element_id",
            ));
        }
        Added::NoProject => return Err(Problem::not_found("output project")),
    }
    let location = format!("/api/v1/milestones/{}", milestone.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(MilestoneView::new(milestone, &Line(Vec::new()))),
    ))
}

/// Lists the milestones of a project in the order of their creation, with the beginnings of their contexts.
#[utoipa::path(operation_id = "listMilestones", get, path = "/milestones", tag = "milestones", params(Selection, Paging), responses(
    (status = 200, description = "A page of them", body = MilestoneList),
    (status = 400, description = "output_project_id is not an id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "output_project_id is missing", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(app): State<App>,
    Params(selection): Params<Selection>,
    Params(paging): Params<Paging>,
) -> Answer<Json<MilestoneList>> {
    let Some(project) = selection.output_project_id else {
        return Err(Problem::invalid(
            "output_project_id is missing: add ?output_project_id=… to the address",
        ));
    };
    let project = project.parse::<Id>()?;
    app.project(project).await?;
    let listing = app
        .store
        .milestones(project, selection.status, paging.page())
        .await?;
    let may_hold = listing.items.iter().any(|listed| Line::may_hold(listed));
    let line = Line::of(&app, may_hold.then_some(project)).await?;
    let milestones = listing.items.into_iter();
    let milestones = milestones.map(|milestone| MilestoneView::listed(milestone, &line));
    let milestones = milestones.collect();
    Ok(Json(MilestoneList {
        milestones,
        total: listing.total,
    }))
}

/// Shows a milestone.
#[utoipa::path(operation_id = "showMilestone", get, path = "/milestones/{id}", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The milestone", body = MilestoneView),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(app): State<App>,
    PathId(id): PathId,
) -> Answer<Json<MilestoneView>> {
    let milestone = find(&app, id).await?;
    view(&app, milestone).await
}

/// Changes the status: pending → failed, in_progress → completed or failed, failed → pending.
#[utoipa::path(operation_id = "changeMilestone", patch, path = "/milestones/{id}", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = MilestoneChange, responses(
    (status = 200, description = "The milestone afterwards", body = MilestoneView),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not a step from where it is", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The reason is not valid; nothing was changed", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change(
    State(app): State<App>,
    PathId(id): PathId,
    Body(change): Body<MilestoneChange>,
) -> Answer<Json<MilestoneView>> {
    let before = find(&app, id).await?;
    let (from, to) = (before.status, change.status);
    let now = to_millis(Timestamp::now());
    let step = Moved {
        by: MovedBy::User,
        reason: change.reason.map(|text| check_reason(&text)).transpose()?,
        at: now,
    };
    let moved = if from.may_become(to) {
        app.store.advance_milestone(id, from, to, &step).await?
    } else {
        None
    };
    let Some(moved) = moved else {
        let detail = format!(
            "a milestone that is {} cannot become {}: pending → failed, in_progress → completed or failed, failed → pending; \
             it becomes in_progress when its command is submitted",
            from.as_str(),
            to.as_str()
        );
        return Err(Problem::conflict(detail));
    };
    if to == MilestoneStatus::Completed {
        app.store
            .advance_project(
                moved.output_project_id,
                ProjectStatus::Initialized,
                ProjectStatus::Active,
                now,
            )
            .await?;
    }
    view(&app, moved).await
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

/// Deletes a pending milestone and cancels its waiting delivery.
#[utoipa::path(operation_id = "deleteMilestone", delete, path = "/milestones/{id}", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not pending, or its command is already on the way", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(State(app): State<App>, PathId(id): PathId) -> Answer<StatusCode> {
    match app
        .store
        .remove_milestone(id, to_millis(Timestamp::now()))
        .await?
    {
        Removed::Removed => Ok(StatusCode::NO_CONTENT),
        Removed::Missing => Err(Problem::not_found("milestone")),
        Removed::NotPending(status) => Err(Problem::conflict(format!(
            "the milestone is {} or its command is on the way to the agent: only one that is pending can be deleted",
            status.as_str()
        ))),
    }
}

/// Writes the milestone's context into the workspace and creates `.planning/`.
#[utoipa::path(operation_id = "prepareMilestone", post, path = "/milestones/{id}/prepare", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "Prepared; doing it again changes nothing", body = Prepared),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, or something else stands where the context belongs, such as a link: `code` says what", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The file system of the workspace does not answer: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn prepare(State(app): State<App>, PathId(id): PathId) -> Answer<Json<Prepared>> {
    let milestone = find(&app, id).await?;
    let context_path = work::prepare(&app, &milestone).await?;
    let message = format!("context prepared for {}", milestone.element_name);
    Ok(Json(Prepared {
        context_path,
        element_name: milestone.element_name,
        message,
    }))
}

/// Prepares the milestone, gets or starts the session, and queues the milestone's command, once.
#[utoipa::path(operation_id = "startMilestone", post, path = "/milestones/{id}/start", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 202, description = "The delivery of its command; asking again gives the same one", body = DeliveryView),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The milestone is finished, the workspace folder is missing or something else stands where the context belongs, a run is in progress, or neither GSD nor a command of the configuration is there (`code` is `gsd_missing`)", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(app): State<App>,
    PathId(id): PathId,
) -> Answer<(StatusCode, Json<DeliveryView>)> {
    let milestone = find(&app, id).await?;
    delivery::answer(work::start(&app, &milestone).await?)
}

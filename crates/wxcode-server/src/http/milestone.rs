//! Milestones over HTTP.

pub(super) mod change;
pub(super) mod changes;
mod view;

use axum::{
    Extension, Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wxcode_core::access::Role;
use wxcode_core::{
    id::Id,
    milestone::{CONTEXT_MAX, Milestone, MilestoneStatus},
    time::to_millis,
};
use wxcode_store::{Added, Removed};

use super::{
    access::forbidden,
    body::{Body, NoBody},
    delivery::{self, DeliveryView},
    parameter::{Params, PathId, number, page, parsed_id},
    problem::{Answer, Problem},
    project::{check_name, check_reference},
    state::Projects,
};
use crate::access::Caller;
use crate::milestone::Milestones;
use view::{MilestoneView, OpenDeliveries};

async fn view(projects: &Projects, milestone: Milestone) -> Answer<Json<MilestoneView>> {
    let project = OpenDeliveries::may_hold(&milestone).then_some(milestone.output_project_id);
    let open = OpenDeliveries::of(&projects.store, project).await?;
    Ok(Json(MilestoneView::new(milestone, &open)))
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
#[serde(deny_unknown_fields)]
pub(super) struct NewMilestone {
    #[schema(pattern = "{id}")]
    output_project_id: String,
    /// 1 to 200 characters. Left out, it is the name of the element's document, or else
    /// `element_id`.
    #[schema(max_length = 200, pattern = "{name}")]
    element_name: Option<String>,
    /// Unique within the project.
    #[schema(min_length = 1, max_length = 200, pattern = "{reference}")]
    element_id: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`, up to 1 MiB.
    #[schema(max_length = 1_048_576)]
    context: Option<String>,
}

/// The milestones to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Selection {
    /// The project; required.
    #[param(required = true, pattern = "{id}")]
    output_project_id: Option<String>,
    /// Only those with this status.
    #[param(value_type = Option<String>, pattern = "^(pending|in_progress|completed|failed)$")]
    status: Option<MilestoneStatus>,
    /// Records to skip.
    #[serde(default, deserialize_with = "number")]
    skip: Option<u64>,
    /// Most records, up to 1000; 100 by default.
    #[serde(default, deserialize_with = "number")]
    limit: Option<u64>,
}

/// A prepared milestone.
#[derive(Serialize, ToSchema)]
pub(super) struct Prepared {
    /// The context file, relative to the workspace.
    context_path: String,
    element_name: String,
    message: String,
}

async fn find(projects: &Projects, id: Id) -> Answer<Milestone> {
    projects
        .store
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
    State(projects): State<Projects>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewMilestone>,
) -> Answer<impl IntoResponse> {
    let output_project_id = parsed_id("output_project_id", &new.output_project_id)?;
    if !caller.grant.covers(Role::Operator, Some(output_project_id)) {
        return Err(forbidden(&caller, Role::Operator));
    }
    check_reference("element_id", new.element_id.as_deref())?;
    let element_name = name(&projects, new.element_name, new.element_id.as_deref()).await?;
    check_context(new.context.as_deref())?;
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
    match projects.store.add_milestone(&milestone).await? {
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
        Json(MilestoneView::new(milestone, &OpenDeliveries::default())),
    ))
}

fn check_context(context: Option<&str>) -> Answer<()> {
    let length = context.map_or(0, str::len);
    if length <= CONTEXT_MAX {
        return Ok(());
    }
    let detail =
        format!("context has {length} bytes: give at most {CONTEXT_MAX}, or name files in it");
    Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
}

/// The name of a new milestone: the given one, or the one of its element.
async fn name(
    projects: &Projects,
    given: Option<String>,
    element_id: Option<&str>,
) -> Answer<String> {
    if let Some(given) = given {
        return check_name("element_name", &given);
    }
    let Some(element_id) = element_id else {
        return Err(Problem::invalid(
            "element_name and element_id are missing: give one of them, or both",
        ));
    };
    let found = projects.store.element_name(element_id).await?;
    let found = found.and_then(|name| check_name("element_name", &name).ok());
    found.map_or_else(|| check_name("element_id", element_id), Ok)
}

/// Lists the milestones of a project in the order of their creation, with the beginnings of their
/// contexts.
#[utoipa::path(operation_id = "listMilestones", get, path = "/milestones", tag = "milestones", params(Selection), responses(
    (status = 200, description = "A page of them", body = MilestoneList),
    (status = 400, description = "output_project_id is not an id", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "output_project_id is missing", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(projects): State<Projects>,
    Params(selection): Params<Selection>,
) -> Answer<Json<MilestoneList>> {
    let Some(project) = selection.output_project_id else {
        return Err(Problem::invalid(
            "output_project_id is missing: add ?output_project_id=… to the address",
        ));
    };
    let project = parsed_id("output_project_id", &project)?;
    projects.find(project).await?;
    let listing = projects
        .store
        .milestones(
            project,
            selection.status,
            page(selection.skip, selection.limit),
        )
        .await?;
    let may_hold = listing
        .items
        .iter()
        .any(|listed| OpenDeliveries::may_hold(listed));
    let open = OpenDeliveries::of(&projects.store, may_hold.then_some(project)).await?;
    let milestones = listing.items.into_iter();
    let milestones = milestones.map(|milestone| MilestoneView::listed(milestone, &open));
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
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<Json<MilestoneView>> {
    let milestone = find(&projects, id).await?;
    view(&projects, milestone).await
}

/// Deletes a pending milestone and cancels its waiting delivery.
#[utoipa::path(operation_id = "deleteMilestone", delete, path = "/milestones/{id}", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Deleted"),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not pending, or its command is already on the way", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Another node took the project over meanwhile: `node_changed`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(
    State(projects): State<Projects>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    match projects
        .store
        .remove_milestone(id, to_millis(Timestamp::now()))
        .await?
    {
        Removed::Removed => Ok(StatusCode::NO_CONTENT),
        Removed::Missing => Err(Problem::not_found("milestone")),
        Removed::Fenced => Err(Problem::taken_over()),
        Removed::NotPending(status) => Err(Problem::conflict(format!(
            "the milestone is {} or its command is on the way to the agent: only one that is pending can be deleted",
            status.as_str()
        ))),
    }
}

/// Writes the milestone's context into the workspace and creates `.planning/`.
#[utoipa::path(operation_id = "prepareMilestone", post, path = "/milestones/{id}/prepare", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "Prepared; a repetition changes nothing", body = Prepared),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The workspace folder is missing, or something else stands where the context belongs, such as a link: `code` says what", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The file system of the workspace does not answer: `file_hangs`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn prepare(
    State(projects): State<Projects>,
    State(milestones): State<Milestones>,
    PathId(id): PathId,
    _: NoBody,
) -> Answer<Json<Prepared>> {
    let milestone = find(&projects, id).await?;
    let context_path = milestones.prepare(&milestone).await?;
    let message = format!("context prepared for {}", milestone.element_name);
    Ok(Json(Prepared {
        context_path,
        element_name: milestone.element_name,
        message,
    }))
}

/// Prepares the milestone, gets or starts the session, and queues the milestone's command, once.
#[utoipa::path(operation_id = "startMilestone", post, path = "/milestones/{id}/start", tag = "milestones", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 202, description = "The delivery of its command; a repetition returns the same one", body = DeliveryView),
    (status = 404, description = "No such milestone", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The milestone is finished, the workspace folder is missing or something else stands where the context belongs, a run is in progress, or neither GSD nor a command of the configuration is there (`code` is `gsd_missing`)", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn start(
    State(projects): State<Projects>,
    State(milestones): State<Milestones>,
    PathId(id): PathId,
    _: NoBody,
) -> Answer<(StatusCode, Json<DeliveryView>)> {
    let milestone = find(&projects, id).await?;
    delivery::answer(milestones.start(&milestone).await?)
}

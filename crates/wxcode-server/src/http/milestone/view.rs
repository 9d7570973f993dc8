//! Milestones as JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use wxcode_core::{
    delivery::DeliveryState,
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
};

use crate::{http::problem::Answer, repository::Repository};

/// A milestone.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct MilestoneView {
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
    pub(super) fn new(milestone: Milestone, open: &OpenDeliveries) -> Self {
        let length = milestone.context.as_ref().map_or(0, String::len);
        Self::listed(Excerpt::new(milestone, length, None), open)
    }

    pub(super) fn listed(listed: Excerpt<Milestone>, open: &OpenDeliveries) -> Self {
        let milestone = listed.record;
        Self {
            context_bytes: listed.text_bytes,
            context_truncated: listed.is_truncated,
            place_in_line: open.place(&milestone),
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
#[derive(Default)]
pub(super) struct OpenDeliveries(Vec<(Id, DeliveryState)>);

impl OpenDeliveries {
    /// Whether the delivery of a milestone may be open.
    pub(super) fn may_hold(milestone: &Milestone) -> bool {
        milestone.status == MilestoneStatus::Pending && milestone.delivery_id.is_some()
    }

    /// Reads the open deliveries of a project; reads nothing without one.
    pub(super) async fn of(store: &Repository, project: Option<Id>) -> Answer<Self> {
        let Some(project) = project else {
            return Ok(Self::default());
        };
        let open = store.open_deliveries(project).await?;
        let open = open
            .into_iter()
            .map(|delivery| (delivery.id, delivery.state));
        Ok(Self(open.collect()))
    }

    pub(super) fn place(&self, milestone: &Milestone) -> Option<usize> {
        let delivery = milestone.delivery_id?;
        let is_it = |open: &(Id, DeliveryState)| *open == (delivery, DeliveryState::Queued);
        Some(self.0.iter().position(is_it)? + 1)
    }
}

//! Milestones in a store.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    delivery::Delivery,
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
    time::to_millis,
};

use crate::{Listing, Page, Result};

/// The circumstances of a milestone's move to another status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub by: MovedBy,
    /// The reason, if given.
    pub reason: Option<String>,
    pub at: Timestamp,
    /// The epoch of the mover's lease, if the mover has one: another owner's later epoch refuses
    /// the move.
    pub fence: Option<u64>,
}

/// The answer to adding a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Added,
    /// The project already has a milestone for this element.
    DuplicateElement,
    /// The project does not exist.
    NoProject,
}

/// The answer to removing a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// The milestone was removed, and its queued delivery failed.
    Removed,
    /// The milestone is not pending, or the milestone's command is on its way (`written` or later);
    /// nothing changed.
    NotPending(MilestoneStatus),
    /// The milestone does not exist.
    Missing,
    /// Another node has the project; nothing changed.
    Fenced,
}

/// A user's change of a pending milestone's texts; a field with `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilestoneEdit {
    pub element_name: Option<String>,
    /// Another context; `Some(None)` for none.
    pub context: Option<Option<String>>,
    pub at: Timestamp,
    /// The epoch of the editor's lease, if the editor has one.
    pub fence: Option<u64>,
}

impl MilestoneEdit {
    /// Whether the milestone is pending, and `delivery`, the carrier of the command if any, is over
    /// or still waits.
    #[must_use]
    pub fn suits(&self, milestone: &Milestone, delivery: Option<&Delivery>) -> bool {
        let on_its_way =
            delivery.is_some_and(|delivery| !delivery.state.is_over() && !delivery.is_waiting());
        milestone.status == MilestoneStatus::Pending && !on_its_way
    }

    /// Returns the milestone after the edit, the same in every store.
    #[must_use]
    pub fn of(&self, milestone: &Milestone) -> Milestone {
        let name = self.element_name.as_ref();
        let context = self.context.as_ref();
        Milestone {
            element_name: name.unwrap_or(&milestone.element_name).clone(),
            context: context.unwrap_or(&milestone.context).clone(),
            updated_at: Some(to_millis(self.at)),
            ..milestone.clone()
        }
    }
}

/// The answer to an edit of a milestone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "most answers are the milestone, for a moment"
)]
pub enum MilestoneEdited {
    /// The milestone afterwards.
    Done(Milestone),
    /// The milestone is not pending, or the milestone's command is on its way: typed, or the initial
    /// prompt of a starting agent. Nothing changed.
    NotPending(MilestoneStatus),
    /// The milestone does not exist.
    Missing,
    /// Another node has the project; nothing changed.
    Fenced,
}

/// Operations on milestones. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait MilestoneStore: Send + Sync + 'static {
    /// Adds a milestone. A repeated call with the same milestone succeeds; a different milestone
    /// with the same id is [`crate::StoreError::Refused`].
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added>;
    async fn milestone(&self, id: Id) -> Result<Option<Milestone>>;
    /// The name of an element of the first implementation, if the store has its elements.
    async fn element_name(&self, element_id: &str) -> Result<Option<String>> {
        let _ = element_id;
        Ok(None)
    }
    /// Milestones of a project, in the order of creation, with the beginnings of their contexts.
    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>>;
    /// The newest milestone in progress of each of these projects, with the beginnings of the
    /// contexts, in any order. Projects without a milestone in progress are left out. At most
    /// [`crate::PAGE_MAX`] projects count.
    async fn milestones_in_work(&self, projects: Vec<Id>) -> Result<Vec<Milestone>>;
    /// Moves a milestone from `from` to `to` by compare-and-set. Sets `status_by` and
    /// `status_reason` from `moved` (without a reason, clears it), `updated_at`, and `completed_at`
    /// if `to` is `completed` (otherwise clears it).
    ///
    /// Moving to `pending` drops the milestone's delivery, so that a new delivery can start the
    /// milestone. A `written` delivery stays: the delivery may still start the milestone, and a
    /// second command must not follow. Moving `pending → failed` fails the queued delivery with the
    /// error `the milestone was given up`.
    ///
    /// Returns the milestone afterwards; `None` if the milestone was not in `from` or does not
    /// exist, or if the project's lease has a later epoch than the fence of `moved`.
    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>>;
    /// Changes the name or the context of a pending milestone, and sets `updated_at`. A `queued`
    /// delivery keeps its text. [`MilestoneEdited::Fenced`] if the project's lease has a later
    /// epoch than the fence of `edit`.
    async fn edit_milestone(&self, id: Id, edit: &MilestoneEdit) -> Result<MilestoneEdited>;
    /// Removes a pending milestone, and fails the milestone's `queued` delivery with the error `the
    /// milestone was deleted`. [`Removed::Fenced`] if the project's lease has a later epoch than
    /// `fence`.
    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed>;
}

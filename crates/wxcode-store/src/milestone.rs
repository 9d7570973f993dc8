//! Milestones in a store.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
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
    /// Removes a pending milestone, and fails the milestone's `queued` delivery with the error `the
    /// milestone was deleted`. [`Removed::Fenced`] if the project's lease has a later epoch than
    /// `fence`.
    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed>;
}

//! The promises about milestones.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};

use crate::{
    Added, Listing, MilestoneEdit, MilestoneEdited, MilestoneStore, Moved, Page, Removed, Result,
    sqlite::{milestone, store::SqliteStore},
};

#[async_trait]
impl MilestoneStore for SqliteStore {
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        let milestone = milestone.clone();
        self.writer
            .run(move |tx| milestone::add(tx, &milestone))
            .await
    }

    async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        self.readers.run(move |tx| milestone::get(tx, id)).await
    }

    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        self.readers
            .run(move |tx| milestone::list(tx, project, status, page))
            .await
    }

    async fn milestones_in_work(&self, projects: Vec<Id>) -> Result<Vec<Milestone>> {
        self.readers
            .run(move |tx| milestone::in_work(tx, &projects))
            .await
    }

    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>> {
        let moved = moved.clone();
        self.writer
            .run(move |tx| milestone::advance(tx, id, from, to, &moved))
            .await
    }

    async fn edit_milestone(&self, id: Id, edit: &MilestoneEdit) -> Result<MilestoneEdited> {
        let edit = edit.clone();
        self.writer
            .run(move |tx| milestone::edit(tx, id, &edit))
            .await
    }

    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed> {
        self.writer
            .run(move |tx| milestone::remove(tx, id, at, fence))
            .await
    }
}

//! The promises about milestones.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus},
};
use wxcode_store::{
    Added, Listing, MilestoneEdit, MilestoneEdited, MilestoneStore, Moved, Page, Removed, Result,
};

use super::MongoStore;
use crate::milestone;

#[async_trait]
impl MilestoneStore for MongoStore {
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        let milestone = milestone.clone();
        self.run(move |records, attempt| {
            let milestone = milestone.clone();
            async move { milestone::add(&records, &milestone, attempt).await }
        })
        .await
    }

    async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        self.run(move |records, _| async move { milestone::get(&records, id).await })
            .await
    }

    async fn element_name(&self, element_id: &str) -> Result<Option<String>> {
        let element = element_id.to_owned();
        self.run(move |records, _| {
            let element = element.clone();
            async move { milestone::element_name(&records, &element).await }
        })
        .await
    }

    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        self.run(
            move |records, _| async move { milestone::list(&records, project, status, page).await },
        )
        .await
    }

    async fn milestones_in_work(&self, projects: Vec<Id>) -> Result<Vec<Milestone>> {
        self.run(move |records, _| {
            let projects = projects.clone();
            async move { milestone::in_work(&records, &projects).await }
        })
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
        self.run(move |records, attempt| {
            let moved = moved.clone();
            async move { milestone::advance(&records, id, (from, to), &moved, attempt).await }
        })
        .await
    }

    async fn edit_milestone(&self, id: Id, edit: &MilestoneEdit) -> Result<MilestoneEdited> {
        let edit = edit.clone();
        self.run(move |records, attempt| {
            let edit = edit.clone();
            async move { milestone::edit(&records, id, &edit, attempt).await }
        })
        .await
    }

    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed> {
        self.run(move |records, attempt| async move {
            milestone::remove(&records, id, (at, fence), attempt).await
        })
        .await
    }
}

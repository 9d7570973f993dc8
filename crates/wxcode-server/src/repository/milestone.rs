//! Changes of milestones and their events.

use jiff::Timestamp;
use wxcode_core::{
    event::{Kind, Stage},
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
};
use wxcode_store::{Added, Listing, MilestoneEdit, MilestoneEdited, Moved, Page, Removed, Result};

use super::{Repository, of, warn_unpublished};

impl Repository {
    pub(crate) async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        let _turn = of(&self.0.milestones, milestone.id).lock().await;
        let added = self
            .run("add_milestone", self.0.store.add_milestone(milestone))
            .await?;
        if added == Added::Added {
            self.publish(milestone.output_project_id, Kind::from(milestone))
                .await;
        }
        Ok(added)
    }

    pub(crate) async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>> {
        let turn = of(&self.0.milestones, id).lock().await;
        let before = self.milestone(id).await?;
        let moved = &Moved {
            fence: self.fence_of(before.as_ref()),
            ..moved.clone()
        };
        let after = self
            .run(
                "advance_milestone",
                self.0.store.advance_milestone(id, from, to, moved),
            )
            .await?;
        if let Some(milestone) = &after {
            let feed = self.0.events.current(milestone.output_project_id).await;
            // The milestone's delivery may have started the milestone a moment ago, without an
            // event so far.
            let was = before
                .as_ref()
                .filter(|before| before.status == MilestoneStatus::InProgress);
            feed.publish_all(was.into_iter().chain([milestone]).map(Kind::from));
        }
        drop(turn);
        if after.is_some() {
            warn_unpublished(
                self.publish_delivery(before.and_then(|before| before.delivery_id))
                    .await,
            );
        }
        Ok(after)
    }

    pub(crate) async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed> {
        let turn = of(&self.0.milestones, id).lock().await;
        let before = self.milestone(id).await?;
        let fence = self.fence_of(before.as_ref());
        let removing = self.0.store.remove_milestone(id, at, fence);
        let removed = self.run("remove_milestone", removing).await?;
        drop(turn);
        if let (Removed::Removed, Some(before)) = (removed, before) {
            warn_unpublished(self.publish_delivery(before.delivery_id).await);
            let kind = Kind::MilestoneStatus {
                milestone_id: id,
                element_name: Some(before.element_name),
                status: Stage::Deleted,
                by: Some(MovedBy::User),
                reason: None,
            };
            self.publish(before.output_project_id, kind).await;
        }
        Ok(removed)
    }

    pub(crate) async fn edit_milestone(
        &self,
        id: Id,
        edit: &MilestoneEdit,
    ) -> Result<MilestoneEdited> {
        let before = self.milestone(id).await?;
        let edit = MilestoneEdit {
            fence: self.fence_of(before.as_ref()),
            ..edit.clone()
        };
        let editing = self.0.store.edit_milestone(id, &edit);
        self.run("edit_milestone", editing).await
    }

    pub(crate) async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        self.run("milestone", self.0.store.milestone(id)).await
    }

    pub(crate) async fn element_name(&self, element_id: &str) -> Result<Option<String>> {
        self.run("element_name", self.0.store.element_name(element_id))
            .await
    }

    pub(crate) async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        self.run("milestones", self.0.store.milestones(project, status, page))
            .await
    }

    pub(crate) async fn milestones_in_work(&self, projects: Vec<Id>) -> Result<Vec<Milestone>> {
        let found = self.0.store.milestones_in_work(projects);
        self.run("milestones_in_work", found).await
    }
}

//! The store for the server's use: publishes an event after each change that has one.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;
use wxcode_core::{
    delivery::Delivery,
    event::{Kind, Stage},
    excerpt::Excerpt,
    id::Id,
    lease::Lease,
    milestone::{Milestone, MilestoneStatus, MovedBy},
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{
    Added, DeliveryStore, IdentityStore, LeaseStore, Listing, MilestoneStore, Moved, NewDelivery,
    Page, ProjectPatch, ProjectStore, Queued, Removed, Result, Rotated, Rotation, Step, Store,
    Swapped,
};

use super::Events;

/// Locks for records; records share them by chance.
const LOCKS: usize = 64;

/// A store that publishes its changes.
pub(crate) struct Telling {
    store: Arc<dyn Store>,
    events: Events,
    /// Held from a record's change to its event, so that its events keep their order. A delivery's
    /// lock is taken before a milestone's.
    deliveries: [Mutex<()>; LOCKS],
    milestones: [Mutex<()>; LOCKS],
}

impl Telling {
    pub(crate) fn new(store: Arc<dyn Store>, events: Events) -> Self {
        Self {
            store,
            events,
            deliveries: [const { Mutex::const_new(()) }; LOCKS],
            milestones: [const { Mutex::const_new(()) }; LOCKS],
        }
    }

    async fn tell(&self, project: Id, kind: Kind) {
        self.events.current(project).await.tell(kind);
    }

    /// Publishes the end of a delivery together with its milestone.
    async fn settled(&self, delivery: Option<Id>) -> Result<()> {
        let Some(id) = delivery else { return Ok(()) };
        let _turn = of(&self.deliveries, id).lock().await;
        if let Some(delivery) = self.store.delivery(id).await? {
            self.tell(delivery.output_project_id, Kind::from(&delivery))
                .await;
        }
        Ok(())
    }

    /// Publishes a milestone that started with its delivery, or stays pending after its failure.
    async fn set_going(&self, delivery: &Delivery) -> Result<()> {
        let Some(id) = delivery.milestone_id else {
            return Ok(());
        };
        let _turn = of(&self.milestones, id).lock().await;
        if let Some(milestone) = self.store.milestone(id).await?
            && milestone.delivery_id == Some(delivery.id)
            && milestone.status_by == Some(MovedBy::Delivery)
        {
            self.tell(milestone.output_project_id, Kind::from(&milestone))
                .await;
        }
        Ok(())
    }
}

fn of(locks: &[Mutex<()>; LOCKS], id: Id) -> &Mutex<()> {
    // The last byte ends a counter.
    &locks[usize::from(id.bytes()[11]) % LOCKS]
}

/// The change stays made: the next start publishes an event whose record could not be read now.
fn untold(told: Result<()>) {
    if let Err(error) = told {
        tracing::warn!(%error, "an event could not be told");
    }
}

#[async_trait]
impl Store for Telling {
    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }
}

#[async_trait]
impl ProjectStore for Telling {
    async fn remove_project(&self, id: Id) -> Result<bool> {
        let removed = self.store.remove_project(id).await?;
        if removed {
            self.events.forget(id);
        }
        Ok(removed)
    }

    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        self.store.add_project(project).await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        self.store.restore_project(project).await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.store.project(id).await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.store.projects(page).await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        self.store.patch_project(id, patch, at).await
    }

    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool> {
        self.store.advance_project(id, from, to, at).await
    }
}

#[async_trait]
impl IdentityStore for Telling {
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotated = self.store.rotate(project, rotation).await?;
        if rotated == Rotated::Won {
            let feed = self.events.current(project).await;
            match self.store.project(project).await {
                Ok(Some(record)) => feed.tell_all(feed.told(|told| told.conversations(&record))),
                Ok(None) => {}
                Err(error) => untold(Err(error)),
            }
        }
        Ok(rotated)
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool> {
        self.store
            .note_conversation(project, conversation, spoke, transcript_path)
            .await
    }
}

#[async_trait]
impl MilestoneStore for Telling {
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        let _turn = of(&self.milestones, milestone.id).lock().await;
        let added = self.store.add_milestone(milestone).await?;
        if added == Added::Added {
            self.tell(milestone.output_project_id, Kind::from(milestone))
                .await;
        }
        Ok(added)
    }

    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>> {
        let turn = of(&self.milestones, id).lock().await;
        let before = self.store.milestone(id).await?;
        let after = self.store.advance_milestone(id, from, to, moved).await?;
        if let Some(milestone) = &after {
            let feed = self.events.current(milestone.output_project_id).await;
            // Its delivery may have started it a moment ago, without an event so far.
            let was = before
                .as_ref()
                .filter(|before| before.status == MilestoneStatus::InProgress);
            feed.tell_all(was.into_iter().chain([milestone]).map(Kind::from));
        }
        drop(turn);
        if after.is_some() {
            untold(
                self.settled(before.and_then(|before| before.delivery_id))
                    .await,
            );
        }
        Ok(after)
    }

    async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed> {
        let turn = of(&self.milestones, id).lock().await;
        let before = self.store.milestone(id).await?;
        let removed = self.store.remove_milestone(id, at).await?;
        drop(turn);
        if let (Removed::Removed, Some(before)) = (removed, before) {
            untold(self.settled(before.delivery_id).await);
            let kind = Kind::MilestoneStatus {
                milestone_id: id,
                element_name: Some(before.element_name),
                status: Stage::Deleted,
                by: Some(MovedBy::User),
                reason: None,
            };
            self.tell(before.output_project_id, kind).await;
        }
        Ok(removed)
    }

    async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        self.store.milestone(id).await
    }

    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        self.store.milestones(project, status, page).await
    }
}

#[async_trait]
impl DeliveryStore for Telling {
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let _turn = of(&self.deliveries, delivery.id).lock().await;
        let queued = self.store.queue(delivery).await?;
        if let Queued::New(delivery) = &queued {
            self.tell(delivery.output_project_id, Kind::from(delivery))
                .await;
        }
        Ok(queued)
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let _turn = of(&self.deliveries, step.id).lock().await;
        let stepped = self.store.step(step).await?;
        if let Some(delivery) = &stepped {
            self.tell(delivery.output_project_id, Kind::from(delivery))
                .await;
            if delivery.state.is_over() {
                untold(self.set_going(delivery).await);
            }
        }
        Ok(stepped)
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.store.delivery(id).await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.store.deliveries(project, page).await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.store.open_deliveries(project).await
    }

    async fn next_delivery(&self, project: Id) -> Result<Option<Delivery>> {
        self.store.next_delivery(project).await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        self.store.projects_with_open_deliveries().await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        self.store.restore_delivery(delivery).await
    }
}

#[async_trait]
impl LeaseStore for Telling {
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.store.lease(project).await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        self.store.swap_lease(project, old, new).await
    }
}

#[cfg(test)]
mod tests;

//! A store that measures its operations and counts its deliveries.

use std::{path::PathBuf, sync::Arc, time::Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::Excerpt,
    id::Id,
    lease::Lease,
    milestone::{Milestone, MilestoneStatus},
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{
    Added, Listing, Moved, NewDelivery, Page, ProjectPatch, Queued, Removed, Result, Rotated,
    Rotation, Step, Store, StoreError, Swapped,
};

use super::{
    Metrics,
    label::{Failed, Operation, State},
};

pub(crate) struct Measured {
    store: Arc<dyn Store>,
    metrics: Metrics,
}

impl Measured {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self { store, metrics }
    }

    async fn timed<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let began = Instant::now();
        let result = work.await;
        let metrics = &self.metrics.0;
        let seconds = metrics
            .store_seconds
            .get_or_create(&Operation { operation });
        seconds.observe(began.elapsed().as_secs_f64());
        drop(seconds);
        if let Err(error) = &result {
            let error = match error {
                StoreError::Unavailable(_) => "unavailable",
                StoreError::Corrupt(_) => "corrupt",
                StoreError::Refused(_) | StoreError::WorkspaceTaken { .. } => "refused",
            };
            let failed = Failed { operation, error };
            metrics.store_errors.get_or_create(&failed).inc();
        }
        result
    }

    fn counted(&self, state: DeliveryState) {
        let state = State::of(state.as_str());
        self.metrics.0.deliveries.get_or_create(&state).inc();
    }

    fn stepped(&self, delivery: &Delivery) {
        // A queued delivery may change in other ways.
        if delivery.state.is_over() {
            self.counted(delivery.state);
        }
        if delivery.state == DeliveryState::Submitted {
            let took = delivery.updated_at.duration_since(delivery.created_at);
            self.metrics.0.submit_seconds.observe(took.as_secs_f64());
        }
    }
}

#[async_trait]
impl Store for Measured {
    async fn ping(&self) -> Result<()> {
        self.timed("ping", self.store.ping()).await
    }

    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        self.timed("add_project", self.store.add_project(project))
            .await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        self.timed("restore_project", self.store.restore_project(project))
            .await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.timed("project", self.store.project(id)).await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.timed("projects", self.store.projects(page)).await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        self.timed("patch_project", self.store.patch_project(id, patch, at))
            .await
    }

    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool> {
        self.timed(
            "advance_project",
            self.store.advance_project(id, from, to, at),
        )
        .await
    }

    async fn remove_project(&self, id: Id) -> Result<bool> {
        self.timed("remove_project", self.store.remove_project(id))
            .await
    }

    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        self.timed("rotate", self.store.rotate(project, rotation))
            .await
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool> {
        self.timed(
            "note_conversation",
            self.store
                .note_conversation(project, conversation, spoke, transcript_path),
        )
        .await
    }

    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added> {
        self.timed("add_milestone", self.store.add_milestone(milestone))
            .await
    }

    async fn milestone(&self, id: Id) -> Result<Option<Milestone>> {
        self.timed("milestone", self.store.milestone(id)).await
    }

    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>> {
        self.timed("milestones", self.store.milestones(project, status, page))
            .await
    }

    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>> {
        self.timed(
            "advance_milestone",
            self.store.advance_milestone(id, from, to, moved),
        )
        .await
    }

    async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed> {
        self.timed("remove_milestone", self.store.remove_milestone(id, at))
            .await
    }

    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let queued = self.timed("queue", self.store.queue(delivery)).await?;
        if matches!(queued, Queued::New(_)) {
            self.counted(DeliveryState::Queued);
        }
        Ok(queued)
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.timed("delivery", self.store.delivery(id)).await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.timed("deliveries", self.store.deliveries(project, page))
            .await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.timed("open_deliveries", self.store.open_deliveries(project))
            .await
    }

    async fn next_delivery(&self, project: Id) -> Result<Option<Delivery>> {
        self.timed("next_delivery", self.store.next_delivery(project))
            .await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        self.timed(
            "projects_with_open_deliveries",
            self.store.projects_with_open_deliveries(),
        )
        .await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        self.timed("restore_delivery", self.store.restore_delivery(delivery))
            .await
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let stepped = self.timed("step", self.store.step(step)).await?;
        if let Some(delivery) = &stepped {
            self.stepped(delivery);
        }
        Ok(stepped)
    }

    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.timed("lease", self.store.lease(project)).await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        self.timed("swap_lease", self.store.swap_lease(project, old, new))
            .await
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;
    use wxcode_store::{
        conformance::{Records, sample},
        sqlite::SqliteStore,
    };

    use super::*;

    struct Place {
        dir: TempDir,
        metrics: Metrics,
    }

    #[async_trait]
    impl Records for Place {
        async fn open(&self) -> Arc<dyn Store> {
            let store = SqliteStore::open(&self.dir.path().join("wxcode.db")).unwrap();
            Arc::new(Measured::new(Arc::new(store), self.metrics.clone()))
        }
    }

    async fn fresh() -> Option<Place> {
        Some(Place {
            dir: tempfile::tempdir().unwrap(),
            metrics: Metrics::default(),
        })
    }

    /// It behaves like any other store.
    mod conformance {
        wxcode_store::conformance_tests!(crate::metric::measured::tests::fresh);
    }

    #[tokio::test]
    async fn operations_failures_and_deliveries_are_counted() {
        let place = fresh().await.unwrap();
        let store = place.open().await;
        let project = sample::add_project(&*store).await;
        let mut taken = store.project(project).await.unwrap().unwrap();
        taken.id = sample::id();
        assert!(store.add_project(&taken).await.is_err());
        let first = sample::queue(&*store, &sample::text(project, "a")).await;
        let second = sample::queue(&*store, &sample::text(project, "b")).await;
        let written = sample::advance(&*store, &first, DeliveryState::Written).await;
        sample::advance(&*store, &written, DeliveryState::Submitted).await;
        sample::advance(&*store, &second, DeliveryState::Failed).await;
        let text = place.metrics.encode().unwrap();
        for line in [
            "wxcode_store_operation_seconds_count{operation=\"add_project\"} 2",
            "wxcode_store_errors_total{operation=\"add_project\",error=\"refused\"} 1",
            "wxcode_deliveries_total{state=\"queued\"} 2",
            "wxcode_deliveries_total{state=\"submitted\"} 1",
            "wxcode_deliveries_total{state=\"failed\"} 1",
            "wxcode_delivery_submit_seconds_count 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}

//! The store for the server's use. Every change goes through [`Repository`] and is published.
//!
//! - The server changes records through no other type.
//! - An event follows its change; the events of a record keep the order of the record's changes.
//! - After a crash between a change and its event, the next server publishes the missing event
//!   ([`Events::current`]).
//! - Each operation is measured here.

mod access;
mod changes;
mod conversation;
mod delivery;
mod follow;
mod late;
mod milestone;
mod node;
mod notice;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;
use wxcode_core::{
    event::Kind,
    id::Id,
    lease::Lease,
    milestone::Milestone,
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{Listing, Page, ProjectPatch, Result, Rotated, Rotation, Store, Swapped};

use crate::{event::Events, metric::Metrics, sync::lock};

/// Locks for records; records share them by chance.
const LOCKS: usize = 64;

/// The records of the server, and the events of their changes.
#[derive(Clone)]
pub(crate) struct Repository(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    events: Events,
    metrics: Metrics,
    changes: changes::Changes,
    in_progress: late::InProgress,
    /// The number of changes of projects here.
    project_changes: AtomicU64,
    /// The epochs of the leases that this server took.
    fences: std::sync::Mutex<HashMap<Id, u64>>,
    /// Held from a record's change to the change's event, so that a record's events keep their
    /// order. A delivery's lock is taken before a milestone's.
    deliveries: [Mutex<()>; LOCKS],
    milestones: [Mutex<()>; LOCKS],
    #[cfg(test)]
    before: Option<Before>,
}

/// For tests: an action before each operation, with the operation's name.
#[cfg(test)]
pub(crate) type Before =
    Box<dyn Fn(&'static str) -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>;

impl Repository {
    pub(crate) fn new(store: Arc<dyn Store>, events: Events, metrics: Metrics) -> Self {
        Self(Arc::new(Inner {
            store,
            events,
            metrics,
            changes: changes::Changes::default(),
            in_progress: late::InProgress::default(),
            project_changes: AtomicU64::new(0),
            fences: std::sync::Mutex::default(),
            deliveries: [const { Mutex::const_new(()) }; LOCKS],
            milestones: [const { Mutex::const_new(()) }; LOCKS],
            #[cfg(test)]
            before: None,
        }))
    }

    /// The same with an action before each operation, for example to fail or to wait.
    #[cfg(test)]
    pub(crate) fn with_hook(self, before: Before) -> Self {
        let inner = Arc::into_inner(self.0).expect("a fresh repository");
        let before = Some(before);
        Self(Arc::new(Inner { before, ..inner }))
    }

    /// Runs an operation of the store, measured.
    async fn run<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        #[cfg(test)]
        if let Some(before) = &self.0.before {
            before(operation).await;
        }
        let _in_progress = self.0.in_progress.begin(operation);
        self.0.metrics.timed(operation, work).await
    }

    /// The epoch for this server's changes of a project: the epoch of its latest lease.
    fn fence(&self, project: Id) -> Option<u64> {
        lock(&self.0.fences).get(&project).copied()
    }

    /// The epoch for this server's changes of a milestone's project.
    fn fence_of(&self, milestone: Option<&Milestone>) -> Option<u64> {
        self.fence(milestone?.output_project_id)
    }

    /// Sets the epoch of this server's lease on a project.
    pub(crate) fn set_fence(&self, project: Id, epoch: u64) {
        lock(&self.0.fences).insert(project, epoch);
    }

    /// Clears the epoch after the end of the lease, unless the server has a newer one.
    pub(crate) fn clear_fence(&self, project: Id, epoch: u64) {
        let mut fences = lock(&self.0.fences);
        if fences.get(&project) == Some(&epoch) {
            fences.remove(&project);
        }
    }

    /// Makes the followers of a project's events start again, because another node had the project.
    pub(crate) fn came_from_another_node(&self, project: Id) {
        self.0.events.feed(project).restart();
    }

    async fn publish(&self, project: Id, kind: Kind) {
        self.0.events.current(project).await.publish(kind);
    }

    // Changes with an event.

    pub(crate) async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotation = Rotation {
            fence: self.fence(project),
            ..rotation.clone()
        };
        let rotating = self.0.store.rotate(project, &rotation);
        let rotated = self.run("rotate", rotating).await?;
        if rotated == Rotated::Won {
            let feed = self.0.events.current(project).await;
            match self.project(project).await {
                Ok(Some(record)) => feed.publish_conversations(&record),
                Ok(None) => {}
                Err(error) => warn_unpublished(Err(error)),
            }
        }
        Ok(rotated)
    }

    /// Writes the current id of the history back over an earlier state, and publishes the reclaimed
    /// id.
    pub(crate) async fn reclaim_conversation(&self, project: Id) -> Result<()> {
        let reclaimed = self.0.store.reclaim_conversation(project);
        let Some(reclaimed) = self.run("reclaim_conversation", reclaimed).await? else {
            return Ok(());
        };
        tracing::warn!(
            %project,
            current = %reclaimed.current,
            found = reclaimed.found.map(tracing::field::display),
            "another program wrote an earlier state over the conversation's id; it is written back"
        );
        let kind = Kind::SessionReclaimed {
            claude_session_id: reclaimed.current,
            found: reclaimed.found,
        };
        self.publish(project, kind).await;
        Ok(())
    }

    pub(crate) async fn remove_project(&self, id: Id) -> Result<bool> {
        let removed = self
            .run("remove_project", self.0.store.remove_project(id))
            .await?;
        if removed {
            self.0.events.forget(id);
        }
        Ok(removed)
    }

    // Operations without an event.

    pub(crate) async fn ping(&self) -> Result<()> {
        self.run("ping", self.0.store.ping()).await
    }

    pub(crate) async fn add_project(&self, project: &OutputProject) -> Result<()> {
        self.run("add_project", self.0.store.add_project(project))
            .await
    }

    pub(crate) async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.run("project", self.0.store.project(id)).await
    }

    pub(crate) async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.run("projects", self.0.store.projects(page)).await
    }

    pub(crate) async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>> {
        self.run("metered_projects", self.0.store.metered_projects(limit))
            .await
    }

    pub(crate) async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        let patched = self.0.store.patch_project(id, patch, at);
        let patched = self.run("patch_project", patched).await;
        self.0.project_changes.fetch_add(1, Ordering::Relaxed);
        patched
    }

    /// The number of changes of projects by this server.
    pub(crate) fn project_changes(&self) -> u64 {
        self.0.project_changes.load(Ordering::Relaxed)
    }

    pub(crate) async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool> {
        self.run(
            "advance_project",
            self.0
                .store
                .advance_project(id, from, to, at, self.fence(id)),
        )
        .await
    }

    pub(crate) async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool> {
        self.run(
            "note_conversation",
            self.0.store.note_conversation(
                project,
                conversation,
                spoke,
                transcript_path,
                self.fence(project),
            ),
        )
        .await
    }

    pub(crate) async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.run("lease", self.0.store.lease(project)).await
    }

    pub(crate) async fn swap_lease(
        &self,
        project: Id,
        old: Option<&Lease>,
        new: &Lease,
    ) -> Result<Swapped> {
        self.run("swap_lease", self.0.store.swap_lease(project, old, new))
            .await
    }
}

fn of(locks: &[Mutex<()>; LOCKS], id: Id) -> &Mutex<()> {
    // The last byte ends a counter.
    &locks[usize::from(id.bytes()[11]) % LOCKS]
}

/// The change stands: the next start publishes an event whose record could not be read now.
fn warn_unpublished(published: Result<()>) {
    if let Err(error) = published {
        tracing::warn!(%error, "could not publish an event; the next start of the server publishes it");
    }
}

#[cfg(test)]
mod tests;

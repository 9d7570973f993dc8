//! The embedded store: an SQLite file in the data folder, readable by any SQLite tool.

mod access;
mod columns;
mod conversation;
mod delivery;
mod failure;
mod identity;
mod lease;
mod link;
mod milestone;
mod node;
mod notice;
mod project;
mod queue;
mod schema;
mod workers;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, LastUse},
    delivery::Delivery,
    excerpt::Excerpt,
    id::Id,
    lease::Lease,
    milestone::{Milestone, MilestoneStatus},
    notice::{Notice, Target},
    project::{OutputProject, ProjectStatus},
};

use self::{
    conversation::Copies,
    link::Link,
    workers::{Readers, Writer},
};
use crate::{
    AccessStore, Added, CopyFile, CopyStore, DeliveryStore, Edit, Edited, IdentityStore,
    LeaseStore, Listing, MilestoneStore, Moved, NewDelivery, Next, NextQuery, NoticeStore, Page,
    ProjectPatch, ProjectRecords, ProjectStore, Queued, Removed, Result, Rotated, Rotation, Step,
    Store, StoreError, Swapped,
};

/// The reason to refuse a file as the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder is unreachable.
    #[error("cannot open {}: {source}; check that the folder exists and that this user may write in it", path.display())]
    Io {
        path: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The file would be on a network file system, where its journal cannot work.
    #[error("{} is on {kind}, where an SQLite file gets damaged: choose a local folder, or use a shared store", path.display())]
    Network {
        path: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// A newer wxcode wrote the file.
    #[error(
        "{} has schema version {found}, this wxcode knows up to {known}: run the newer wxcode that wrote it, or restore an older copy",
        path.display()
    )]
    Newer {
        path: PathBuf,
        /// The file's version.
        found: i32,
        /// The newest version known to this build.
        known: i32,
    },
    /// The file belongs to another program.
    #[error("{} is a database of another program: choose another path", .0.display())]
    Foreign(PathBuf),
    /// The database engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The embedded store. Several processes may open the same file.
///
/// A full disk, a locked or an unwritable file is [`StoreError::Unavailable`]. The next operation
/// tries again, so no restart is needed once the cause is gone. Dropping the store finishes the
/// begun changes and closes the file.
pub struct SqliteStore {
    readers: Readers,
    nodes: node::Nodes,
    /// Dropped last: the last connection to close moves the journal into the file.
    writer: Writer,
    copies: Copies,
}

impl SqliteStore {
    /// Opens the file at `path`, with mode 0600; creates the file or brings it up to this version
    /// if needed.
    ///
    /// Blocks, for up to 5 seconds if another process has locked the file.
    ///
    /// # Errors
    /// The file cannot be read and written, belongs to another program or a newer version, or is on
    /// a network file system.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        // Later operations must reach the same file from any working folder.
        let path: Arc<Path> = std::path::absolute(path).map_err(io)?.into();
        let link = Link::create(Arc::clone(&path))?;
        let writer = Writer::start(Arc::clone(&path), link).map_err(io)?;
        Ok(Self {
            copies: Copies::beside(&path),
            writer,
            nodes: node::Nodes::default(),
            readers: Readers::new(path),
        })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<()> {
        // Takes the write lock: a read-only file is not available.
        self.writer
            .run(|tx| Ok(tx.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?))
            .await
    }

    async fn restore_projects(&self, all: Vec<ProjectRecords>) -> Result<()> {
        self.writer
            .run(move |tx| {
                for records in &all {
                    if project::get(tx, records.project.id)?.is_some() {
                        continue;
                    }
                    project::restore(tx, &records.project)?;
                    for milestone in &records.milestones {
                        milestone::add(tx, milestone)?;
                    }
                    for delivery in &records.deliveries {
                        delivery::restore(tx, delivery)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

#[async_trait]
impl ProjectStore for SqliteStore {
    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.writer.run(move |tx| project::add(tx, &project)).await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.writer
            .run(move |tx| project::restore(tx, &project))
            .await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.readers.run(move |tx| project::get(tx, id)).await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.readers.run(move |tx| project::list(tx, page)).await
    }

    async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>> {
        self.readers
            .run(move |tx| project::metered(tx, limit))
            .await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        let patch = patch.clone();
        self.writer
            .run(move |tx| project::patch(tx, id, &patch, at))
            .await
    }

    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.writer
            .run(move |tx| match lease::is_fenced(tx, id, fence)? {
                true => Ok(false),
                false => project::advance(tx, id, from, to, at),
            })
            .await
    }

    async fn remove_project(&self, id: Id) -> Result<bool> {
        self.writer.run(move |tx| project::remove(tx, id)).await
    }
}

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotation = rotation.clone();
        self.writer
            .run(move |tx| identity::rotate(tx, project, &rotation))
            .await
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.writer
            .run(move |tx| {
                if lease::is_fenced(tx, project, fence)? {
                    return Ok(false);
                }
                identity::note(tx, project, conversation, spoke, transcript_path.as_deref())
            })
            .await
    }
}

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

    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed> {
        self.writer
            .run(move |tx| milestone::remove(tx, id, at, fence))
            .await
    }
}

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let delivery = delivery.clone();
        self.writer
            .run(move |tx| delivery::queue(tx, &delivery))
            .await
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.readers.run(move |tx| delivery::get(tx, id)).await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.readers
            .run(move |tx| delivery::list(tx, project, page))
            .await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.readers
            .run(move |tx| delivery::open(tx, project))
            .await
    }

    async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next> {
        self.readers
            .run(move |tx| queue::next(tx, project, query))
            .await
    }

    async fn edit(&self, edit: &Edit) -> Result<Edited> {
        let edit = edit.clone();
        self.writer.run(move |tx| queue::edit(tx, &edit)).await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        self.readers.run(delivery::projects_with_open).await
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let step = step.clone();
        self.writer.run(move |tx| delivery::step(tx, &step)).await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        let delivery = delivery.clone();
        self.writer
            .run(move |tx| delivery::restore(tx, &delivery))
            .await
    }
}

#[async_trait]
impl LeaseStore for SqliteStore {
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.readers.run(move |tx| lease::get(tx, project)).await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        let (old, new) = (old.cloned(), new.clone());
        self.writer
            .run(move |tx| lease::swap(tx, project, old.as_ref(), &new))
            .await
    }
}

#[async_trait]
impl NoticeStore for SqliteStore {
    async fn add_target(&self, target: &Target) -> Result<bool> {
        let target = target.clone();
        self.writer
            .run(move |tx| notice::add_target(tx, &target))
            .await
    }

    async fn targets(&self) -> Result<Vec<Target>> {
        self.readers.run(notice::targets).await
    }

    async fn remove_target(&self, id: Id) -> Result<bool> {
        self.writer
            .run(move |tx| notice::remove_target(tx, id))
            .await
    }

    async fn add_notice(&self, notice: &Notice) -> Result<u64> {
        let notice = notice.clone();
        self.writer
            .run(move |tx| notice::add_notice(tx, &notice))
            .await
    }

    async fn claim_notices(
        &self,
        targets: &[Id],
        now: Timestamp,
        until: Timestamp,
        limit: u64,
    ) -> Result<Vec<Notice>> {
        let targets = targets.to_vec();
        self.writer
            .run(move |tx| notice::claim(tx, &targets, now, until, limit))
            .await
    }

    async fn remove_notice(&self, id: Id) -> Result<()> {
        self.writer
            .run(move |tx| notice::remove_notice(tx, id))
            .await
    }

    async fn delay_notice(&self, id: Id, attempts: u32, due_at: Timestamp) -> Result<()> {
        self.writer
            .run(move |tx| notice::delay(tx, id, attempts, due_at))
            .await
    }
}

#[async_trait]
impl AccessStore for SqliteStore {
    async fn add_credential(&self, credential: &Credential) -> Result<bool> {
        let credential = credential.clone();
        self.writer
            .run(move |tx| access::add(tx, &credential))
            .await
    }

    async fn credential(&self, id: Id) -> Result<Option<Credential>> {
        self.readers.run(move |tx| access::get(tx, id)).await
    }

    async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        self.readers
            .run(move |tx| access::list(tx, kind, project))
            .await
    }

    async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let last_use = last_use.clone();
        self.writer
            .run(move |tx| access::note_use(tx, id, &last_use, expires_at))
            .await
    }

    async fn remove_credential(&self, id: Id) -> Result<bool> {
        self.writer.run(move |tx| access::remove(tx, id)).await
    }

    async fn remove_expired(&self, before: Timestamp) -> Result<u64> {
        self.writer
            .run(move |tx| access::remove_expired(tx, before))
            .await
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.writer
            .run(move |tx| access::add_audit(tx, &entry))
            .await
    }

    async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.readers
            .run(move |tx| access::audit(tx, before, limit))
            .await
    }
}

impl SqliteStore {
    /// Keeps the copies of conversations in another folder than the file's.
    #[must_use]
    pub fn with_copies_in(mut self, folder: &Path) -> Self {
        self.copies = Copies::within(folder);
        self
    }

    /// Works with the files of the copies on a thread of its own.
    async fn with_copies<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Copies) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let copies = self.copies.clone();
        let working = tokio::task::spawn_blocking(move || work(&copies));
        working.await.map_err(|error| {
            StoreError::Unavailable(format!("the operation was interrupted ({error})"))
        })?
    }
}

#[async_trait]
impl CopyStore for SqliteStore {
    async fn copies(&self, project: Id) -> Result<Vec<CopyFile>> {
        self.with_copies(move |copies| copies.list(project)).await
    }

    async fn read_copy(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>> {
        let file = file.clone();
        self.with_copies(move |copies| copies.read(project, &file, offset))
            .await
    }

    async fn stage_copy(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()> {
        let (file, bytes) = (file.clone(), bytes.to_vec());
        self.with_copies(move |copies| copies.stage(project, &file, &bytes))
            .await
    }

    async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let (old, new) = (old.cloned(), new.clone());
        self.with_copies(move |copies| copies.publish(project, old.as_ref(), &new))
            .await
    }

    async fn remove_copies(&self, project: Id) -> Result<()> {
        self.with_copies(move |copies| copies.remove(project)).await
    }
}

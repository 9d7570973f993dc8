//! The shared store: projects in a MongoDB database, possibly shared with a first implementation.
//!
//! `docs/mongodb.md` describes the documents and the changes of several documents. In short: a
//! change of a single document is a conditional update. A change of several documents is first
//! written, whole, into the project's document (module `change`), and any process that finds the
//! change completes it.

// These macros panic if standard output is closed.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

mod access;
mod address;
mod attempt;
mod change;
mod conversation;
mod delivery;
mod failure;
mod fields;
mod identity;
mod index;
mod lease;
mod milestone;
mod node;
mod notice;
mod project;
mod records;
mod repair;
mod restore;
mod settings;
mod upkeep;
mod workspace;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
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
    node::NodeRecord,
    notice::{Notice, Target},
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{
    AccessStore, Added, CopyFile, CopyStore, DeliveryStore, Edit, Edited, IdentityStore,
    LeaseStore, Listing, MilestoneStore, Moved, NODE_KEY, NewDelivery, Next, NextQuery, NodeStore,
    NoticeStore, Page, ProjectPatch, ProjectRecords, ProjectStore, Queued, Reclaimed, Removed,
    Result, Rotated, Rotation, Step, Store, StoreError, Swapped,
};

pub use address::{Address, AddressError};
pub use index::Duplicates;

use attempt::Attempt;
use failure::Failure;
use records::Records;
use upkeep::Upkeep;

/// Longest time to retry an operation on an unreachable database: enough for an election.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Longest request of the first try, the price of a lost answer. The time doubles with each try,
/// for a slow database.
const ANSWER_FIRST: Duration = Duration::from_secs(2);
/// Longest request of the last try.
const ANSWER_LAST: Duration = Duration::from_secs(8);
/// First pause between two tries; the pause doubles with each try.
const PAUSE_FIRST: Duration = Duration::from_millis(20);
/// Longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Longest wait for the answer to a ping.
const PING_MAX: Duration = Duration::from_secs(3);

/// The reason to refuse a database as the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is invalid.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Two documents share a value that must be unique.
    #[error(transparent)]
    Duplicates(#[from] Duplicates),
    /// The database is unreachable, refuses the user, or fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The shared store. Any number of processes, on any number of machines, may open the same
/// database.
///
/// An unreachable database is [`StoreError::Unavailable`], after [`PATIENCE`]; the driver
/// reconnects by itself. If an answer is lost, the operation looks up its own effect and answers
/// accordingly, as long as the database returns within [`PATIENCE`].
pub struct MongoStore {
    records: Arc<Records>,
    upkeep: Arc<Upkeep>,
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MongoStore({})", self.records.address)
    }
}

impl MongoStore {
    /// Connects, makes the missing indexes, and completes the unfinished changes of other
    /// processes.
    ///
    /// # Errors
    /// The database is unreachable for a few seconds, refuses the user, or holds duplicates of a
    /// unique value.
    pub async fn open(address: &Address) -> Result<Self, OpenError> {
        let failed = |failure: Failure| OpenError::Store(failure.about(address));
        let records = Records::connect(address).await.map_err(failed)?;
        records.reach().await.map_err(failed)?;
        index::make(&records).await?;
        repair::all(&records).await.map_err(failed)?;
        Ok(Self {
            records: Arc::new(records),
            upkeep: Arc::default(),
        })
    }

    /// Runs `operation` until the operation's answer, or for [`PATIENCE`] without a database. The
    /// operation continues after the caller stops waiting.
    async fn run<T, F>(
        &self,
        operation: impl Fn(Arc<Records>, Attempt) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let records = Arc::clone(&self.records);
        let running = tokio::spawn(async move {
            let begun = Instant::now();
            let mut attempt = Attempt::first();
            let (mut pause, mut answer_max) = (PAUSE_FIRST, ANSWER_FIRST);
            let mut is_mended = false;
            loop {
                let within = Arc::new(records.within(answer_max));
                match operation(within, attempt).await {
                    Err(failure) if failure.passes() && begun.elapsed() < PATIENCE => {
                        attempt.is_again = true;
                        tokio::time::sleep(pause).await;
                        pause = PAUSE_MAX.min(pause * 2);
                        answer_max = ANSWER_LAST.min(answer_max * 2);
                    }
                    Err(failure) if failure.is_in_the_way() && !is_mended => {
                        is_mended = true;
                        if let Err(failure) = repair::nulls(&records).await {
                            return Err(failure.about(&records.address));
                        }
                    }
                    answer => return answer.map_err(|failure| failure.about(&records.address)),
                }
            }
        });
        running.await.map_err(|error| {
            StoreError::Unavailable(format!("the operation was interrupted ({error})"))
        })?
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn ping(&self) -> Result<()> {
        match tokio::time::timeout(PING_MAX, self.records.reach()).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Late),
        }
        .map_err(|failure| failure.about(&self.records.address))
    }

    async fn restore_projects(&self, all: Vec<ProjectRecords>) -> Result<()> {
        let all = Arc::new(all);
        self.run(move |records, attempt| {
            let all = Arc::clone(&all);
            async move { restore::projects(&records, &all, attempt).await }
        })
        .await
    }
}

#[async_trait]
impl ProjectStore for MongoStore {
    async fn add_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.run(move |records, attempt| {
            let project = project.clone();
            async move { project::add(&records, &project, attempt).await }
        })
        .await
    }

    async fn restore_project(&self, project: &OutputProject) -> Result<()> {
        let project = project.clone();
        self.run(move |records, again| {
            let project = project.clone();
            async move { workspace::restore(&records, &project, again).await }
        })
        .await
    }

    async fn project(&self, id: Id) -> Result<Option<OutputProject>> {
        self.run(move |records, _| async move { project::get(&records, id).await })
            .await
    }

    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>> {
        self.run(move |records, _| async move { project::list(&records, page).await })
            .await
    }

    async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>> {
        self.run(move |records, _| async move { project::metered(&records, limit).await })
            .await
    }

    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>> {
        let patch = patch.clone();
        self.run(move |records, _| {
            let patch = patch.clone();
            async move { project::patch(&records, id, &patch, at).await }
        })
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
        self.run(move |records, attempt| async move {
            project::advance(&records, id, (from, to), (at, fence), attempt.is_again).await
        })
        .await
    }

    async fn remove_project(&self, id: Id) -> Result<bool> {
        // Whether any try found the record: the answer of the removing try may be lost.
        let seen = Arc::new(AtomicBool::new(false));
        self.run(move |records, _| {
            let seen = Arc::clone(&seen);
            async move {
                access::remove_of(&records, id).await?;
                project::remove(&records, id, &seen).await
            }
        })
        .await
    }
}

#[async_trait]
impl IdentityStore for MongoStore {
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated> {
        let rotation = rotation.clone();
        self.run(move |records, attempt| {
            let rotation = rotation.clone();
            async move { identity::rotate(&records, project, &rotation, attempt.is_again).await }
        })
        .await
    }

    async fn reclaim_conversation(&self, project: Id) -> Result<Option<Reclaimed>> {
        self.run(move |records, _| async move { identity::reclaim(&records, project).await })
            .await
    }

    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<std::path::PathBuf>,
        fence: Option<u64>,
    ) -> Result<bool> {
        self.run(move |records, _| {
            let path = transcript_path.clone();
            async move {
                let note = (conversation, spoke, path.as_deref());
                identity::note(&records, project, note, fence).await
            }
        })
        .await
    }
}

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

    async fn remove_milestone(&self, id: Id, at: Timestamp, fence: Option<u64>) -> Result<Removed> {
        self.run(move |records, attempt| async move {
            milestone::remove(&records, id, (at, fence), attempt).await
        })
        .await
    }
}

#[async_trait]
impl DeliveryStore for MongoStore {
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued> {
        let delivery = delivery.clone();
        self.run(move |records, attempt| {
            let delivery = delivery.clone();
            async move { delivery::queue(&records, &delivery, attempt).await }
        })
        .await
    }

    async fn delivery(&self, id: Id) -> Result<Option<Delivery>> {
        self.run(move |records, _| async move { delivery::get(&records, id).await })
            .await
    }

    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>> {
        self.run(move |records, _| async move { delivery::list(&records, project, page).await })
            .await
    }

    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>> {
        self.run(move |records, _| async move { delivery::open(&records, project).await })
            .await
    }

    async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next> {
        self.run(
            move |records, _| async move { delivery::queue::next(&records, project, query).await },
        )
        .await
    }

    async fn edit(&self, edit: &Edit) -> Result<Edited> {
        let edit = edit.clone();
        self.run(move |records, attempt| {
            let edit = edit.clone();
            async move { delivery::queue::edit(&records, &edit, attempt).await }
        })
        .await
    }

    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>> {
        let upkeep = Arc::clone(&self.upkeep);
        self.run(move |records, _| {
            let upkeep = Arc::clone(&upkeep);
            async move {
                upkeep.look(&records).await?;
                delivery::projects_with_open(&records).await
            }
        })
        .await
    }

    async fn step(&self, step: &Step) -> Result<Option<Delivery>> {
        let step = step.clone();
        self.run(move |records, attempt| {
            let step = step.clone();
            async move { delivery::step(&records, &step, attempt).await }
        })
        .await
    }

    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool> {
        let delivery = delivery.clone();
        self.run(move |records, attempt| {
            let delivery = delivery.clone();
            async move { delivery::restore(&records, &delivery, attempt).await }
        })
        .await
    }
}

#[async_trait]
impl LeaseStore for MongoStore {
    async fn lease(&self, project: Id) -> Result<Option<Lease>> {
        self.run(move |records, _| async move { lease::get(&records, project).await })
            .await
    }

    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped> {
        let (old, new) = (old.cloned(), new.clone());
        self.run(move |records, attempt| {
            let (old, new) = (old.clone(), new.clone());
            async move { lease::swap(&records, project, old.as_ref(), &new, attempt.is_again).await }
        })
        .await
    }
}

#[async_trait]
impl NoticeStore for MongoStore {
    async fn add_target(&self, target: &Target) -> Result<bool> {
        let target = target.clone();
        self.run(move |records, _| {
            let target = target.clone();
            async move { notice::add_target(&records, &target).await }
        })
        .await
    }

    async fn targets(&self) -> Result<Vec<Target>> {
        self.run(move |records, _| async move { notice::targets(&records).await })
            .await
    }

    async fn remove_target(&self, id: Id) -> Result<bool> {
        self.run(move |records, attempt| async move {
            notice::remove_target(&records, id, attempt.is_again).await
        })
        .await
    }

    async fn add_notice(&self, notice: &Notice) -> Result<u64> {
        let notice = notice.clone();
        self.run(move |records, _| {
            let notice = notice.clone();
            async move { notice::add_notice(&records, &notice).await }
        })
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
        self.run(move |records, _| {
            let targets = targets.clone();
            async move { notice::claim(&records, &targets, now, until, limit).await }
        })
        .await
    }

    async fn remove_notice(&self, id: Id) -> Result<()> {
        self.run(move |records, _| async move { notice::remove_notice(&records, id).await })
            .await
    }

    async fn delay_notice(&self, id: Id, attempts: u32, due_at: Timestamp) -> Result<()> {
        self.run(
            move |records, _| async move { notice::delay(&records, id, attempts, due_at).await },
        )
        .await
    }
}

#[async_trait]
impl NodeStore for MongoStore {
    async fn put_node(&self, node: &NodeRecord) -> Result<()> {
        let node = node.clone();
        self.run(move |records, _| {
            let node = node.clone();
            async move { node::put(&records, &node).await }
        })
        .await
    }

    async fn nodes(&self) -> Result<Vec<NodeRecord>> {
        self.run(move |records, _| async move { node::all(&records).await })
            .await
    }

    async fn remove_node(&self, id: Uuid, beat: u64) -> Result<bool> {
        self.run(move |records, _| async move { node::remove(&records, id, beat).await })
            .await
    }

    async fn node_key(&self, proposed: [u8; NODE_KEY]) -> Result<[u8; NODE_KEY]> {
        self.run(move |records, _| async move { node::key(&records, proposed).await })
            .await
    }

    async fn held_leases(&self, of: Option<Vec<Uuid>>) -> Result<Vec<(Id, Lease)>> {
        self.run(move |records, _| {
            let of = of.clone();
            async move { node::held(&records, of).await }
        })
        .await
    }
}

#[async_trait]
impl AccessStore for MongoStore {
    async fn add_credential(&self, credential: &Credential) -> Result<bool> {
        let credential = credential.clone();
        self.run(move |records, _| {
            let credential = credential.clone();
            async move { access::add(&records, &credential).await }
        })
        .await
    }

    async fn credential(&self, id: Id) -> Result<Option<Credential>> {
        self.run(move |records, _| async move { access::get(&records, id).await })
            .await
    }

    async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        self.run(move |records, _| async move { access::list(&records, kind, project).await })
            .await
    }

    async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let last_use = last_use.clone();
        self.run(move |records, _| {
            let last_use = last_use.clone();
            async move { access::note_use(&records, id, &last_use, expires_at).await }
        })
        .await
    }

    async fn remove_credential(&self, id: Id) -> Result<bool> {
        self.run(move |records, attempt| async move {
            access::remove(&records, id, attempt.is_again).await
        })
        .await
    }

    async fn remove_expired(&self, before: Timestamp) -> Result<u64> {
        self.run(move |records, _| async move { access::remove_expired(&records, before).await })
            .await
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.run(move |records, _| {
            let entry = entry.clone();
            async move { access::add_audit(&records, &entry).await }
        })
        .await
    }

    async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.run(move |records, _| async move { access::audit(&records, before, limit).await })
            .await
    }
}

#[async_trait]
impl CopyStore for MongoStore {
    async fn copies(&self, project: Id) -> Result<Vec<CopyFile>> {
        self.run(move |records, _| async move { conversation::list(&records, project).await })
            .await
    }

    async fn read_copy(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>> {
        let file = file.clone();
        self.run(move |records, _| {
            let file = file.clone();
            async move { conversation::read_from(&records, project, &file, offset).await }
        })
        .await
    }

    async fn stage_copy(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()> {
        file.check()?;
        let (file, bytes) = (file.clone(), Arc::<[u8]>::from(bytes));
        self.run(move |records, _| {
            let (file, bytes) = (file.clone(), Arc::clone(&bytes));
            async move { conversation::stage(&records, project, &file, &bytes).await }
        })
        .await
    }

    async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let (old, new) = (old.cloned(), new.clone());
        self.run(move |records, _| {
            let (old, new) = (old.clone(), new.clone());
            async move { conversation::publish(&records, project, old.as_ref(), &new).await }
        })
        .await
    }

    async fn remove_copies(&self, project: Id) -> Result<()> {
        self.run(move |records, _| async move { conversation::remove(&records, project).await })
            .await
    }
}

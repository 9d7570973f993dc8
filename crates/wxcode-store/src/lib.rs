//! The `Store` trait, which every promise about records is made by, and its embedded form.
//!
//! Every change that a promise depends on is one conditional operation whose answer says who won.
//! The conformance suite (module `conformance`, behind the feature of that name) is written against the trait alone.

// They panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod copy;
pub mod kept;
pub mod sqlite;

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    delivery::{Delivery, DeliveryState, Route},
    excerpt::Excerpt,
    id::Id,
    identity::Source,
    lease::Lease,
    milestone::{Milestone, MilestoneStatus, MovedBy},
    project::{HookCursor, OutputProject, ProjectStatus},
    time::to_millis,
};

/// Largest page of a listing, in records.
pub const PAGE_MAX: u64 = 1000;

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or refuses to write. Nothing was changed; or, where a shared store did it and its answer
    /// was lost for good, all of it: asking again is safe.
    #[error("the store is not available: {0}; the agents keep running, try again when it is back")]
    Unavailable(String),
    /// A record or the schema is not what this version understands.
    #[error(
        "the store holds something this version does not understand: {0}; check that no newer wxcode wrote it"
    )]
    Corrupt(String),
    /// Another project has the workspace folder; nothing was changed.
    #[error(
        "the workspace folder belongs to the output project {name} ({project}): choose another folder, or \
         work in that project"
    )]
    WorkspaceTaken {
        /// That project.
        project: Id,
        /// Its name.
        name: String,
    },
    /// The record cannot be kept, whoever asks and whenever: an id that is taken, a path that is no text; nothing
    /// was changed.
    #[error("the store refuses the record: {0}")]
    Refused(String),
}

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A part of a listing, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Records to leave out at the beginning.
    pub skip: u64,
    /// Records at most; [`PAGE_MAX`] is the largest that is honoured.
    pub limit: u64,
}

/// A page of records and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The page.
    pub items: Vec<T>,
    /// How many there are without paging.
    pub total: u64,
}

/// What a user may change of an output project; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new workspace folder, by its canonical path.
    pub workspace_path: Option<PathBuf>,
    /// A new stack; `Some(None)` removes it.
    pub stack_id: Option<Option<String>>,
    /// A new configuration; `Some(None)` removes it.
    pub configuration_id: Option<Option<String>>,
}

/// A change of the current conversation id, from one that is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The id that must be the current one; `None`: there must be none yet.
    pub old: Option<Uuid>,
    /// The id that becomes the current one.
    pub new: Uuid,
    /// How it came.
    pub source: Source,
    /// Why the old one was left.
    pub reason: String,
    /// Where the new one is written, if known.
    pub transcript_path: Option<PathBuf>,
    /// The hook that told; a rotation at or behind the project's cursor changes nothing.
    pub cursor: Option<HookCursor>,
    /// When.
    pub at: Timestamp,
}

/// The answer of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// This call changed it.
    Won,
    /// The current id was another one, which is named, or the hook was already accounted for; nothing changed.
    Lost(Option<Uuid>),
    /// There is no such project.
    NoProject,
}

/// How a milestone comes from one status to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Who moves it.
    pub by: MovedBy,
    /// Why, if that was said.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The answer of adding a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// Added.
    Added,
    /// The project has a milestone for this element already.
    DuplicateElement,
    /// There is no such project.
    NoProject,
}

/// The answer of removing a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// Removed, and its queued delivery failed.
    Removed,
    /// It is not pending, or its command is already on the way (`written` or further); nothing changed.
    NotPending(MilestoneStatus),
    /// There is no such milestone.
    Missing,
}

/// A delivery to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The id it gets if it is new.
    pub id: Id,
    /// The project whose session it goes to.
    pub output_project_id: Id,
    /// What is typed.
    pub command: Command,
    /// The caller's key.
    pub idempotency_key: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl NewDelivery {
    /// The delivery as every store queues it, with the text that its command came to.
    #[must_use]
    pub fn queued(&self, milestone_id: Option<Id>, text: &str) -> Delivery {
        let at = to_millis(self.at);
        Delivery {
            id: self.id,
            output_project_id: self.output_project_id,
            milestone_id,
            text: text.to_owned(),
            state: DeliveryState::Queued,
            attempts: 0,
            error: None,
            idempotency_key: self.idempotency_key.clone(),
            session_id: None,
            route: Route::Typed,
            after_seq: None,
            version: 0,
            created_at: at,
            updated_at: at,
        }
    }
}

impl NewDelivery {
    /// Whether `delivery` is the one that this queued, whatever became of it since.
    #[must_use]
    pub fn is_of(&self, delivery: &Delivery) -> bool {
        let types_it = match &self.command {
            Command::Text(text) => delivery.milestone_id.is_none() && delivery.text == *text,
            Command::Milestone {
                id,
                new_project,
                new_milestone,
            } => {
                let text = &delivery.text;
                delivery.milestone_id == Some(*id) && (text == new_project || text == new_milestone)
            }
        };
        types_it
            && delivery.id == self.id
            && delivery.output_project_id == self.output_project_id
            && delivery.idempotency_key == self.idempotency_key
            && delivery.created_at == to_millis(self.at)
    }
}

/// What a delivery types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Any text.
    Text(String),
    /// The command of a milestone. The store picks `new_project` when no delivery of the project holds
    /// [`OutputProject::new_project_delivery`], and makes this delivery the holder, in one step.
    Milestone {
        /// The milestone.
        id: Id,
        /// The text if it is the project's first milestone.
        new_project: String,
        /// The text if it is a later one.
        new_milestone: String,
    },
}

/// The answer of queueing a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    /// A new one.
    New(Delivery),
    /// The one that the idempotency key or the milestone already has.
    Existing(Delivery),
    /// The milestone is not `pending`, and has no delivery to repeat.
    NotPending(MilestoneStatus),
    /// The project has [`QUEUE_MAX`] deliveries that are not over.
    Full,
    /// There is no such project or milestone.
    Missing,
}

impl Queued {
    /// The answer, if the command of a milestone with this status and earlier delivery is not to be queued now.
    #[must_use]
    pub fn instead(status: MilestoneStatus, earlier: Option<Delivery>) -> Option<Self> {
        let pending = status == MilestoneStatus::Pending;
        match earlier {
            Some(earlier) if pending && earlier.state == DeliveryState::Failed => None,
            Some(earlier) => Some(Self::Existing(earlier)),
            None if pending => None,
            None => Some(Self::NotPending(status)),
        }
    }
}

/// Most deliveries of one project that are not over.
pub const QUEUE_MAX: u64 = 1000;

/// A change of a delivery, made only if its version is still `version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The delivery.
    pub id: Id,
    /// The version it must have.
    pub version: u64,
    /// Its next state.
    pub state: DeliveryState,
    /// Its attempts from now on.
    pub attempts: u32,
    /// Its error from now on.
    pub error: Option<String>,
    /// The session it is given to from now on.
    pub session_id: Option<Id>,
    /// How it gets there.
    pub route: Route,
    /// The hook number after which reports count, see [`Delivery::after_seq`].
    pub after_seq: Option<u64>,
    /// When.
    pub at: Timestamp,
}

/// The answer of replacing a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// This call replaced it.
    Won,
    /// It was another one, which is told; nothing changed.
    Lost(Option<Lease>),
    /// There is no such project.
    NoProject,
}

/// Where the records are kept. All operations are atomic, and durable when they return `Ok`; an operation whose caller
/// stops waiting may still happen, wholly.
///
/// Times are kept to the millisecond, see [`wxcode_core::time::to_millis`]. `updated_at` follows what people and the
/// workflow change; the book-keeping of conversations and deliveries in projects and milestones leaves it.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;

    /// Adds a project, which takes its workspace folder: the path, which must be the canonical one, is compared
    /// byte by byte. [`StoreError::WorkspaceTaken`] if another project has it; one of the first implementation
    /// has its folder too, and may share it with others of that one. The same project again, which a caller
    /// without an answer may ask for, is added already; another one with its id is [`StoreError::Refused`].
    async fn add_project(&self, project: &OutputProject) -> Result<()>;
    /// Adds a project of another store as it is. It takes its workspace folder if no other project has it, and
    /// shares it otherwise.
    async fn restore_project(&self, project: &OutputProject) -> Result<()>;
    /// One project.
    async fn project(&self, id: Id) -> Result<Option<OutputProject>>;
    /// Projects in the order of creation.
    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>>;
    /// Changes what the patch names and `updated_at`; the project afterwards. With another workspace folder the
    /// project gives its own back and takes that one, as by [`Store::add_project`].
    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>>;
    /// Moves the status from `from` to `to` if it is `from`; whether this call did.
    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool>;
    /// Removes a project with its milestones and deliveries; whether it was there.
    async fn remove_project(&self, id: Id) -> Result<bool>;

    /// Changes the current conversation id by compare-and-set and appends to the history, see
    /// [`wxcode_core::identity::rotated`]. `updated_at` stays.
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated>;
    /// Notes on the latest history entry of `conversation` that a message was submitted in it, and its
    /// transcript path where given; whether there is such an entry.
    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool>;

    /// Adds a milestone. The same again is added already; another one with its id is [`StoreError::Refused`].
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added>;
    /// One milestone.
    async fn milestone(&self, id: Id) -> Result<Option<Milestone>>;
    /// Milestones of a project, in the order of creation, with the beginnings of their contexts.
    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>>;
    /// Moves a milestone from `from` to `to` by compare-and-set, with `status_by` and `status_reason` as `moved` says
    /// (a reason that it does not give is cleared), with `updated_at`, and `completed_at` when `to`
    /// is `completed` (cleared otherwise). Moving to `pending` forgets its delivery, so that it can be started anew,
    /// unless that one is still on its way (`written`): then it is this one that starts it, and no second one.
    /// Moving `pending → failed` fails its queued delivery with the error `the milestone was given up`.
    /// The milestone afterwards; `None` if it was not in `from` or is not there.
    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>>;
    /// Removes a pending milestone, and fails its delivery, if `queued`, with the error `the milestone was deleted`.
    async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed>;

    /// Queues a delivery, once per idempotency key and once per milestone. A milestone whose earlier delivery
    /// failed while it is still `pending` gets a new one. The same again, by its id, is [`Queued::New`] as it is by then;
    /// another one with its id is [`StoreError::Refused`].
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued>;
    /// One delivery.
    async fn delivery(&self, id: Id) -> Result<Option<Delivery>>;
    /// Deliveries of a project, in the order of queueing, with the beginnings of their texts.
    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>>;
    /// The deliveries of a project that are not over, in the order of queueing, with the beginnings of their
    /// texts.
    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>>;
    /// The first delivery of a project that is not over, whole.
    async fn next_delivery(&self, project: Id) -> Result<Option<Delivery>>;
    /// Every project that has a delivery that is not over.
    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>>;
    /// Changes a delivery by compare-and-set on its version. In the same step: `submitted` moves its milestone
    /// from `pending` to `in_progress` ([`MovedBy::Delivery`], with [`wxcode_core::milestone::SUBMITTED`] as the reason)
    /// and the project from `created` to `initialized` (if it has a milestone);
    /// `failed` gives [`OutputProject::new_project_delivery`] back if this delivery holds it, and notes
    /// [`MovedBy::Delivery`] and the step's error on its milestone, if that is `pending` and this is its delivery
    /// (`updated_at` stays).
    /// The delivery afterwards; `None` if the version was another one, or the delivery is over: that never changes again.
    async fn step(&self, step: &Step) -> Result<Option<Delivery>>;
    /// Adds a delivery of another store as it is, behind those that its project has, whatever their number; its milestone
    /// and its project stay as they are. The same again is added already. Whether the project is there.
    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool>;

    /// A project's lease, if it ever had one, and is there.
    async fn lease(&self, project: Id) -> Result<Option<Lease>>;
    /// Takes, renews or gives back a project's lease: puts `new` in place of `old`, if that is what is recorded by its epoch
    /// and its beat ([`Lease::is_same`]); `None`: nothing is. What `new` is to be, [`wxcode_core::lease`] says; it must not be
    /// the same as `old`. Nothing else of the project changes.
    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped>;
}

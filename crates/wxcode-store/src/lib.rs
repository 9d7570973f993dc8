//! The `Store` trait, its promises, and its embedded form.
//!
//! A change behind a promise is one conditional operation, and the answer names the winner. The
//! conformance suite (module `conformance`, behind the feature of that name) knows the trait alone.

// These macros panic if standard output is closed.
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

/// The reason of a failed operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is unreachable or refuses to write. Nothing was changed; or, if the answer of a
    /// shared store was lost for good, everything. Repeating the operation is safe.
    #[error("the store is not available: {0}; the agents keep running, try again when it is back")]
    Unavailable(String),
    /// A record or the schema is unknown to this version.
    #[error(
        "the store holds a record unknown to this version: {0}; check that no newer wxcode wrote it"
    )]
    Corrupt(String),
    /// Another project has the workspace folder; nothing was changed.
    #[error(
        "the workspace folder belongs to the output project {name} ({project}): choose another folder, or \
         work in that project"
    )]
    WorkspaceTaken {
        /// The other project.
        project: Id,
        name: String,
    },
    /// The store can never keep the record: its id is taken, or its path is no text. Nothing was
    /// changed.
    #[error("the store refuses the record: {0}")]
    Refused(String),
}

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A part of a listing, in the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The number of records to skip.
    pub skip: u64,
    /// Most records to return; above [`PAGE_MAX`], that many.
    pub limit: u64,
}

/// A page of records and the number of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    pub items: Vec<T>,
    /// The number of records without paging.
    pub total: u64,
}

/// A user's change of an output project; `None` keeps a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectPatch {
    pub name: Option<String>,
    /// The canonical path of the new workspace folder.
    pub workspace_path: Option<PathBuf>,
    /// `Some(None)` removes the stack.
    pub stack_id: Option<Option<String>>,
    /// `Some(None)` removes the configuration.
    pub configuration_id: Option<Option<String>>,
}

/// A change of the current claude session id, by compare-and-set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The expected current id; `None` expects none.
    pub old: Option<Uuid>,
    /// The new current id.
    pub new: Uuid,
    /// The origin of the new id.
    pub source: Source,
    /// The reason to leave the old conversation.
    pub reason: String,
    /// The transcript of the new conversation, if known.
    pub transcript_path: Option<PathBuf>,
    /// The reporting hook; a rotation at or before the project's cursor changes nothing.
    pub cursor: Option<HookCursor>,
    pub at: Timestamp,
}

/// The answer to a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotated {
    /// This call changed the id.
    Won,
    /// The current id was another one, named here, or the hook was already counted; nothing
    /// changed.
    Lost(Option<Uuid>),
    /// The project does not exist.
    NoProject,
}

/// The circumstances of a milestone's move to another status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub by: MovedBy,
    /// The reason, if one was given.
    pub reason: Option<String>,
    pub at: Timestamp,
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
    /// The milestone is not pending, or its command is on the way (`written` or later); nothing
    /// changed.
    NotPending(MilestoneStatus),
    /// The milestone does not exist.
    Missing,
}

/// A delivery to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The id of a new delivery.
    pub id: Id,
    /// The project with the receiving session.
    pub output_project_id: Id,
    /// The text to type.
    pub command: Command,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    pub at: Timestamp,
}

impl NewDelivery {
    /// Returns the queued delivery, the same in every store, with the text of its command.
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
    /// Whether `delivery` came from this request, in any later state.
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

/// The content of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Any text.
    Text(String),
    /// The command of a milestone. The store takes `new_project` if no delivery holds
    /// [`OutputProject::new_project_delivery`], and makes this one the holder in the same step.
    Milestone {
        /// The milestone.
        id: Id,
        /// The text for the project's first milestone.
        new_project: String,
        /// The text for a later milestone.
        new_milestone: String,
    },
}

/// The answer to queueing a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Queued {
    /// A new delivery.
    New(Delivery),
    /// The existing delivery of the idempotency key or the milestone.
    Existing(Delivery),
    /// The milestone is not `pending`, and has no delivery to return.
    NotPending(MilestoneStatus),
    /// The project has [`QUEUE_MAX`] open deliveries.
    Full,
    /// The project or milestone does not exist.
    Missing,
}

impl Queued {
    /// Returns the answer for a milestone with this status and earlier delivery; `None` if its
    /// command may be queued now.
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

/// Most open deliveries of one project.
pub const QUEUE_MAX: u64 = 1000;

/// A change of a delivery, made only if its version is still `version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub id: Id,
    /// The expected version.
    pub version: u64,
    /// The next state.
    pub state: DeliveryState,
    /// The attempts so far.
    pub attempts: u32,
    /// The error from now on.
    pub error: Option<String>,
    /// The receiving session from now on.
    pub session_id: Option<Id>,
    /// The route to the session.
    pub route: Route,
    /// The hook number after which reports count, see [`Delivery::after_seq`].
    pub after_seq: Option<u64>,
    pub at: Timestamp,
}

/// The answer to replacing a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// This call replaced the lease.
    Won,
    /// The lease was another one, named here; nothing changed.
    Lost(Option<Lease>),
    /// The project does not exist.
    NoProject,
}

/// The records of all projects. Each operation is atomic, and durable when it returns `Ok`. If a
/// caller stops waiting, the operation may still happen, as a whole.
///
/// Times are kept to the millisecond, see [`wxcode_core::time::to_millis`]. People and the workflow
/// move `updated_at`; the book-keeping of conversations and deliveries does not.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Checks that the store answers.
    async fn ping(&self) -> Result<()>;

    /// Adds a project and gives it its workspace folder. The path must be canonical; it is compared
    /// byte by byte. A repeated call with the same project succeeds. A project of the first
    /// implementation has its folder too, and may share it with others of that implementation.
    ///
    /// # Errors
    /// [`StoreError::WorkspaceTaken`] if another project has the folder; [`StoreError::Refused`] if
    /// a different project has the id.
    async fn add_project(&self, project: &OutputProject) -> Result<()>;
    /// Adds a project of another store unchanged. It gets its workspace folder, or shares it if
    /// another project has it.
    async fn restore_project(&self, project: &OutputProject) -> Result<()>;
    async fn project(&self, id: Id) -> Result<Option<OutputProject>>;
    /// Projects in the order of creation.
    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>>;
    /// Changes the patched fields and `updated_at`; returns the project afterwards. A new workspace
    /// folder replaces the old one, under the rules of [`Store::add_project`].
    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>>;
    /// Moves the status from `from` to `to` by compare-and-set; true if this call did.
    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
    ) -> Result<bool>;
    /// Removes a project with its milestones and deliveries; true if it existed.
    async fn remove_project(&self, id: Id) -> Result<bool>;

    /// Changes the current claude session id by compare-and-set and appends to the history, see
    /// [`wxcode_core::identity::rotated`]. `updated_at` stays.
    async fn rotate(&self, project: Id, rotation: &Rotation) -> Result<Rotated>;
    /// Records a submitted message in the latest history entry of `conversation`, and the
    /// transcript path if given; true if there is such an entry.
    async fn note_conversation(
        &self,
        project: Id,
        conversation: Uuid,
        spoke: bool,
        transcript_path: Option<PathBuf>,
    ) -> Result<bool>;

    /// Adds a milestone. A repeated call with the same milestone succeeds; a different milestone
    /// with its id is [`StoreError::Refused`].
    async fn add_milestone(&self, milestone: &Milestone) -> Result<Added>;
    async fn milestone(&self, id: Id) -> Result<Option<Milestone>>;
    /// Milestones of a project, in the order of creation, with the beginnings of their contexts.
    async fn milestones(
        &self,
        project: Id,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Listing<Excerpt<Milestone>>>;
    /// Moves a milestone from `from` to `to` by compare-and-set. Sets `status_by` and
    /// `status_reason` from `moved` (without a reason, clears it), `updated_at`, and `completed_at`
    /// if `to` is `completed` (otherwise clears it).
    ///
    /// Moving to `pending` drops its delivery, so that a new one can start the milestone. A
    /// `written` delivery stays: it may still start the milestone, and a second command must not.
    /// Moving `pending → failed` fails the queued delivery with the error `the milestone was given
    /// up`.
    ///
    /// Returns the milestone afterwards; `None` if it was not in `from` or does not exist.
    async fn advance_milestone(
        &self,
        id: Id,
        from: MilestoneStatus,
        to: MilestoneStatus,
        moved: &Moved,
    ) -> Result<Option<Milestone>>;
    /// Removes a pending milestone, and fails its `queued` delivery with the error `the milestone
    /// was deleted`.
    async fn remove_milestone(&self, id: Id, at: Timestamp) -> Result<Removed>;

    /// Queues a delivery, once per idempotency key and once per milestone. A `pending` milestone
    /// with a failed delivery gets a new one. Repeating a request by its id returns [`Queued::New`]
    /// with the present state; another delivery with the id is [`StoreError::Refused`].
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued>;
    async fn delivery(&self, id: Id) -> Result<Option<Delivery>>;
    /// Deliveries of a project, in the order of queueing, with the beginnings of their texts.
    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>>;
    /// The open deliveries of a project, in the order of queueing, with the beginnings of their
    /// texts.
    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>>;
    /// The first open delivery of a project, with its whole text.
    async fn next_delivery(&self, project: Id) -> Result<Option<Delivery>>;
    /// All projects with an open delivery.
    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>>;
    /// Changes a delivery by compare-and-set on its version.
    ///
    /// In the same step `submitted` moves its milestone from `pending` to `in_progress`
    /// ([`MovedBy::Delivery`], reason [`wxcode_core::milestone::SUBMITTED`]) and, for a milestone's
    /// command, the project from `created` to `initialized`.
    ///
    /// In the same step `failed` frees [`OutputProject::new_project_delivery`] if this delivery
    /// holds it. It also sets [`MovedBy::Delivery`] and the step's error on its milestone, if that
    /// is `pending` with this delivery; `updated_at` stays.
    ///
    /// Returns the delivery afterwards; `None` if the version was another one or the delivery is
    /// over. A delivery never changes after its end.
    async fn step(&self, step: &Step) -> Result<Option<Delivery>>;
    /// Adds a delivery of another store unchanged, after those of its project, beyond any bound.
    /// Its milestone and its project stay as they are. A repeated call succeeds. Returns whether
    /// the project exists.
    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool>;

    /// A project's lease; `None` before the first one, and without the project.
    async fn lease(&self, project: Id) -> Result<Option<Lease>>;
    /// Takes, renews or releases a project's lease: replaces `old` by `new` if the stored lease has
    /// the epoch and the renewal count of `old` ([`Lease::is_same`]); `None` expects no lease.
    /// [`wxcode_core::lease`] decides on `new`, which must differ from `old`. Nothing else of the
    /// project changes.
    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped>;
}

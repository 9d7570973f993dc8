//! Deliveries in a store, and their steps.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    delivery::{Delivery, DeliveryState, Route},
    excerpt::Excerpt,
    id::Id,
    milestone::MilestoneStatus,
    time::to_millis,
};

use crate::{Listing, Page, Result};

/// Most open deliveries of one project.
pub const QUEUE_MAX: u64 = 1000;

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
    /// [`wxcode_core::project::OutputProject::new_project_delivery`], and makes this one the holder in the same step.
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

impl Step {
    /// Returns a step of `delivery` to `state` without another change. Callers that change more
    /// replace fields: `Step { error, ..Step::new(delivery, state, at) }`.
    #[must_use]
    pub fn new(delivery: &Delivery, state: DeliveryState, at: Timestamp) -> Self {
        Self {
            id: delivery.id,
            version: delivery.version,
            state,
            attempts: delivery.attempts,
            error: delivery.error.clone(),
            session_id: delivery.session_id,
            route: delivery.route,
            after_seq: delivery.after_seq,
            at,
        }
    }
}

/// Operations on deliveries. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait DeliveryStore: Send + Sync + 'static {
    /// Queues a delivery, once per idempotency key and once per milestone. A `pending` milestone
    /// with a failed delivery gets a new one. Repeating a request by its id returns [`Queued::New`]
    /// with the present state; another delivery with the id is [`crate::StoreError::Refused`].
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
    /// ([`wxcode_core::milestone::MovedBy::Delivery`], reason [`wxcode_core::milestone::SUBMITTED`]) and, for a milestone's
    /// command, the project from `created` to `initialized`.
    ///
    /// In the same step `failed` frees [`wxcode_core::project::OutputProject::new_project_delivery`] if this delivery
    /// holds it. It also sets [`wxcode_core::milestone::MovedBy::Delivery`] and the step's error on its milestone, if that
    /// is `pending` with this delivery; `updated_at` stays.
    ///
    /// Returns the delivery afterwards; `None` if the version was another one or the delivery is
    /// over. A delivery never changes after its end.
    async fn step(&self, step: &Step) -> Result<Option<Delivery>>;
    /// Adds a delivery of another store unchanged, after those of its project, beyond any bound.
    /// Its milestone and its project stay as they are. A repeated call succeeds. Returns whether
    /// the project exists.
    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool>;
}

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

/// Most open deliveries of a project.
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
    /// See [`Delivery::not_before`].
    pub not_before: Option<Timestamp>,
    /// See [`Delivery::steer`].
    pub steer: bool,
    pub at: Timestamp,
    /// The epoch of the lease under which the delivery is queued; under a later one nothing changes.
    pub fence: Option<u64>,
}

impl NewDelivery {
    /// Returns the queued delivery, the same in every store, with the text of the command.
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
            not_before: self.not_before.map(to_millis),
            steer: self.steer,
            edits: 0,
            typings: 0,
            version: 0,
            created_at: at,
            updated_at: at,
        }
    }

    /// Whether `delivery` came from this request, in any later state. An edited delivery has
    /// another text and another time.
    #[must_use]
    pub fn is_of(&self, delivery: &Delivery) -> bool {
        let types_it = match &self.command {
            _ if delivery.edits > 0 => true,
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
    /// [`wxcode_core::project::OutputProject::new_project_delivery`]. In the same step, the new
    /// delivery becomes the holder.
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
    /// Another node took the project over; nothing changed.
    Fenced,
}

impl Queued {
    /// Returns the answer for a milestone with this status and earlier delivery; `None` if the
    /// milestone's command may be queued now.
    #[must_use]
    pub fn instead(status: MilestoneStatus, earlier: Option<Delivery>) -> Option<Self> {
        let pending = status == MilestoneStatus::Pending;
        match earlier {
            // Another program may have moved a submitted milestone back: the milestone starts
            // again.
            Some(earlier) if pending && earlier.state.is_over() => None,
            Some(earlier) => Some(Self::Existing(earlier)),
            None if pending => None,
            None => Some(Self::NotPending(status)),
        }
    }
}

/// The situation of the search for the next delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextQuery {
    pub now: Timestamp,
    /// Whether a turn runs: in a turn, steering deliveries come first.
    pub in_turn: bool,
}

/// The next delivery of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Next {
    /// The delivery to carry out now, with the whole text.
    pub delivery: Option<Delivery>,
    /// The earliest future due time of any delivery.
    pub due_at: Option<Timestamp>,
}

/// A user's change of a waiting delivery; a field with `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub id: Id,
    /// The project; the delivery must belong to this project.
    pub output_project_id: Id,
    pub text: Option<String>,
    /// Another time; `Some(None)` for none.
    pub not_before: Option<Option<Timestamp>>,
    /// Moves the delivery before this waiting delivery of the project.
    pub before: Option<Id>,
    pub at: Timestamp,
    /// The epoch of the lease under which the edit happens; under a later one nothing changes.
    pub fence: Option<u64>,
}

impl Edit {
    /// Returns the delivery after the edit, the same in every store.
    #[must_use]
    pub fn of(&self, delivery: &Delivery) -> Delivery {
        Delivery {
            text: self.text.clone().unwrap_or_else(|| delivery.text.clone()),
            not_before: self
                .not_before
                .map_or(delivery.not_before, |at| at.map(to_millis)),
            // The obstacle belonged to the old text at its old time and place.
            error: None,
            edits: delivery.edits.saturating_add(1),
            version: delivery.version + 1,
            updated_at: to_millis(self.at),
            ..delivery.clone()
        }
    }
}

/// The answer to an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// The delivery afterwards.
    Done(Delivery),
    /// The delivery no longer waits, or rides along with a start: nothing changed.
    NotWaiting(Delivery),
    /// The delivery to move before does not wait: nothing changed.
    PlaceNotWaiting(Delivery),
    /// The project has no such delivery.
    Missing,
    /// The project has no such delivery to move before.
    PlaceMissing,
    /// Another node took the project over; nothing changed.
    Fenced,
}

/// The places of a queue after a move: pairs of a delivery and its new place.
///
/// `queue` has the waiting deliveries of a project with their places, in order. Only deliveries
/// between the old and the new place get another place, so all other places stay.
#[must_use]
pub fn moved<T: Copy + PartialEq>(queue: &[(T, u64)], id: T, before: T) -> Vec<(T, u64)> {
    let at = |id: T| queue.iter().position(|(other, _)| *other == id);
    let (Some(from), Some(target)) = (at(id), at(before)) else {
        return Vec::new();
    };
    let mut order: Vec<T> = queue.iter().map(|(id, _)| *id).collect();
    let id = order.remove(from);
    order.insert(target - usize::from(from < target), id);
    let places = queue.iter().map(|(_, place)| *place);
    let changes = order.into_iter().zip(places).zip(queue);
    changes
        .filter(|((id, _), (old, _))| id != old)
        .map(|(change, _)| change)
        .collect()
}

/// A change of a delivery, made only if the delivery's version is still `version`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub id: Id,
    /// The project of the delivery.
    pub project: Id,
    /// The expected version.
    pub version: u64,
    /// The next state.
    pub state: DeliveryState,
    /// The attempts so far.
    pub attempts: u32,
    /// The typings so far, see [`Delivery::typings`].
    pub typings: u32,
    /// The error from now on.
    pub error: Option<String>,
    /// The receiving session from now on.
    pub session_id: Option<Id>,
    /// The route to the session.
    pub route: Route,
    /// The hook number after which reports count, see [`Delivery::after_seq`].
    pub after_seq: Option<u64>,
    pub at: Timestamp,
    /// The epoch of the lease under which the step happens; under a later one nothing changes.
    pub fence: Option<u64>,
}

impl Step {
    /// Returns a step of `delivery` to `state` without another change. For further changes, callers
    /// replace fields: `Step { error, ..Step::new(delivery, state, at) }`.
    #[must_use]
    pub fn new(delivery: &Delivery, state: DeliveryState, at: Timestamp) -> Self {
        Self {
            id: delivery.id,
            project: delivery.output_project_id,
            version: delivery.version,
            state,
            attempts: delivery.attempts,
            typings: delivery.typings,
            error: delivery.error.clone(),
            session_id: delivery.session_id,
            route: delivery.route,
            after_seq: delivery.after_seq,
            at,
            fence: None,
        }
    }
}

/// Operations on deliveries. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait DeliveryStore: Send + Sync + 'static {
    /// Queues a delivery, once per idempotency key and once per milestone. A `pending` milestone
    /// with a failed delivery gets a new delivery. Repeating a request by its id returns
    /// [`Queued::New`] with the present state; another delivery with the same id is
    /// [`crate::StoreError::Refused`].
    async fn queue(&self, delivery: &NewDelivery) -> Result<Queued>;
    async fn delivery(&self, id: Id) -> Result<Option<Delivery>>;
    /// Deliveries of a project in order, with the beginnings of their texts: the order of queueing,
    /// except for moved deliveries.
    async fn deliveries(&self, project: Id, page: Page) -> Result<Listing<Excerpt<Delivery>>>;
    /// The open deliveries of a project in order, with the beginnings of their texts.
    async fn open_deliveries(&self, project: Id) -> Result<Vec<Excerpt<Delivery>>>;
    /// The next delivery of a project: a delivery already given to an agent, or else the first due
    /// delivery in order. In a turn, steering deliveries come before all others.
    async fn next_delivery(&self, project: Id, query: NextQuery) -> Result<Next>;
    /// Changes a waiting delivery ([`Delivery::is_waiting`]) in a single step: its text, its time,
    /// its place. The version of every delivery with another place changes too, so a step from the
    /// old order fails.
    async fn edit(&self, edit: &Edit) -> Result<Edited>;
    /// All projects with an open delivery.
    async fn projects_with_open_deliveries(&self) -> Result<Vec<Id>>;
    /// Changes a delivery by compare-and-set on the version.
    ///
    /// In the same step, `submitted` moves the delivery's milestone from `pending` to `in_progress`
    /// ([`wxcode_core::milestone::MovedBy::Delivery`], reason
    /// [`wxcode_core::milestone::SUBMITTED`]). For a milestone's command, `submitted` also moves
    /// the project from `created` to `initialized`.
    ///
    /// In the same step, `failed` frees
    /// [`wxcode_core::project::OutputProject::new_project_delivery`] if the delivery holds that
    /// field. If the delivery's milestone is `pending` with this delivery, `failed` also sets
    /// [`wxcode_core::milestone::MovedBy::Delivery`] and the step's error on the milestone;
    /// `updated_at` stays.
    ///
    /// Returns the delivery afterwards; `None` if the version was another, the lease was a later
    /// one, or the delivery is over. A delivery never changes after its end.
    async fn step(&self, step: &Step) -> Result<Option<Delivery>>;
    /// Adds a delivery of another store unchanged, after the project's deliveries, beyond any
    /// bound. The delivery's milestone and project stay as they are. A repeated call succeeds.
    /// Returns whether the project exists.
    async fn restore_delivery(&self, delivery: &Delivery) -> Result<bool>;
}

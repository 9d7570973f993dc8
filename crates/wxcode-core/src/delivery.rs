//! Deliveries: a command on its way into the session, typed at most once, confirmed by the agent's
//! hook.
//!
//! Invariants: `written` is durable before the text is typed. Only a hook that reports the same
//! text, numbered after the write, confirms a delivery.

pub mod machine;
pub mod reason;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// The error of a cancelled delivery.
pub const CANCELLED: &str = "cancelled";
/// Largest text of a delivery, in bytes.
pub const TEXT_MAX: usize = 1 << 20; // 1 MiB
/// Longest idempotency key, in bytes.
pub const KEY_MAX: usize = 200;

/// A delivery as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id, also the key under which the holder types the text at most once.
    pub id: Id,
    pub output_project_id: Id,
    /// The milestone started by the delivery, if any.
    pub milestone_id: Option<Id>,
    /// The text to type.
    pub text: String,
    pub state: DeliveryState,
    /// How often the text or an Enter was sent.
    pub attempts: u32,
    /// The reason of a failure; before a failure, the present obstacle.
    pub error: Option<String>,
    /// The caller's key: a second request with the same key gets this delivery.
    pub idempotency_key: Option<String>,
    /// The session that received the delivery.
    pub session_id: Option<Id>,
    pub route: Route,
    /// Hooks of the session up to this number are older than the delivery and cannot confirm it.
    pub after_seq: Option<u64>,
    /// The delivery waits until this time, and holds up no other delivery meanwhile.
    pub not_before: Option<Timestamp>,
    /// The delivery goes into a running turn instead of waiting for the turn's end.
    pub steer: bool,
    /// The number of edits of the text, changes of the time, and moves in the queue.
    pub edits: u32,
    /// How often the text may have been typed, see [`Delivery::key`].
    pub typings: u32,
    /// The number of changes; every change is a compare-and-set on this number.
    pub version: u64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// The progress of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nothing was typed.
    Queued,
    /// The text may have been typed, and is never typed again.
    Written,
    /// The agent's hook reported the text.
    Submitted,
    /// The text did not arrive; the error says why.
    Failed,
}

impl Delivery {
    /// The key under which the holder types the text at most once. Another typing has another key.
    #[must_use]
    pub fn key(&self) -> String {
        match self.typings {
            0 | 1 => self.id.to_string(),
            typings => format!("{}-{typings}", self.id),
        }
    }

    /// Whether the delivery waits in the queue: nothing was typed, and no start of an agent carries
    /// the text. Only a waiting delivery can be edited, moved or cancelled.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.state == DeliveryState::Queued && self.route == Route::Typed
    }

    /// Whether the delivery's time lies ahead.
    #[must_use]
    pub fn is_ahead(&self, now: Timestamp) -> bool {
        self.is_waiting() && self.not_before.is_some_and(|at| at > now)
    }
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Written, Self::Submitted, Self::Failed];

    /// The word in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Submitted => "submitted",
            Self::Failed => "failed",
        }
    }

    /// Whether the state is final.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Submitted | Self::Failed)
    }
}

/// The way of a delivery to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Typed into the running session.
    Typed,
    /// The initial prompt of the process started with the delivery.
    Prompt,
}

impl Route {
    /// The word in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Prompt => "prompt",
        }
    }
}

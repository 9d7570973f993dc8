//! Deliveries: a command on its way into the session, typed at most once and confirmed by the agent's own report.

pub mod machine;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// Largest text of a delivery, in bytes.
pub const TEXT_MAX: usize = 1 << 20; // 1 MiB
/// Longest idempotency key, in bytes.
pub const KEY_MAX: usize = 200;

/// A delivery as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id, and the key under which the holder types it at most once.
    pub id: Id,
    /// The project whose session it goes to.
    pub output_project_id: Id,
    /// The milestone that it starts, if it does.
    pub milestone_id: Option<Id>,
    /// What is typed.
    pub text: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often the text or an Enter was sent.
    pub attempts: u32,
    /// Why it failed; until it is over, what is in its way.
    pub error: Option<String>,
    /// The caller's key: a second request with it gets this delivery.
    pub idempotency_key: Option<String>,
    /// The session that it was given to.
    pub session_id: Option<Id>,
    /// How it gets there.
    pub route: Route,
    /// Reports of that session up to this hook number are older than the delivery and cannot confirm it.
    pub after_seq: Option<u64>,
    /// Counts the changes; every change is a compare-and-set on it.
    pub version: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Nothing was typed.
    Queued,
    /// The text may have been typed; it is never typed again.
    Written,
    /// The agent reported it.
    Submitted,
    /// It did not get there; the error says why.
    Failed,
}

impl DeliveryState {
    /// The word for it in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Written => "written",
            Self::Submitted => "submitted",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Submitted | Self::Failed)
    }
}

/// How a delivery reaches the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Typed into the running session.
    Typed,
    /// The prompt argument of the process that it started.
    Prompt,
}

impl Route {
    /// The word for it in the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Typed => "typed",
            Self::Prompt => "prompt",
        }
    }
}

//! The remembered parts of a project's state.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{agent::AgentState, delivery::DeliveryState, event::Asked, id::Id, run::Place};

/// The last published turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTurn {
    pub conversation: Uuid,
    pub id: String,
    /// The byte of the transcript where the turn begins.
    pub offset: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) id: Id,
    /// The last published place in the run's output.
    pub(super) place: Option<Place>,
    pub(super) finished: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) id: Id,
    pub(super) exited: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) version: u64,
    pub(super) state: DeliveryState,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
    #[serde(default)]
    pub(super) edits: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Agent {
    pub(super) session: Id,
    pub(super) state: AgentState,
    pub(super) dialog: Option<String>,
    #[serde(default)]
    pub(super) ask: Option<Asked>,
    pub(super) hook: u64,
}

/// The hooks of a session up to which everything is published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// The last hook with a separate event.
    pub report: u64,
    /// The last hook reflected in the published state of the agent.
    pub state: u64,
}

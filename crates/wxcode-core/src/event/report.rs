//! The origin of an event, for recognising the event when it is read again after a restart.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{id::Id, run::Place};

/// The origin of a tool event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reporter {
    /// A hook of a session.
    Session(Report),
    /// The output of a run's agent.
    Run(RunReport),
}

/// The place of an event in the output of a run's agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    pub run_id: Id,
    pub claude_session_id: Uuid,
    #[serde(flatten)]
    pub place: Place,
}

/// The hook behind an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub session_id: Id,
    pub claude_session_id: Uuid,
    /// The hook's number in the session.
    pub hook: u64,
}

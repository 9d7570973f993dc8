//! Where an event comes from, so that what is read again after a restart is known.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{id::Id, run::Place};

/// Who reports a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reporter {
    /// A hook of a session.
    Session(Report),
    /// What the agent of a run printed.
    Run(RunReport),
}

/// Where in its output the agent of a run reported an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run_id: Id,
    /// The conversation.
    pub claude_session_id: Uuid,
    /// The place in the output.
    #[serde(flatten)]
    pub place: Place,
}

/// Which hook reported an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The session.
    pub session_id: Id,
    /// The conversation.
    pub claude_session_id: Uuid,
    /// The hook's number in the session.
    pub hook: u64,
}

//! The end of a process, as answered.

use serde::Serialize;
use utoipa::ToSchema;
use wxcode_holder::folder::Exit;

/// The end of a session.
#[derive(Serialize, ToSchema)]
pub(super) struct ExitView {
    /// The exit code, if the agent exited.
    code: Option<i32>,
    /// The signal, if one killed the agent.
    signal: Option<i32>,
    at: String,
    reason: String,
}

impl From<Exit> for ExitView {
    fn from(exit: Exit) -> Self {
        Self {
            code: exit.code,
            signal: exit.signal,
            at: exit.at,
            reason: exit.reason,
        }
    }
}

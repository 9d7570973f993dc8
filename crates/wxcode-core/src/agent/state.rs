//! What an agent does, in a word.

use serde::{Deserialize, Serialize};

/// The state of the agent, as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Started, not yet seen ready.
    Starting,
    /// Waiting for a prompt.
    Idle,
    /// In a turn.
    Working,
    /// Asks for leave to use a tool.
    WaitingPermission,
    /// Asks the user a question.
    WaitingQuestion,
    /// A dialog that no hook tells of stands on the screen.
    BlockedDialog,
    /// No evidence, or no agent: none yet, or it is gone.
    Unknown,
}

impl AgentState {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::WaitingPermission => "waiting_permission",
            Self::WaitingQuestion => "waiting_question",
            Self::BlockedDialog => "blocked_dialog",
            Self::Unknown => "unknown",
        }
    }
}

impl AgentState {
    /// Whether a turn runs, be it that it waits for the user.
    #[must_use]
    pub const fn is_in_turn(self) -> bool {
        matches!(
            self,
            Self::Working | Self::WaitingPermission | Self::WaitingQuestion
        )
    }

    /// Whether somebody has to answer something.
    #[must_use]
    pub const fn is_asking(self) -> bool {
        matches!(
            self,
            Self::WaitingPermission | Self::WaitingQuestion | Self::BlockedDialog
        )
    }
}

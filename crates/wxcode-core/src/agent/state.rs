//! The agent's state for the API.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Started, not yet ready.
    Starting,
    /// Waiting for a prompt.
    Idle,
    /// In a turn.
    Working,
    /// Asks for permission to use a tool.
    WaitingPermission,
    /// Asks the user a question.
    WaitingQuestion,
    /// Waits for the reset of the account's usage limit.
    WaitingLimit,
    /// A dialog without a hook is on the screen.
    BlockedDialog,
    /// No evidence, or no agent.
    Unknown,
}

impl AgentState {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::Idle,
        Self::Working,
        Self::WaitingPermission,
        Self::WaitingQuestion,
        Self::WaitingLimit,
        Self::BlockedDialog,
        Self::Unknown,
    ];

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::WaitingPermission => "waiting_permission",
            Self::WaitingQuestion => "waiting_question",
            Self::WaitingLimit => "waiting_limit",
            Self::BlockedDialog => "blocked_dialog",
            Self::Unknown => "unknown",
        }
    }
}

impl AgentState {
    /// Whether a turn runs, even a turn waiting for the user.
    #[must_use]
    pub const fn is_in_turn(self) -> bool {
        matches!(
            self,
            Self::Working | Self::WaitingPermission | Self::WaitingQuestion
        )
    }

    /// Whether a person has to answer something.
    #[must_use]
    pub const fn is_asking(self) -> bool {
        matches!(
            self,
            Self::WaitingPermission | Self::WaitingQuestion | Self::BlockedDialog
        )
    }
}

//! The status of a milestone in events.

use serde::{Deserialize, Serialize};

use crate::milestone::MilestoneStatus;

/// A milestone's status, or its deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Pending,
    InProgress,
    Completed,
    Failed,
    /// The milestone was deleted.
    Deleted,
}

impl Stage {
    /// The milestone's status; `None` after its deletion.
    #[must_use]
    pub const fn status(self) -> Option<MilestoneStatus> {
        match self {
            Self::Pending => Some(MilestoneStatus::Pending),
            Self::InProgress => Some(MilestoneStatus::InProgress),
            Self::Completed => Some(MilestoneStatus::Completed),
            Self::Failed => Some(MilestoneStatus::Failed),
            Self::Deleted => None,
        }
    }
}

impl From<MilestoneStatus> for Stage {
    fn from(status: MilestoneStatus) -> Self {
        match status {
            MilestoneStatus::Pending => Self::Pending,
            MilestoneStatus::InProgress => Self::InProgress,
            MilestoneStatus::Completed => Self::Completed,
            MilestoneStatus::Failed => Self::Failed,
        }
    }
}

//! How far a milestone is, as it is told.

use serde::{Deserialize, Serialize};

use crate::milestone::MilestoneStatus;

/// How far a milestone is, to those who follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// See [`MilestoneStatus::Pending`].
    Pending,
    /// See [`MilestoneStatus::InProgress`].
    InProgress,
    /// See [`MilestoneStatus::Completed`].
    Completed,
    /// See [`MilestoneStatus::Failed`].
    Failed,
    /// There is no such milestone any more.
    Deleted,
}

impl Stage {
    /// The status of one that was not deleted.
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

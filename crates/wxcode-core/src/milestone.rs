//! Milestones: units of work in an output project, and their status.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// Largest `context` of a milestone, in bytes.
pub const CONTEXT_MAX: usize = 1 << 20; // 1 MiB
/// Longest reason of a user's change, in characters.
pub const REASON_MAX: usize = 1_000;
/// The reason of every milestone in progress; only a delivery sets it.
pub const SUBMITTED: &str = "its command was submitted";

/// A milestone, with the field names of the shared store's documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    pub id: Id,
    pub output_project_id: Id,
    /// An opaque reference, unique within the project if given.
    pub element_id: Option<String>,
    /// The name for people.
    pub element_name: String,
    pub status: MilestoneStatus,
    /// The origin of the last change or attempt; `None` before the first.
    pub status_by: Option<MovedBy>,
    /// The reason of the last change; for a pending milestone, why its command failed.
    pub status_reason: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`.
    pub context: Option<String>,
    /// The version set by the workflow.
    pub wxcode_version: Option<String>,
    /// The folder set by the workflow.
    pub milestone_folder_name: Option<String>,
    /// The delivery of the milestone's command, once started.
    pub delivery_id: Option<Id>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
}

/// The status of a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MilestoneStatus {
    /// Not yet with the agent.
    Pending,
    /// The milestone's command was submitted.
    InProgress,
    /// Done.
    Completed,
    /// Given up; may be tried again.
    Failed,
}

/// The origin of a milestone's change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovedBy {
    /// A user's request.
    User,
    /// The delivery of the milestone's command, submitted or failed.
    Delivery,
}

impl MovedBy {
    /// The word in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Delivery => "delivery",
        }
    }
}

impl MilestoneStatus {
    /// All statuses.
    pub const ALL: [Self; 4] = [
        Self::Pending,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
    ];

    /// The word in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether a user may change the status to `next`.
    ///
    /// `pending → in_progress` is missing on purpose: only a submitted delivery does that.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Pending | Self::InProgress, Self::Failed)
                | (Self::InProgress, Self::Completed)
                | (Self::Failed, Self::Pending)
        )
    }

    /// Whether the status is final until the milestone is reopened.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::MilestoneStatus::*;

    #[test]
    fn users_may_take_only_allowed_steps() {
        let all = [Pending, InProgress, Completed, Failed];
        let allowed = [
            (Pending, Failed),
            (InProgress, Completed),
            (InProgress, Failed),
            (Failed, Pending),
        ];
        for from in all {
            for to in all {
                assert_eq!(
                    from.may_become(to),
                    allowed.contains(&(from, to)),
                    "{from:?} → {to:?}"
                );
            }
        }
    }
}

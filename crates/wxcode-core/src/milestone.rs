//! Milestones: units of work in an output project, and their life.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::Id;

/// Largest `context` of a milestone, in bytes.
pub const CONTEXT_MAX: usize = 1 << 20; // 1 MiB
/// Longest reason that a user gives for a step, in characters.
pub const REASON_MAX: usize = 1_000;
/// Why a milestone is in progress: nothing else brings it there.
pub const SUBMITTED: &str = "its command was submitted";

/// A milestone, with the field names of the shared store's documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Its id.
    pub id: Id,
    /// The project it belongs to.
    pub output_project_id: Id,
    /// What it converts: an opaque reference, unique within the project where given.
    pub element_id: Option<String>,
    /// What people call it.
    pub element_name: String,
    /// How far it is.
    pub status: MilestoneStatus,
    /// Who moved it there, or tried to; `None` for one that never moved.
    pub status_by: Option<MovedBy>,
    /// Why it was moved; for a pending one whose command did not get there, why not.
    pub status_reason: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`.
    pub context: Option<String>,
    /// Version that the workflow gave it.
    pub wxcode_version: Option<String>,
    /// Folder that the workflow gave it.
    pub milestone_folder_name: Option<String>,
    /// The delivery that carries its command, once it was started.
    pub delivery_id: Option<Id>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
}

/// How far a milestone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MilestoneStatus {
    /// Not yet with the agent.
    Pending,
    /// Its command was submitted.
    InProgress,
    /// Done.
    Completed,
    /// Given up; may be tried again.
    Failed,
}

/// Who moves a milestone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MovedBy {
    /// Somebody asked for it.
    User,
    /// The delivery of its command: it was submitted, or failed.
    Delivery,
}

impl MovedBy {
    /// The word for it in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Delivery => "delivery",
        }
    }
}

impl MilestoneStatus {
    /// The word for it in the API and the stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether a user may move a milestone from here to `next`.
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

    /// Whether its work is over.
    #[must_use]
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::MilestoneStatus::*;

    #[test]
    fn users_may_only_take_the_allowed_steps() {
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

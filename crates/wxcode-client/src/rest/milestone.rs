//! Milestones.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Client, delivery::Delivery, page::Page};
use crate::{Error, id};

/// A milestone: a unit of work in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Milestone {
    /// 24 hexadecimal digits.
    pub id: String,
    /// The project.
    pub output_project_id: String,
    /// Unique within the project, where given.
    pub element_id: Option<String>,
    /// 1 to 200 characters.
    pub element_name: String,
    /// The progress.
    pub status: MilestoneStatus,
    /// The origin of the last change: `user`, or `delivery` for the command's delivery.
    pub status_by: Option<String>,
    /// The reason of the last change; for a pending milestone, why the command failed.
    pub status_reason: Option<String>,
    /// The position of the command among the project's open deliveries, from 1.
    pub place_in_line: Option<u64>,
    /// Markdown; in lists the beginning, up to 1,024 characters.
    pub context: Option<String>,
    /// The length of the whole context in bytes.
    pub context_bytes: u64,
    /// Whether `context` is less than the whole.
    pub context_truncated: bool,
    /// The version of wxcode at the milestone's end.
    pub wxcode_version: Option<String>,
    /// The folder below `.planning/`.
    pub milestone_folder_name: Option<String>,
    /// The delivery of the command, once started.
    pub delivery_id: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub updated_at: Option<String>,
    /// RFC 3339.
    pub completed_at: Option<String>,
}

/// The progress of a milestone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MilestoneStatus {
    /// The command was not submitted.
    Pending,
    /// The command was submitted to the agent.
    InProgress,
    /// A user or program declared the milestone completed.
    Completed,
    /// A user or program declared the milestone failed.
    Failed,
    /// A status of a newer server.
    #[serde(other)]
    Unknown,
}

/// A part of the list of milestones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Milestones {
    /// In the order of their creation.
    pub milestones: Vec<Milestone>,
    /// The number of all milestones of the selection.
    pub total: u64,
}

/// A new milestone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewMilestone {
    /// The project.
    pub output_project_id: String,
    /// 1 to 200 characters.
    pub element_name: String,
    /// Unique within the project, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_id: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`, at most 1 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

impl NewMilestone {
    /// A milestone with a name and no context.
    pub fn new(project: impl Into<String>, element_name: impl Into<String>) -> Self {
        Self {
            output_project_id: project.into(),
            element_name: element_name.into(),
            element_id: None,
            context: None,
        }
    }
}

/// A change of a milestone's status: pending → failed, in_progress → completed or failed, failed →
/// pending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MilestoneChange {
    /// `Pending`, `Completed` or `Failed`.
    pub status: MilestoneStatus,
    /// 1 to 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<MilestoneStatus> for MilestoneChange {
    fn from(status: MilestoneStatus) -> Self {
        Self {
            status,
            reason: None,
        }
    }
}

/// An edit of a pending milestone's texts; a field with `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MilestoneEdit {
    /// 1 to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element_name: Option<String>,
    /// Markdown for `MILESTONE-CONTEXT.md`, at most 1 MiB; `Some(None)` for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Option<String>>,
}

/// A milestone whose context is in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PreparedMilestone {
    /// The context file, relative to the workspace.
    pub context_path: String,
    /// The milestone's name.
    pub element_name: String,
    /// A message for people.
    pub message: String,
}

/// The changes of a workspace since a milestone began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MilestoneChanges {
    /// The git tree at the beginning, with uncommitted work.
    pub base: String,
    /// Up to 5,000 files.
    pub files: Vec<ChangedFile>,
    /// The differences in git's form, up to 2 MiB.
    pub patch: String,
    /// Files, or a part of the patch, are missing.
    pub truncated: bool,
}

/// A changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ChangedFile {
    /// The path in the workspace.
    pub path: String,
    /// `added`, `modified`, `deleted` or `type_changed`.
    pub status: String,
    /// Lines added; `None` for a binary file.
    pub additions: Option<u64>,
    /// Lines deleted; `None` for a binary file.
    pub deletions: Option<u64>,
}

impl Client {
    /// Creates a pending milestone.
    ///
    /// # Errors
    /// [`Error::Refused`] with 404 without the project, 409 for an `element_id` in use, 413 for a
    /// long context, 422 for an invalid field.
    pub async fn create_milestone(&self, new: &NewMilestone) -> Result<Milestone, Error> {
        self.post("/milestones", new).await
    }

    /// Lists a part of a project's milestones, of a single status where given.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn milestones(
        &self,
        project: &str,
        status: Option<MilestoneStatus>,
        page: Page,
    ) -> Result<Milestones, Error> {
        let mut path = format!(
            "/milestones?output_project_id={}&{}",
            id::check(project)?,
            page.query()
        );
        if let Some(serde_json::Value::String(status)) = status.map(|status| json!(status)) {
            path.push_str("&status=");
            path.push_str(&status);
        }
        self.get(&path).await
    }

    /// Shows a milestone with the whole context.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404.
    pub async fn milestone(&self, milestone: &str) -> Result<Milestone, Error> {
        self.get(&path(milestone, "")?).await
    }

    /// Changes a milestone's status.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for a step that does not exist.
    pub async fn change_milestone(
        &self,
        milestone: &str,
        change: &MilestoneChange,
    ) -> Result<Milestone, Error> {
        self.patch(&path(milestone, "")?, change).await
    }

    /// Edits the texts of a pending milestone. The milestone keeps its id and its place in the list.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 `not_pending`, 413 for a long context,
    /// 422 for an invalid name or an edit without a field.
    pub async fn edit_milestone(
        &self,
        milestone: &str,
        edit: &MilestoneEdit,
    ) -> Result<Milestone, Error> {
        self.patch(&path(milestone, "")?, edit).await
    }

    /// Shows what changed in the workspace since a milestone began.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 `no_repository`, `not_begun` or
    /// `no_base`.
    pub async fn milestone_changes(&self, milestone: &str) -> Result<MilestoneChanges, Error> {
        self.get(&path(milestone, "/changes")?).await
    }

    /// Deletes a pending milestone and cancels the milestone's waiting command.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for a milestone that is not pending.
    pub async fn delete_milestone(&self, milestone: &str) -> Result<(), Error> {
        self.delete(&path(milestone, "")?).await
    }

    /// Writes a milestone's context into the workspace.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 when the folder cannot take the
    /// context.
    pub async fn prepare_milestone(&self, milestone: &str) -> Result<PreparedMilestone, Error> {
        self.post(&path(milestone, "/prepare")?, &json!({})).await
    }

    /// Starts a milestone: prepares the milestone, gets or starts the session, and queues the
    /// milestone's command once. A repeated call returns the same delivery.
    ///
    /// # Errors
    /// [`Error::InvalidId`]; [`Error::Refused`] with 404, 409 for a finished milestone, a run in
    /// progress, a missing folder or the code `gsd_missing`, 503 when the agent does not start.
    pub async fn start_milestone(&self, milestone: &str) -> Result<Delivery, Error> {
        self.post(&path(milestone, "/start")?, &json!({})).await
    }
}

fn path(milestone: &str, below: &str) -> Result<String, Error> {
    Ok(format!("/milestones/{}{below}", id::check(milestone)?))
}

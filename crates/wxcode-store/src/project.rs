//! Output projects in a store.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    delivery::Delivery,
    id::Id,
    milestone::Milestone,
    project::{OutputProject, ProjectStatus, SettingsPatch},
};

use crate::{Listing, Page, Result};

/// A user's change of an output project; `None` keeps a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectPatch {
    pub name: Option<String>,
    /// The canonical path of the new workspace folder.
    pub workspace_path: Option<PathBuf>,
    /// `Some(None)` removes the stack.
    pub stack_id: Option<Option<String>>,
    /// `Some(None)` removes the configuration.
    pub configuration_id: Option<Option<String>>,
    /// Changes of single settings.
    pub settings: SettingsPatch,
}

/// A project with all its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectRecords {
    pub project: OutputProject,
    /// In the order of creation.
    pub milestones: Vec<Milestone>,
    /// In the order of the queue.
    pub deliveries: Vec<Delivery>,
}

/// Operations on output projects. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait ProjectStore: Send + Sync + 'static {
    /// Adds a project, and gives the project its workspace folder. The path must be canonical; the
    /// store compares paths byte by byte. A repeated call with the same project succeeds. A project
    /// of the first implementation has its folder too, and may share the folder with other projects
    /// of that implementation.
    ///
    /// # Errors
    /// [`crate::StoreError::WorkspaceTaken`] if another project has the folder; [`crate::StoreError::Refused`] if
    /// a different project has the id.
    async fn add_project(&self, project: &OutputProject) -> Result<()>;
    /// Adds a project of another store unchanged. The project gets its workspace folder, or shares
    /// the folder with an earlier owner.
    async fn restore_project(&self, project: &OutputProject) -> Result<()>;
    async fn project(&self, id: Id) -> Result<Option<OutputProject>>;
    /// Projects in the order of creation.
    async fn projects(&self, page: Page) -> Result<Listing<OutputProject>>;
    /// The first projects, in the order of creation, whose settings ask for their usage in the
    /// metrics; at most [`crate::PAGE_MAX`].
    async fn metered_projects(&self, limit: u64) -> Result<Vec<OutputProject>>;
    /// Changes the patched fields and `updated_at`; returns the project afterwards. A new workspace
    /// folder replaces the old folder, under the rules of [`ProjectStore::add_project`].
    async fn patch_project(
        &self,
        id: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<Option<OutputProject>>;
    /// Moves the status from `from` to `to` by compare-and-set; true if this call moved the status.
    /// A later epoch of the project's lease than `fence` refuses the move.
    async fn advance_project(
        &self,
        id: Id,
        from: ProjectStatus,
        to: ProjectStatus,
        at: Timestamp,
        fence: Option<u64>,
    ) -> Result<bool>;
    /// Removes a project with its milestones and deliveries; true if the project existed.
    async fn remove_project(&self, id: Id) -> Result<bool>;
}

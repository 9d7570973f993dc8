//! Moves a project to another workspace folder, where its conversation goes on at the next start.

use jiff::Timestamp;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_store::ProjectPatch;

use crate::agent::{launch::start::StartError, manager::Manager};

/// Why a project was not moved; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// Its session runs.
    #[error(
        "its session runs in the workspace folder: end it first (DELETE …/session), then change workspace_path"
    )]
    Running,
    /// A run is going on, another server has the project, or the store failed.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Manager {
    /// Applies a patch that names another workspace folder, by its canonical path. No agent of the project runs or
    /// is started meanwhile, here or on another server.
    ///
    /// # Errors
    /// When a session or a run is going on, another server has the project, another project has the folder, or the
    /// store fails.
    pub async fn relocate(
        &self,
        project: Id,
        patch: &ProjectPatch,
        at: Timestamp,
    ) -> Result<OutputProject, RelocateError> {
        let slot = self.slot(project);
        let _guard = slot.lock().await;
        if slot.running().is_some() {
            return Err(RelocateError::Running);
        }
        slot.is_free()?;
        let tenure = match self.0.leases.take(project).await {
            Err(StartError::NoProject) => {
                self.forget_slot(project);
                return Err(StartError::NoProject.into());
            }
            tenure => tenure?,
        };
        let moved = self.0.store.patch_project(project, patch, at).await;
        if let Some(tenure) = &tenure {
            self.0.leases.give_back(project, tenure).await;
        }
        let Some(moved) = moved.map_err(StartError::Store)? else {
            self.forget_slot(project);
            return Err(StartError::NoProject.into());
        };
        tracing::info!(%project, workspace = %moved.workspace_path.display(), "a project moved");
        Ok(moved)
    }
}

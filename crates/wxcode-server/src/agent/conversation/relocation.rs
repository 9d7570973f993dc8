//! Moves a project to another workspace folder, where its conversation goes on at the next start.

use jiff::Timestamp;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_store::ProjectPatch;

use crate::agent::{context::Context, launch::error::StartError};

/// Why a project was not moved; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RelocateError {
    /// Its session runs.
    #[error(
        "the project's session runs in the workspace folder: end the session first (DELETE …/session), then change workspace_path"
    )]
    Running,
    /// A run is going on, another server has the project, or the store failed.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Applies a patch that names another workspace folder, by its canonical path. No agent of the
/// project runs or starts meanwhile, here or on another server.
///
/// # Errors
/// When a session or a run is in progress, another server has the project, another project has the
/// folder, or the store fails.
pub(in crate::agent) async fn relocate(
    context: &Context,
    project: Id,
    patch: &ProjectPatch,
    at: Timestamp,
) -> Result<OutputProject, RelocateError> {
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    if slot.running().is_some() {
        return Err(RelocateError::Running);
    }
    slot.is_free().map_err(StartError::from)?;
    let held = match context.leases.take(project).await {
        Err(StartError::NoProject) => {
            context.slots.forget(project);
            return Err(StartError::NoProject.into());
        }
        held => held?,
    };
    let moved = context.store.patch_project(project, patch, at).await;
    if let Some(held) = &held {
        context.leases.give_back(project, held).await;
    }
    let Some(moved) = moved.map_err(StartError::Store)? else {
        context.slots.forget(project);
        return Err(StartError::NoProject.into());
    };
    tracing::info!(%project, workspace = %moved.workspace_path.display(), "project moved to another workspace");
    Ok(moved)
}

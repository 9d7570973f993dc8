//! Ends the agents of a project on request: the session, or all for the project's deletion.

use std::sync::Arc;

use wxcode_core::id::Id;
use wxcode_store::StoreError;

use crate::agent::{
    context::Context,
    process::AgentProcess,
    recovery::{deletion, orphans},
    slot::Slot,
};

/// The outcome of a project's deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// The project is removed, and no agent of the project runs.
    Removed,
    /// There is no such project.
    Missing,
    /// The project's session runs, and `force` was not given.
    Running,
    /// A run is in progress, and `force` was not given.
    InRun(Id),
    /// The project's session or run did not end in time.
    Stuck,
}

/// Ends the session of a project and orphans of earlier sessions; returns whether all are gone. The
/// caller holds the slot's lock.
pub(in crate::agent) async fn end_session(context: &Context, slot: &Slot, project: Id) -> bool {
    let stopped = match slot.running() {
        Some(session) => AgentProcess::Session(session).stop().await,
        None => true,
    };
    stopped && orphans::end(&context.settings.data_dir, project).await
}

/// Deletes a project with its sessions; meanwhile no session of the project can start.
///
/// # Errors
/// When the store fails; a running session is ended by then.
pub(in crate::agent) async fn retire(
    context: &Arc<Context>,
    project: Id,
    force: bool,
) -> Result<Retired, StoreError> {
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    if let Some(agent) = slot.current() {
        match &agent {
            AgentProcess::Session(_) if !force => return Ok(Retired::Running),
            AgentProcess::Run(run) if !force => return Ok(Retired::InRun(run.id)),
            _ => {}
        }
        if !agent.stop().await {
            return Ok(Retired::Stuck);
        }
    }
    if !orphans::end(&context.settings.data_dir, project).await {
        return Ok(Retired::Stuck);
    }
    match deletion::delete(context, project).await? {
        true => Ok(Retired::Removed),
        false => Ok(Retired::Missing),
    }
}

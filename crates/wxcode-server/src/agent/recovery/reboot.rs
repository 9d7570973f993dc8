//! Finds sessions cut off by the machine's restart, and resumes the sessions in the background.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use wxcode_core::id::Id;
use wxcode_holder::folder::{HOLDER_LOST, REBOOTED, State, TERMINATED};

use crate::agent::{
    context::Context,
    launch::{error::StartError, session::get_or_create},
};

/// Sessions resumed at the same time after a start.
pub const RESUMED_AT_ONCE: usize = 4;

/// A session of the time when the machine, or its container, went down.
pub(crate) struct Interrupted {
    pub(in crate::agent) project: Id,
    pub(in crate::agent) session: Id,
}

/// Whether a session was cut off, according to its folder. `settled`: a server has seen the
/// session's end.
///
/// A holder killed under a server's eyes ended normally. SIGTERM reaches all processes when the
/// machine goes down, and a server may live long enough to see other processes end.
pub(in crate::agent) fn was_interrupted(state: &State, settled: bool) -> bool {
    match state {
        State::Lost(_) => true,
        State::Exited(holder, exit) => match exit.reason.as_str() {
            REBOOTED => true,
            HOLDER_LOST => !settled,
            TERMINATED => {
                !settled
                    || holder
                        .as_ref()
                        .is_some_and(|holder| !holder.is_of_this_boot())
            }
            _ => false,
        },
        State::Live(_) | State::Unfinished => false,
    }
}

/// Starts the interrupted sessions again, [`RESUMED_AT_ONCE`] at a time, unless their projects had
/// another session since.
pub(in crate::agent) async fn resume(context: &Arc<Context>, interrupted: Vec<Interrupted>) {
    let total = interrupted.len();
    let resumed = stream::iter(interrupted)
        .map(|interrupted| resume_one(context, interrupted))
        .buffer_unordered(RESUMED_AT_ONCE)
        .filter(|resumed| std::future::ready(*resumed))
        .count()
        .await;
    if total > 0 {
        tracing::info!(resumed, total, "resumed interrupted sessions");
    }
}

async fn resume_one(context: &Arc<Context>, interrupted: Interrupted) -> bool {
    let Interrupted { project, session } = interrupted;
    let slot = context.slots.get(project);
    if slot.latest().is_none_or(|latest| latest.id != session) {
        return false; // another one followed it
    }
    // A start runs to its end even if this task is dropped.
    let context = Arc::clone(context);
    let started = tokio::spawn(async move { get_or_create(&context, project).await }).await;
    match started {
        Ok(Ok(found)) => found.created,
        Ok(Err(StartError::NoProject | StartError::Closing)) | Err(_) => false,
        Ok(Err(error)) => {
            tracing::error!(%project, %session, %error, "cannot resume an interrupted session");
            slot.set_resume_error(Arc::from(error.to_string()));
            false
        }
    }
}

#[cfg(test)]
mod tests;

//! Finds sessions that the machine's restart cut off, and resumes them in the background.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use wxcode_core::id::Id;
use wxcode_holder::folder::{HOLDER_LOST, REBOOTED, State, TERMINATED};

use crate::agent::{launch::start::StartError, manager::Manager};

/// Sessions resumed at the same time after a start.
pub const RESUMED_AT_ONCE: usize = 4;

/// A session that ran when the machine, or its container, went down.
pub(crate) struct Interrupted {
    pub(in crate::agent) project: Id,
    pub(in crate::agent) session: Id,
}

/// Whether a session was cut off, according to its folder. `settled`: a server has seen its end.
///
/// A holder killed under a server's eyes ended normally. SIGTERM reaches all processes when the
/// machine goes down, and a server may live long enough to see the others end.
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

impl Manager {
    /// Starts the sessions of those projects again that had no other since, [`RESUMED_AT_ONCE`] at
    /// a time.
    pub(crate) async fn resume_interrupted(&self, interrupted: Vec<Interrupted>) {
        let total = interrupted.len();
        let resumed = stream::iter(interrupted)
            .map(|interrupted| self.resume_one(interrupted))
            .buffer_unordered(RESUMED_AT_ONCE)
            .filter(|resumed| std::future::ready(*resumed))
            .count()
            .await;
        if total > 0 {
            tracing::info!(resumed, total, "sessions that were cut off are resumed");
        }
    }

    async fn resume_one(&self, Interrupted { project, session }: Interrupted) -> bool {
        let slot = self.slot(project);
        if slot.latest().is_none_or(|latest| latest.id != session) {
            return false; // another one followed it
        }
        // A start runs to its end even if this task is dropped.
        let sessions = self.clone();
        let started = tokio::spawn(async move { sessions.get_or_create(project).await }).await;
        match started {
            Ok(Ok(found)) => found.created,
            Ok(Err(StartError::NoProject | StartError::Closing)) | Err(_) => false,
            Ok(Err(error)) => {
                tracing::error!(%project, %session, %error, "a session could not be resumed after the start");
                slot.set_resume_error(Arc::from(error.to_string()));
                false
            }
        }
    }

    /// Why the session of a project could not be resumed at the server's start.
    #[must_use]
    pub fn resume_error(&self, project: Id) -> Option<Arc<str>> {
        self.slot(project).resume_error()
    }
}

#[cfg(test)]
mod tests;

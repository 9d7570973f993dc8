//! Following a session anew whose following a defect broke off: a panic costs a moment, not the session.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::Notify, time::sleep};
use uuid::Uuid;

use super::{
    live::{Ends, Note, Session},
    registry::Sessions,
};

/// How long to wait before: what fails at once must not keep a processor busy.
const PAUSE: Duration = Duration::from_secs(1);

/// What it takes to follow a session, beside the session.
#[derive(Clone)]
pub(super) struct Following {
    pub(super) note: Note,
    /// The project's conversation when the following begins.
    pub(super) current: Option<Uuid>,
    /// Whether no other agent of the project was started later.
    pub(super) is_latest: bool,
    /// Rings when the planning files may be others.
    pub(super) planning: Arc<Notify>,
}

impl Sessions {
    /// Follows a session to its end, or until the server closes, over any panic. It stays the same session: whoever is attached to
    /// it, or waits for its end, notices nothing.
    pub(super) fn watch(&self, session: Arc<Session>, ends: Ends, mut following: Following) {
        let sessions = self.clone();
        self.0.watchers.spawn(async move {
            let closing = sessions.0.closing.clone();
            let seat = sessions.seat(session.project_id);
            let mut watcher = sessions.watcher(&session, ends, following.clone());
            while AssertUnwindSafe(watcher.run()).catch_unwind().await.is_err() {
                tracing::error!(session = %session.id, "a defect broke off the following of a session; it is followed anew");
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    () = closing.cancelled() => return,
                }
                if seat.latest().is_none_or(|latest| latest.id != session.id) {
                    return; // another one has taken its place
                }
                following.current = sessions.current_conversation(&following.note).await;
                watcher = sessions.watcher(&session, session.ends_anew(), following.clone());
            }
        });
    }
}

#[cfg(test)]
mod tests;

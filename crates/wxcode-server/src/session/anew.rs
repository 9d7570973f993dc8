//! Supervises a session's monitor and restarts it after a panic.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::Notify, time::sleep};
use uuid::Uuid;

use wxcode_core::delivery::machine::Deadlines;

use super::{
    courier::Courier,
    identity::Ledger,
    live::{Ends, Note, Session},
    registry::Sessions,
    upgrade::Upgrade,
    watcher::Watcher,
};

/// Pause before a restart: an instant failure must not keep a processor busy.
const PAUSE: Duration = Duration::from_secs(1);

/// Input of a monitor, besides the session.
#[derive(Clone)]
pub(super) struct Following {
    pub(super) note: Note,
    /// The project's conversation at the monitor's start.
    pub(super) current: Option<Uuid>,
    /// Whether no other agent of the project started later.
    pub(super) is_latest: bool,
    /// Wakes the reader of the planning files.
    pub(super) planning: Arc<Notify>,
}

impl Sessions {
    /// Monitors a session to its end, or until the server closes, through any panic. The session
    /// stays the same, so attached clients notice nothing.
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
                    return; // another one has replaced it
                }
                following.current = sessions.current_conversation(&following.note).await;
                watcher = sessions.watcher(&session, session.ends_anew(), following.clone());
            }
        });
    }

    /// Creates a monitor that starts at the session's first hook.
    fn watcher(&self, session: &Arc<Session>, ends: Ends, following: Following) -> Watcher {
        let Following {
            current, is_latest, ..
        } = following;
        let (project, id) = (session.project_id, session.id);
        let store = &self.0.store;
        let ready_ms = u64::try_from(self.0.settings.ready_timeout.as_millis()).unwrap_or(u64::MAX);
        let leases = &self.0.leases;
        let ledger = Ledger::new(
            store.clone(),
            leases.clone(),
            project,
            id,
            current,
            is_latest,
        );
        let courier = Courier::new(
            store.clone(),
            leases.clone(),
            project,
            id,
            is_latest,
            Deadlines { ready_ms },
        );
        let upgrades = self.0.settings.upgrade_holders;
        let upgrades = upgrades.then(|| Arc::clone(&self.0.upgrades));
        let closing = self.0.closing.clone();
        Watcher::new(
            Arc::clone(session),
            ends,
            following,
            ledger,
            courier,
            Upgrade::new(id, self.0.settings.holder.clone(), upgrades),
            closing,
        )
    }
}

#[cfg(test)]
mod tests;

//! Supervises a session's monitor and restarts it after a panic.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{sync::Notify, time::sleep};
use uuid::Uuid;

use wxcode_core::delivery::machine::Deadlines;

use crate::agent::{
    conversation::ConversationLog,
    delivery::worker::DeliveryWorker,
    manager::Manager,
    monitor::{session::SessionMonitor, upgrade::Upgrade},
    session::{MonitorChannels, Note, Session},
};

/// Pause before a restart: an instant failure must not keep a processor busy.
const PAUSE: Duration = Duration::from_secs(1);

/// Input of a monitor, besides the session.
#[derive(Clone)]
pub(in crate::agent) struct MonitorInput {
    pub(in crate::agent) note: Note,
    /// The project's conversation at the monitor's start.
    pub(in crate::agent) current: Option<Uuid>,
    /// Whether no other agent of the project started later.
    pub(in crate::agent) is_latest: bool,
    /// Wakes the reader of the planning files.
    pub(in crate::agent) planning: Arc<Notify>,
}

impl Manager {
    /// Monitors a session to its end, or until the server closes, through any panic. The session
    /// stays the same, so attached clients notice nothing.
    pub(in crate::agent) fn supervise(
        &self,
        session: Arc<Session>,
        channels: MonitorChannels,
        mut input: MonitorInput,
    ) {
        let sessions = self.clone();
        self.0.tasks.spawn(async move {
            let closing = sessions.0.closing.clone();
            let slot = sessions.slot(session.project_id);
            let mut monitor = sessions.monitor(&session, channels, input.clone());
            while AssertUnwindSafe(monitor.run()).catch_unwind().await.is_err() {
                tracing::error!(session = %session.id, "session monitor panicked; restarting");
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    () = closing.cancelled() => return,
                }
                if slot.latest().is_none_or(|latest| latest.id != session.id) {
                    return; // another one has replaced it
                }
                input.current = sessions.current_conversation(&input.note).await;
                monitor = sessions.monitor(&session, session.reset_channels(), input.clone());
            }
        });
    }

    /// Creates a monitor that starts at the session's first hook.
    fn monitor(
        &self,
        session: &Arc<Session>,
        channels: MonitorChannels,
        input: MonitorInput,
    ) -> SessionMonitor {
        let MonitorInput {
            current, is_latest, ..
        } = input;
        let (project, id) = (session.project_id, session.id);
        let store = &self.0.store;
        let ready_ms = u64::try_from(self.0.settings.ready_timeout.as_millis()).unwrap_or(u64::MAX);
        let leases = &self.0.leases;
        let conversation_log = ConversationLog::new(
            Arc::clone(store),
            leases.clone(),
            project,
            id,
            current,
            is_latest,
        );
        let delivery_worker = DeliveryWorker::new(
            Arc::clone(store),
            leases.clone(),
            project,
            id,
            is_latest,
            Deadlines { ready_ms },
        );
        let upgrades = self.0.settings.upgrade_holders;
        let upgrades = upgrades.then(|| Arc::clone(&self.0.upgrades));
        let closing = self.0.closing.clone();
        SessionMonitor::new(
            Arc::clone(session),
            channels,
            input,
            conversation_log,
            delivery_worker,
            Upgrade::new(id, self.0.settings.holder.clone(), upgrades),
            closing,
        )
    }
}

#[cfg(test)]
mod tests;

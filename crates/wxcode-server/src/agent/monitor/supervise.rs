//! Supervises a session's monitor and restarts it after a panic.
//!
//! Invariant: a panic costs a session a second without a monitor, and nothing else. Other sessions
//! notice nothing.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::time::sleep;

use wxcode_core::delivery::machine::Deadlines;

use crate::agent::{
    context::Context,
    conversation::ConversationLog,
    delivery::worker::DeliveryWorker,
    monitor::{
        session::{MonitorInput, SessionMonitor},
        upgrade::Upgrade,
    },
    session::{MonitorChannels, Session},
};

/// Pause before a restart: an instant failure must not keep a processor busy.
const PAUSE: Duration = Duration::from_secs(1);

/// Monitors a session to its end, or until the server closes, through any panic. The session stays
/// the same, so attached clients notice nothing.
pub(in crate::agent) fn supervise(
    context: &Arc<Context>,
    session: Arc<Session>,
    channels: MonitorChannels,
    mut input: MonitorInput,
) {
    let context = Arc::clone(context);
    let tasks = context.tasks.clone();
    tasks.spawn(async move {
        let closing = context.closing.clone();
        let slot = context.slots.get(session.project_id);
        let mut monitor = monitor(&context, &session, channels, input.clone());
        while AssertUnwindSafe(monitor.run())
            .catch_unwind()
            .await
            .is_err()
        {
            tracing::error!(session = %session.id, "session monitor panicked; restarting");
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = closing.cancelled() => return,
            }
            if slot.latest().is_none_or(|latest| latest.id != session.id) {
                return; // a newer session has replaced it
            }
            input.current = context.current_conversation(&input.metadata).await;
            monitor = self::monitor(&context, &session, session.reset_channels(), input.clone());
        }
    });
}

/// Creates a monitor that starts at the session's first hook.
fn monitor(
    context: &Context,
    session: &Arc<Session>,
    channels: MonitorChannels,
    input: MonitorInput,
) -> SessionMonitor {
    let MonitorInput {
        current, is_latest, ..
    } = input;
    let (project, id) = (session.project_id, session.id);
    let ready = context.settings.ready_timeout;
    let conversation_log = ConversationLog::new(
        context.store.clone(),
        context.leases.clone(),
        project,
        id,
        current,
        is_latest,
    );
    let delivery_worker = DeliveryWorker::new(
        context.store.clone(),
        context.changes.clone(),
        context.leases.clone(),
        project,
        id,
        is_latest,
        Deadlines { ready },
    );
    let upgrades = context.settings.upgrade_holders;
    let upgrades = upgrades.then(|| Arc::clone(&context.upgrades));
    SessionMonitor::new(
        Arc::clone(session),
        channels,
        input,
        conversation_log,
        delivery_worker,
        Upgrade::new(id, context.settings.holder.clone(), upgrades),
        context.closing.clone(),
    )
}

#[cfg(test)]
mod tests;

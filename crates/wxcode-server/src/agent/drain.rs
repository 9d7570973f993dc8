//! Drains this node: it takes no new sessions, and on a shared store hands idle ones over.
//!
//! A handed-over session ends like a hibernated one, and its lease is free: the next visit or
//! delivery resumes it on another node. A session in a turn waits for the turn's end.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use wxcode_core::agent::AgentState;

use crate::agent::{context::Context, hibernation, session::Session};

/// Pause between two looks at the sessions.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Begins the drain.
pub(in crate::agent) fn begin(context: &Arc<Context>) {
    if context.draining.swap(true, Ordering::AcqRel) {
        return;
    }
    tracing::info!("this node drains: it takes no new sessions");
    if context.settings.shared.is_none() {
        return;
    }
    let draining = Arc::clone(context);
    context.tasks.spawn(async move {
        while draining.draining.load(Ordering::Acquire) {
            hand_over(&draining).await;
            tokio::select! {
                () = draining.closing.cancelled() => return,
                () = sleep(LOOK_EVERY) => {}
            }
        }
    });
}

/// Ends the drain.
pub(in crate::agent) fn end(context: &Context) {
    if context.draining.swap(false, Ordering::AcqRel) {
        tracing::info!("this node takes new sessions again");
    }
}

async fn hand_over(context: &Arc<Context>) {
    for slot in context.slots.all() {
        if let Some(session) = slot.running() {
            hibernation::hand_over(context, &session).await;
        }
    }
}

/// Drains, and waits for turns and runs: at most this long.
pub(in crate::agent) async fn settle(context: &Arc<Context>, most: Duration) {
    begin(context);
    let until = Instant::now() + most;
    let is_shared = context.settings.shared.is_some();
    let is_busy = |session: &Session| {
        let state = session.view.borrow().agent_state;
        is_shared || matches!(state, AgentState::Working | AgentState::Starting)
    };
    while Instant::now() < until {
        let slots = context.slots.all();
        let busy = slots.iter().filter(|slot| {
            slot.run().is_some() || slot.running().is_some_and(|session| is_busy(&session))
        });
        if busy.count() == 0 {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
    tracing::warn!(
        seconds = most.as_secs(),
        "ending before all turns are over: their agents run on"
    );
}

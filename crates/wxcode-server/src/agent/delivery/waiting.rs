//! Finds deliveries that wait in the store without a notification, and wakes their sessions.
//!
//! The store may queue a delivery although its answer is lost. Then no session is notified, and the
//! client learns that the outcome is unknown. A timer looks for waiting deliveries and notifies
//! their sessions. Deliveries of unknown outcome are looked up one by one, and get a session like
//! any other delivery.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use wxcode_core::id::Id;
use wxcode_store::StoreError;

use super::{settle, unknown::Unknown};
use crate::agent::{
    context::Context,
    launch::{error::StartError, session::get_or_start},
};

/// Pause between two looks for projects with waiting deliveries.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The first pause before a delivery of unknown outcome is looked up; it doubles to [`LOOK_EVERY`].
const UNSURE_FIRST: Duration = Duration::from_secs(1);

/// Looks for deliveries that wait, until the server ends.
pub(in crate::agent) async fn look_for_waiting(context: &Arc<Context>) {
    let mut pause = LOOK_EVERY;
    loop {
        tokio::select! {
            () = context.closing.cancelled() => return,
            () = context.unknown_outcomes.added.notified() => {
                pause = UNSURE_FIRST;
                continue;
            }
            () = sleep(pause) => {}
        }
        if let Err(error) = wake_waiting(context).await {
            tracing::debug!(%error, "cannot look for deliveries that wait");
        }
        let mut has_unknown = false;
        for unknown in context.unknown_outcomes.all() {
            if take_up(context, unknown).await {
                context.unknown_outcomes.forget(unknown);
            } else {
                has_unknown = true;
            }
        }
        pause = if has_unknown {
            LOOK_EVERY.min(pause * 2)
        } else {
            LOOK_EVERY
        };
    }
}

/// Notifies the sessions with waiting deliveries.
async fn wake_waiting(context: &Context) -> Result<(), StoreError> {
    for project in context.store.projects_with_open_deliveries().await? {
        let session = context.slots.known(project).and_then(|slot| slot.running());
        if let Some(session) = session {
            session.queued.notify_one();
        }
    }
    Ok(())
}

/// Starts a session for a delivery of unknown outcome, if the store has the delivery; returns
/// whether the outcome is known now.
async fn take_up(context: &Arc<Context>, Unknown { project, delivery }: Unknown) -> bool {
    match is_open(context, delivery).await {
        Ok(true) => {}
        Ok(false) => return true,
        Err(_) => return false,
    }
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    // A run holds the slot: the delivery waits for its end.
    if slot.is_free().is_err() {
        return false;
    }
    // It may have been carried out, or failed, meanwhile.
    match is_open(context, delivery).await {
        Ok(true) => {}
        Ok(false) => return true,
        Err(_) => return false,
    }
    match get_or_start(context, &slot, project).await {
        Ok(found) => {
            tracing::info!(%project, %delivery, "took up a delivery that the store had queued without an answer");
            found.session.queued.notify_one();
            true
        }
        Err(StartError::Store(StoreError::Unavailable(_)) | StartError::Closing) => false,
        // The other server's timer finds it.
        Err(StartError::Elsewhere { .. }) => true,
        Err(error) => settle::fail_by_id(&context.store, delivery, error.to_string())
            .await
            .is_ok(),
    }
}

async fn is_open(context: &Context, delivery: Id) -> Result<bool, StoreError> {
    let delivery = context.store.delivery(delivery).await?;
    Ok(delivery.is_some_and(|delivery| !delivery.state.is_over()))
}

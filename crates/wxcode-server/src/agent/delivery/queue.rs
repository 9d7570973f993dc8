//! Queues a delivery, and makes sure that a session takes it.

use std::sync::Arc;

use wxcode_core::{delivery::Delivery, id::Id};
use wxcode_store::{Command, NewDelivery, Queued, StoreError};

use super::settle;
use crate::agent::{
    context::Context,
    launch::{error::StartError, held_lease, session::get_or_start},
};

/// The outcome of a delivery request.
#[derive(Debug)]
pub enum Delivered {
    /// The delivery is queued, now or earlier.
    Accepted(Delivery),
    /// A delivery with another text has this key.
    KeyTaken(Id),
    /// The store refused it, for another reason than an existing delivery.
    Refused(Queued),
}

/// Queues a delivery and starts a session for it if none runs.
///
/// Invariant: a delivery is queued before the last deliveries of an ending session are settled, or
/// finds the session ended. No delivery waits for a session that nobody starts.
///
/// # Errors
/// When no session runs and none can be started: the delivery is `failed`.
pub(in crate::agent) async fn deliver(
    context: &Arc<Context>,
    new: &NewDelivery,
) -> Result<Delivered, StartError> {
    let project = new.output_project_id;
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    // Before queueing: a delivery must not wait for a session that cannot start.
    slot.is_free()?;
    held_lease::check(context, project).await?;
    let running = slot.running();
    // A running session settles its last deliveries only after this one is queued.
    let _intake = match &running {
        Some(session) => Some(session.intake.lock().await),
        None => None,
    };
    let queued = context.store.queue(new).await;
    if matches!(queued, Err(StoreError::Unavailable(_))) {
        // The store may have queued it all the same.
        context.unknown_outcomes.add(project, new.id);
    }
    let delivery = match queued? {
        Queued::New(delivery) => delivery,
        Queued::Existing(delivery) if !is_same(new, &delivery) => {
            return Ok(Delivered::KeyTaken(delivery.id));
        }
        Queued::Existing(delivery) => {
            if !delivery.state.is_over() && slot.running().is_none() {
                get_or_start(context, &slot, project).await?;
            }
            return Ok(Delivered::Accepted(delivery));
        }
        refused => return Ok(Delivered::Refused(refused)),
    };
    match get_or_start(context, &slot, project).await {
        Ok(found) => {
            found.session.queued.notify_one();
            let read = context.store.delivery(delivery.id).await?;
            Ok(Delivered::Accepted(read.unwrap_or(delivery)))
        }
        Err(error) => {
            let failed = settle::fail_by_id(&context.store, delivery.id, error.to_string());
            if failed.await.is_err() {
                context.unknown_outcomes.add(project, delivery.id);
            }
            Err(error)
        }
    }
}

/// Whether an existing delivery equals the request.
fn is_same(new: &NewDelivery, delivery: &Delivery) -> bool {
    match &new.command {
        Command::Text(text) => *text == delivery.text,
        // Its milestone identifies it.
        Command::Milestone { .. } => true,
    }
}

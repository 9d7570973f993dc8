//! Queues a delivery, and makes sure that a session takes the delivery.

use std::sync::Arc;

use jiff::Timestamp;
use wxcode_core::{delivery::Delivery, id::Id};
use wxcode_store::{Command, Edit, Edited, NewDelivery, Queued, StoreError};

use super::{room, settle};
use crate::agent::{
    context::Context,
    launch::{
        error::StartError,
        held_lease,
        session::{get_or_start, reserve, start_reserved},
    },
};

/// The outcome of a delivery request.
#[derive(Debug)]
pub enum Delivered {
    /// The delivery is queued, now or earlier.
    Accepted(Delivery),
    /// A delivery with another text has this key.
    KeyTaken(Id),
    /// The store refused the delivery, for another reason than an existing delivery.
    Refused(Queued),
}

/// Queues a delivery, and starts a session for the delivery if none runs.
///
/// Invariant: a delivery is queued before the last deliveries of an ending session are settled, or
/// finds the session ended. No delivery waits for a session that is never started.
///
/// # Errors
/// When no session runs and none can be started: the delivery is `failed`. Beyond the capacity of
/// the node it waits for room instead.
pub(in crate::agent) async fn deliver(
    context: &Arc<Context>,
    new: &NewDelivery,
) -> Result<Delivered, StartError> {
    let project = new.output_project_id;
    let slot = context.slots.get(project);
    let _guard = slot.lock().await;
    let is_later = |not_before: Option<Timestamp>| not_before.is_some_and(|at| at > new.at);
    let running = slot.running();
    // Before queueing: a delivery must not wait for a session that cannot start. Another server
    // starting now must find the project's owner.
    let needs_start = running.is_none() && !is_later(new.not_before);
    let mut fence = None;
    let reserved = match needs_start {
        true => match reserve(context, &slot, project).await {
            Ok(reserved) => Some(reserved),
            // It waits for room.
            Err(StartError::Full(_)) => {
                fence = held_lease::check(context, project).await?;
                None
            }
            Err(error) => return Err(error),
        },
        false => {
            fence = held_lease::check(context, project).await?;
            None
        }
    };
    let new = &NewDelivery {
        fence,
        ..new.clone()
    };
    let is_full = needs_start && reserved.is_none();
    // A running session settles its last deliveries only after this delivery is queued.
    let _intake = match &running {
        Some(session) => Some(session.intake.lock().await),
        None => None,
    };
    let queued = context.store.queue(new).await;
    let is_open = |delivery: &Delivery| {
        let needs_session = !delivery.state.is_over() && !delivery.is_ahead(new.at);
        needs_session && slot.running().is_none()
    };
    let needs_session = match &queued {
        Ok(Queued::New(delivery)) => !delivery.is_ahead(new.at),
        Ok(Queued::Existing(delivery)) => is_same(new, delivery) && is_open(delivery),
        // The store may have queued the delivery all the same: the lease stays until its term ends.
        Err(StoreError::Unavailable(_)) => {
            context.unknown_outcomes.add(project, new.id);
            true
        }
        Ok(_) | Err(_) => false,
    };
    let held = reserved
        .as_ref()
        .and_then(|reserved| reserved.held.as_ref());
    if let Some(held) = held.filter(|_| !needs_session) {
        context.leases.give_back(project, held).await;
    }
    let mut reserved = reserved;
    let mut start = async || match reserved.take() {
        Some(reserved) => start_reserved(context, &slot, project, reserved).await,
        None => get_or_start(context, &slot, project).await,
    };
    let delivery = match queued? {
        Queued::New(delivery) => delivery,
        Queued::Existing(delivery) if !is_same(new, &delivery) => {
            return Ok(Delivered::KeyTaken(delivery.id));
        }
        Queued::Existing(delivery) => {
            if is_open(&delivery) && !is_full {
                start().await?;
            }
            return Ok(Delivered::Accepted(delivery));
        }
        Queued::Fenced => {
            // Without an agent here, the request goes on to the new owner.
            held_lease::check(context, project).await?;
            return Ok(Delivered::Refused(Queued::Fenced));
        }
        refused => return Ok(Delivered::Refused(refused)),
    };
    if delivery.is_ahead(new.at) {
        wake(context, project);
        return Ok(Delivered::Accepted(delivery));
    }
    if is_full {
        let waiting = room::wait(context, &delivery).await?;
        wake(context, project);
        return Ok(Delivered::Accepted(waiting));
    }
    match start().await {
        Ok(found) => {
            found.session.notify_queued();
            // The start may have taken it along, as its initial prompt.
            let read = match found.created {
                true => context.store.delivery(delivery.id).await?,
                false => None,
            };
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

/// Edits or moves a waiting delivery.
pub(in crate::agent) async fn edit(context: &Context, edit: &Edit) -> wxcode_store::Result<Edited> {
    let edited = context.store.edit(edit).await?;
    if matches!(edited, Edited::Done(_)) {
        wake(context, edit.output_project_id);
    }
    Ok(edited)
}

/// Cancels a waiting delivery. The milestone of a cancelled command stays pending with that reason,
/// and can be started again.
pub(in crate::agent) async fn cancel(
    context: &Context,
    project: Id,
    delivery: Id,
) -> wxcode_store::Result<Edited> {
    loop {
        let found = context.store.delivery(delivery).await?;
        let found = found.filter(|found| found.output_project_id == project);
        let Some(delivery) = found else {
            return Ok(Edited::Missing);
        };
        if !delivery.is_waiting() {
            return Ok(Edited::NotWaiting(delivery));
        }
        if let Some(delivery) = settle::cancel(&context.store, &delivery).await? {
            wake(context, project);
            return Ok(Edited::Done(delivery));
        }
        // The worker or another request changed the delivery meanwhile.
    }
}

/// The project's queue has changed: its worker, or the timer without a session, looks again.
fn wake(context: &Context, project: Id) {
    match context.slots.known(project).and_then(|slot| slot.running()) {
        Some(session) => session.queued.notify_one(),
        None => context.unknown_outcomes.added.notify_one(),
    }
}

/// Whether an existing delivery equals the request. An edited delivery is known by its key alone.
fn is_same(new: &NewDelivery, delivery: &Delivery) -> bool {
    match &new.command {
        _ if delivery.edits > 0 => true,
        Command::Text(text) => *text == delivery.text,
        // The milestone identifies the delivery.
        Command::Milestone { .. } => true,
    }
}

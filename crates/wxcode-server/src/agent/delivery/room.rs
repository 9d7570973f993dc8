//! Deliveries that wait for room: all nodes that could run their sessions are full.
//!
//! They wait in the order of their creation. Any node with room that reaches the workspace starts
//! the session of the first one.

use std::sync::Arc;

use wxcode_core::{delivery::Delivery, id::Id};
use wxcode_store::{NextQuery, StoreError};

use super::settle;
use crate::agent::context::Context;

/// The beginning of the error of a delivery that waits for room.
const WAITS: &str = "waits for a free session";

/// Whether a delivery waits for room.
pub(super) fn is_waiting(delivery: &Delivery) -> bool {
    let error = delivery.error.as_deref();
    delivery.is_waiting() && error.is_some_and(|error| error.starts_with(WAITS))
}

/// The error of the delivery at this place, from 1.
fn told(place: usize) -> String {
    format!("{WAITS}: place {place} in the queue; it starts when another session ends")
}

/// Notes that a new delivery waits for room, and returns it.
pub(super) async fn wait(
    context: &Arc<Context>,
    delivery: &Delivery,
) -> Result<Delivery, StoreError> {
    let ahead = queue(context).await?;
    let ahead = ahead.iter().filter(|first| first.id != delivery.id).count();
    settle::note(&context.store, delivery, told(ahead + 1)).await?;
    let read = context.store.delivery(delivery.id).await?;
    Ok(read.unwrap_or_else(|| delivery.clone()))
}

/// The first delivery of each project that waits for room, in order.
async fn queue(context: &Arc<Context>) -> Result<Vec<Delivery>, StoreError> {
    let mut waiting = Vec::new();
    for project in context.store.projects_with_open_deliveries().await? {
        if let Some(delivery) = first(context, project).await? {
            waiting.push(delivery);
        }
    }
    waiting.sort_by_key(|delivery| (delivery.created_at, delivery.id));
    Ok(waiting)
}

async fn first(context: &Arc<Context>, project: Id) -> Result<Option<Delivery>, StoreError> {
    let query = NextQuery {
        now: jiff::Timestamp::now(),
        in_turn: false,
    };
    let next = context.store.next_delivery(project, query).await?;
    Ok(next.delivery.filter(is_waiting))
}

/// Tells each waiting delivery its place.
pub(super) async fn tell_places(context: &Context, waiting: &[Delivery]) {
    for (at, delivery) in waiting.iter().enumerate() {
        if let Err(error) = settle::note(&context.store, delivery, told(at + 1)).await {
            tracing::debug!(%error, delivery = %delivery.id, "cannot note the place of a delivery");
        }
    }
}

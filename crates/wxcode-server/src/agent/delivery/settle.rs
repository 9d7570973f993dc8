//! Ends deliveries without the machine: their session is gone, or never came.

use jiff::Timestamp;
use wxcode_claude::transcript::outcome::Outcome;
use wxcode_core::{
    delivery::{CANCELLED, Delivery, DeliveryState, machine::refused},
    id::Id,
    time::to_millis,
};
use wxcode_store::{Result, Step};

use crate::repository::Repository;

/// The error of a delivery whose session ended first.
const ENDED: &str =
    "the agent ended before it took the command: start the session again, then retry";

/// Settles a delivery after the end of its session; `outcome` is `None` if the agent never reported
/// the delivery. A delivery whose time lies ahead needs no session yet.
pub(in crate::agent) async fn end(
    store: &Repository,
    delivery: &Delivery,
    outcome: Option<Outcome>,
) -> Result<()> {
    if delivery.is_ahead(Timestamp::now()) {
        return Ok(());
    }
    match outcome {
        Some(Outcome::Taken) => settle(store, delivery, DeliveryState::Submitted, None).await,
        Some(Outcome::Refused(reason)) => fail(store, delivery, refused(&reason)).await,
        None => fail(store, delivery, ENDED.to_owned()).await,
    }
}

/// Fails an impossible delivery.
pub(in crate::agent) async fn fail(
    store: &Repository,
    delivery: &Delivery,
    reason: String,
) -> Result<()> {
    settle(store, delivery, DeliveryState::Failed, Some(reason)).await
}

/// Whether the milestone of a queued command is still to be started. The command of a deleted or
/// finished milestone fails.
pub(in crate::agent) async fn check_milestone(
    store: &Repository,
    delivery: &Delivery,
) -> Result<bool> {
    let Some(id) = delivery.milestone_id else {
        return Ok(true);
    };
    let reason = match store.milestone(id).await? {
        Some(milestone) if !milestone.status.is_finished() => return Ok(true),
        Some(milestone) => format!("the milestone is {}", milestone.status.as_str()),
        None => "the milestone was deleted".to_owned(),
    };
    fail(store, delivery, reason).await?;
    Ok(false)
}

/// Fails a delivery without a session, unless the delivery is over.
pub(in crate::agent) async fn fail_by_id(
    store: &Repository,
    delivery: Id,
    reason: String,
) -> Result<()> {
    match store.delivery(delivery).await? {
        Some(delivery) => fail(store, &delivery, reason).await,
        None => Ok(()),
    }
}

/// Cancels a waiting delivery; `None` if the delivery changed meanwhile.
pub(in crate::agent) async fn cancel(
    store: &Repository,
    delivery: &Delivery,
) -> Result<Option<Delivery>> {
    let at = to_millis(Timestamp::now());
    let step = Step {
        error: Some(CANCELLED.to_owned()),
        ..Step::new(delivery, DeliveryState::Failed, at)
    };
    store.step(&step).await
}

/// Notes why a waiting delivery gets no session yet.
pub(in crate::agent) async fn note(
    store: &Repository,
    delivery: &Delivery,
    obstacle: String,
) -> Result<()> {
    let error = Some(obstacle);
    if delivery.error == error {
        return Ok(());
    }
    settle(store, delivery, delivery.state, error).await
}

async fn settle(
    store: &Repository,
    delivery: &Delivery,
    state: DeliveryState,
    error: Option<String>,
) -> Result<()> {
    let at = to_millis(Timestamp::now());
    let step = Step {
        error,
        ..Step::new(delivery, state, at)
    };
    // A changed version means that another writer settled the delivery.
    store.step(&step).await.map(drop)
}

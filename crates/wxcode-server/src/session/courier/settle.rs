//! Ends deliveries without the machine: their session is gone, or never came.

use jiff::Timestamp;
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    time::to_millis,
};
use wxcode_store::{Result, Step};

use crate::repository::Repository;

/// The error of a delivery that ended so.
const ENDED: &str =
    "the agent ended before it took the command: start the session again, then retry";

/// Settles a delivery whose session is gone.
pub(in crate::session) async fn end(
    store: &Repository,
    delivery: &Delivery,
    reported: bool,
) -> Result<()> {
    if reported {
        settle(store, delivery, DeliveryState::Submitted, None).await
    } else {
        fail(store, delivery, ENDED.to_owned()).await
    }
}

/// Fails a delivery that cannot be made.
pub(in crate::session) async fn fail(
    store: &Repository,
    delivery: &Delivery,
    reason: String,
) -> Result<()> {
    settle(store, delivery, DeliveryState::Failed, Some(reason)).await
}

async fn settle(
    store: &Repository,
    delivery: &Delivery,
    state: DeliveryState,
    error: Option<String>,
) -> Result<()> {
    let step = Step {
        id: delivery.id,
        version: delivery.version,
        state,
        attempts: delivery.attempts,
        error,
        session_id: delivery.session_id,
        route: delivery.route,
        after_seq: delivery.after_seq,
        at: to_millis(Timestamp::now()),
    };
    // A changed version means that another writer settled it.
    store.step(&step).await.map(drop)
}

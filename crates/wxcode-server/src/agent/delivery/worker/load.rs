//! Loads the next delivery from the store.

use jiff::Timestamp;
use tokio::time::Instant;
use wxcode_core::delivery::{
    Delivery, DeliveryState, Route,
    machine::{Event, Machine, Readiness},
};
use wxcode_holder::client::{ClientError, Sender};
use wxcode_store::{Next, NextQuery, Result};

use super::{Current, DeliveryWorker};
use crate::agent::delivery::{schedule, settle::end};

impl DeliveryWorker {
    /// The delivery to carry next.
    async fn next(&mut self, query: NextQuery) -> Result<Next> {
        if let Some(first) = self.first {
            let first = self.store.delivery(first).await?;
            if first.as_ref().is_some_and(|first| !first.state.is_over()) {
                return Ok(Next {
                    delivery: first,
                    due_at: None,
                });
            }
            self.first = None;
        }
        self.store.next_delivery(self.project, query).await
    }

    /// Loads the next delivery, in place of a delivery of which nothing is typed.
    pub(super) async fn load(&mut self, holder: &Sender, now: Instant) -> Result<(), ClientError> {
        self.reload_at = None;
        let query = NextQuery {
            now: Timestamp::now(),
            in_turn: self.readiness == Readiness::Busy,
        };
        let next = match self.next(query).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(project = %self.project, %error, "the store is unavailable; deliveries wait");
                self.retry_later(now);
                return self.release(holder).await;
            }
        };
        self.is_asleep = next.due_at.is_some();
        self.reload_at = next.due_at.map(|at| now + schedule::pause(query.now, at));
        let version = |delivery: &Delivery| (delivery.id, delivery.version);
        let present = self
            .current
            .as_ref()
            .map(|current| version(&current.delivery));
        if present.is_some() && present == next.delivery.as_ref().map(version) {
            return Ok(());
        }
        self.current = None;
        self.release(holder).await?;
        let Some(delivery) = next.delivery else {
            return Ok(());
        };
        let ours = delivery.session_id == Some(self.session);
        let at = self.clock.moment(now);
        let machine = match (delivery.route, delivery.state) {
            (Route::Prompt, _) if ours => Machine::riding(self.deadlines, at),
            (Route::Typed, state) if ours || state == DeliveryState::Queued => {
                Machine::typed(state, delivery.steer, delivery.typings, self.deadlines, at)
            }
            // An earlier session may have taken the delivery, so the delivery is not typed again.
            _ => {
                let settled = end(&self.store, &delivery, None).await;
                if settled.is_ok() {
                    self.reload(now);
                } else {
                    self.retry_later(now);
                }
                return Ok(());
            }
        };
        self.current = Some(Current { delivery, machine });
        if let Some(event) = self.report(now) {
            return self.advance(event, holder, now).await;
        }
        self.advance(Event::Agent(self.readiness.clone()), holder, now)
            .await
    }
}

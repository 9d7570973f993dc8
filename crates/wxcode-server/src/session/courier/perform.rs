//! Carries out the machine's effects: requests to the holder, and steps in the store.

use jiff::Timestamp;
use wxcode_claude::{input_box, prompt};
use wxcode_core::{
    delivery::{
        DeliveryState,
        machine::{Effect, Event, Key},
    },
    time::to_millis,
};
use wxcode_holder::client::{ClientError, Request, Sender};
use wxcode_store::Step;

use super::{Courier, Under};

impl Courier {
    pub(super) async fn perform(
        &mut self,
        effect: Effect,
        holder: &Sender,
    ) -> Result<Option<Event>, Setback> {
        let Some(Under { delivery, .. }) = &self.under else {
            return Ok(None);
        };
        let (state, attempts, error) = (delivery.state, delivery.attempts, delivery.error.clone());
        let after = delivery.after_seq;
        match effect {
            Effect::Claim => {
                self.claim(holder).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Release => {
                self.release(holder).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Look => {
                self.look(holder).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Press(key) => {
                let keys = match key {
                    Key::Stash => input_box::STASH,
                    Key::Escape => input_box::ESCAPE,
                };
                self.press(keys, holder).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Record => {
                self.step(DeliveryState::Written, 1, None, Some(self.seq))
                    .await?;
                Ok(Some(Event::Recorded))
            }
            Effect::Type => {
                let key = delivery.id.to_string();
                let bytes = prompt::paste(&delivery.text).into();
                let request = Request::LockedDeliver {
                    lock: self.claim,
                    key,
                    bytes,
                };
                holder.post(request).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Enter { attempts } => {
                let keys = prompt::SUBMIT;
                self.press(keys, holder).await.map_err(Setback::Holder)?;
                self.step(state, attempts, error, after).await?;
                Ok(None)
            }
            Effect::Note(note) => {
                self.step(state, attempts, note, after).await?;
                Ok(None)
            }
            Effect::Submitted => {
                self.step(DeliveryState::Submitted, attempts.max(1), None, after)
                    .await?;
                Ok(None)
            }
            Effect::Failed(reason) => {
                self.step(DeliveryState::Failed, attempts, Some(reason), after)
                    .await?;
                Ok(None)
            }
        }
    }

    /// Changes the delivery in progress in the store.
    async fn step(
        &mut self,
        state: DeliveryState,
        attempts: u32,
        error: Option<String>,
        after_seq: Option<u64>,
    ) -> Result<(), Setback> {
        let Some(under) = &mut self.under else {
            return Ok(());
        };
        let step = Step {
            id: under.delivery.id,
            version: under.delivery.version,
            state,
            attempts,
            error,
            session_id: Some(self.session),
            route: under.delivery.route,
            after_seq,
            at: to_millis(Timestamp::now()),
        };
        match self.store.step(&step).await {
            Ok(Some(delivery)) => {
                under.delivery = delivery;
                Ok(())
            }
            Ok(None) => Err(Setback::Changed),
            Err(error) => {
                tracing::warn!(delivery = %step.id, %error, "a delivery waits for the store");
                Err(Setback::Store)
            }
        }
    }
}

/// Why an effect failed.
pub(super) enum Setback {
    /// The holder cannot be reached.
    Holder(ClientError),
    Store,
    /// Another writer changed the delivery.
    Changed,
}

//! Carries out the machine's effects: requests to the holder, and steps in the store.

use jiff::Timestamp;
use tokio::time::Instant;
use wxcode_claude::{input_box, prompt};
use wxcode_core::{
    delivery::{
        DeliveryState,
        machine::{Effect, Event, Key},
    },
    time::to_millis,
};
use wxcode_holder::client::{Request, Sender};
use wxcode_store::Step;

use super::{Current, DeliveryWorker, error::EffectError};
use crate::agent::delivery::settle;

impl DeliveryWorker {
    pub(in crate::agent) async fn perform(
        &mut self,
        effect: Effect,
        holder: &Sender,
    ) -> Result<Option<Event>, EffectError> {
        let Some(Current { delivery, .. }) = &self.current else {
            return Ok(None);
        };
        let (state, attempts, error) = (delivery.state, delivery.attempts, delivery.error.clone());
        let after = delivery.after_seq;
        match effect {
            Effect::Claim => {
                self.keep_base().await;
                self.acquire(holder).await.map_err(EffectError::Holder)?;
                Ok(None)
            }
            Effect::Release => {
                self.release(holder).await.map_err(EffectError::Holder)?;
                Ok(None)
            }
            Effect::Look => {
                self.look(holder).await.map_err(EffectError::Holder)?;
                Ok(None)
            }
            Effect::Press(key) => {
                let keys = match key {
                    Key::Stash => input_box::STASH,
                    Key::Escape => input_box::ESCAPE,
                };
                self.press(keys, holder)
                    .await
                    .map_err(EffectError::Holder)?;
                Ok(None)
            }
            Effect::Record => {
                self.check_milestone().await?;
                if state == DeliveryState::Queued {
                    self.note_transcript().await;
                }
                // Reports of an earlier typing still count.
                let after = match state {
                    DeliveryState::Queued => Some(self.seq),
                    _ => after,
                };
                if let Some(current) = &mut self.current {
                    // A delivery written by an earlier version does not count its typing.
                    let before = u32::from(state == DeliveryState::Written);
                    current.delivery.typings = before.max(current.delivery.typings) + 1;
                }
                self.step(DeliveryState::Written, 1, None, after).await?;
                Ok(Some(Event::Recorded))
            }
            Effect::Type => {
                let key = delivery.key();
                let bytes = prompt::paste(&delivery.text).into();
                let request = Request::LockedDeliver {
                    lock: self.lock_id,
                    key,
                    bytes,
                };
                holder.post(request).await.map_err(EffectError::Holder)?;
                Ok(None)
            }
            Effect::Enter { attempts } => {
                let keys = prompt::SUBMIT;
                self.press(keys, holder)
                    .await
                    .map_err(EffectError::Holder)?;
                self.step(state, attempts, error, after).await?;
                self.seek_command(Instant::now());
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

    /// Fails the command of a milestone that another program deleted or finished meanwhile.
    async fn check_milestone(&mut self) -> Result<(), EffectError> {
        let Some(current) = &self.current else {
            return Ok(());
        };
        let checked = settle::check_milestone(&self.store, &current.delivery).await;
        match checked {
            Ok(true) => Ok(()),
            Ok(false) => Err(EffectError::Changed),
            Err(error) => {
                let delivery = current.delivery.id;
                tracing::warn!(%delivery, %error, "the store is unavailable; the delivery waits");
                Err(EffectError::Store)
            }
        }
    }

    /// Before a milestone's command is typed: the changes of the milestone begin here.
    async fn keep_base(&self) {
        let Some(Current { delivery, .. }) = &self.current else {
            return;
        };
        let (Some(milestone), DeliveryState::Queued) = (delivery.milestone_id, delivery.state)
        else {
            return;
        };
        if let Ok(Some(project)) = self.store.project(self.project).await {
            let workspace = &project.workspace_path;
            self.changes.begin(self.project, milestone, workspace).await;
        }
    }

    /// Changes the delivery in progress in the store.
    async fn step(
        &mut self,
        state: DeliveryState,
        attempts: u32,
        error: Option<String>,
        after_seq: Option<u64>,
    ) -> Result<(), EffectError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let at = to_millis(Timestamp::now());
        let step = Step {
            attempts,
            error,
            session_id: Some(self.session),
            after_seq,
            ..Step::new(&current.delivery, state, at)
        };
        match self.store.step(&step).await {
            Ok(Some(delivery)) => {
                current.delivery = delivery;
                Ok(())
            }
            Ok(None) => Err(EffectError::Changed),
            Err(error) => {
                tracing::warn!(delivery = %step.id, %error, "the store is unavailable; the delivery waits");
                Err(EffectError::Store)
            }
        }
    }
}

//! The delivery worker: carries a project's deliveries into its session, one at a time, in order.

mod keyboard;
mod perform;
mod prompts;
mod settle;

use std::collections::VecDeque;

use wxcode_claude::prompt;
use wxcode_core::{
    delivery::{
        Delivery, DeliveryState, Route,
        machine::{Deadlines, Event, Machine, Readiness},
    },
    id::Id,
};
use wxcode_holder::client::{ClientError, Sender};
use wxcode_store::Result;

use super::lease::Leases;
use crate::repository::Repository;
use perform::Setback;
use prompts::Prompts;
pub(super) use settle::{end, fail};

/// Pause before a failed store is asked again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// The delivery in progress.
struct Under {
    delivery: Delivery,
    machine: Machine,
}

/// Carries the deliveries of one project into one session.
pub(super) struct Courier {
    store: Repository,
    leases: Leases,
    project: Id,
    session: Id,
    /// Whether no other agent of the project was started later: what waits for one of those is not
    /// its own to settle.
    is_latest: bool,
    deadlines: Deadlines,
    under: Option<Under>,
    readiness: Readiness,
    /// When to look for work again; `None` until notified.
    reload_at: Option<u64>,
    prompts: Prompts,
    /// The last hook read.
    seq: u64,
    /// Keys sent to the holder on this connection.
    inputs: u64,
    /// Numbers the input locks.
    claim: u64,
    /// Whether the lock of this number was requested and not released.
    is_claiming: bool,
    /// The id of the expected look.
    look: u64,
}

impl Courier {
    pub(super) fn new(
        store: Repository,
        leases: Leases,
        project: Id,
        session: Id,
        is_latest: bool,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            store,
            leases,
            project,
            session,
            is_latest,
            deadlines,
            under: None,
            readiness: Readiness::NotReady,
            reload_at: Some(0),
            prompts: Prompts::default(),
            seq: 0,
            inputs: 0,
            claim: 0,
            is_claiming: false,
            look: 0,
        }
    }

    /// A delivery was queued.
    pub(super) fn ring(&mut self, now: u64) {
        if self.under.is_none() {
            self.reload_at = Some(now);
        }
    }

    /// The holder is connected again: an earlier claim on the keyboard is over.
    pub(super) fn connected(&mut self, now: u64) {
        self.is_claiming = false;
        self.reload(now);
    }

    /// A delivery in progress is loaded again from the store.
    fn reload(&mut self, now: u64) {
        self.under = None;
        self.reload_at = Some(now);
    }

    /// The holder or the store refused: load the delivery again a little later.
    fn put_off(&mut self, now: u64) {
        self.under = None;
        self.reload_at = Some(now + RETRY_MS);
    }

    /// A hook was read.
    pub(super) fn read(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// Keeps the submitted prompt of the last hook.
    pub(super) fn remember(&mut self, text: &str) {
        self.prompts.keep(self.seq, text);
    }

    /// The agent reported a submitted prompt; it is remembered.
    pub(super) async fn reported(&mut self, holder: &Sender, now: u64) -> Result<(), ClientError> {
        if self
            .under
            .as_ref()
            .is_some_and(|under| self.was_reported(&under.delivery))
        {
            self.tell(Event::Reported, holder, now).await?;
        }
        Ok(())
    }

    /// The agent's readiness may have changed.
    pub(super) async fn ready(
        &mut self,
        readiness: Readiness,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        self.readiness = readiness.clone();
        self.tell(Event::Agent(readiness), holder, now).await
    }

    /// The holder has typed the delivery with this key, now or earlier.
    pub(super) async fn typed(
        &mut self,
        key: &str,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_under(key) {
            self.tell(Event::Typed, holder, now).await?;
        }
        Ok(())
    }

    /// The holder has not typed the delivery with this key.
    pub(super) async fn not_typed(
        &mut self,
        key: &str,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_under(key) {
            self.tell(Event::NotTyped, holder, now).await?;
        }
        Ok(())
    }

    fn is_under(&self, key: &str) -> bool {
        self.under
            .as_ref()
            .is_some_and(|under| under.delivery.id.to_string() == key)
    }

    /// Whether no delivery is in progress or to be looked for.
    pub(super) fn is_idle(&self) -> bool {
        self.under.is_none() && self.reload_at.is_none()
    }

    /// The time of the next [`Self::tick`].
    pub(super) fn deadline(&self) -> Option<u64> {
        self.under
            .as_ref()
            .map_or(self.reload_at, |under| under.machine.deadline())
    }

    /// Takes the passing of time.
    pub(super) async fn tick(&mut self, holder: &Sender, now: u64) -> Result<(), ClientError> {
        if self.under.is_none() && self.reload_at.is_some_and(|at| now >= at) {
            return self.load(holder, now).await;
        }
        if self
            .under
            .as_ref()
            .and_then(|under| under.machine.deadline())
            .is_some_and(|at| now >= at)
        {
            return self.tell(Event::Tick, holder, now).await;
        }
        Ok(())
    }

    /// Feeds the machine and carries out its effects.
    pub(super) async fn tell(
        &mut self,
        event: Event,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(under) = &mut self.under else { break };
            for effect in under.machine.step(&event, now) {
                match self.perform(effect, holder).await {
                    Ok(answer) => events.extend(answer),
                    Err(Setback::Holder(error)) => return Err(error),
                    Err(Setback::Store) => {
                        self.put_off(now);
                        return self.release(holder).await;
                    }
                    Err(Setback::Changed) => {
                        self.reload(now);
                        return self.release(holder).await;
                    }
                }
            }
        }
        if self
            .under
            .as_ref()
            .is_some_and(|under| under.machine.is_over())
        {
            self.reload(now);
        }
        Ok(())
    }

    /// Loads the next delivery.
    async fn load(&mut self, holder: &Sender, now: u64) -> Result<(), ClientError> {
        self.reload_at = None;
        let next = match self.store.next_delivery(self.project).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(project = %self.project, %error, "deliveries wait for the store");
                self.put_off(now);
                return Ok(());
            }
        };
        let Some(delivery) = next else { return Ok(()) };
        let ours = delivery.session_id == Some(self.session);
        let machine = match (delivery.route, delivery.state) {
            (Route::Prompt, _) if ours => Machine::riding(self.deadlines, now),
            (Route::Typed, DeliveryState::Queued) => {
                Machine::typed(DeliveryState::Queued, self.deadlines, now)
            }
            (Route::Typed, state) if ours => Machine::typed(state, self.deadlines, now),
            // It went into a session that is gone and may have taken it, so it is not typed again.
            _ => {
                let settled = end(&self.store, &delivery, false).await;
                if settled.is_ok() {
                    self.reload(now);
                } else {
                    self.put_off(now);
                }
                return Ok(());
            }
        };
        let reported = self.was_reported(&delivery);
        self.under = Some(Under { delivery, machine });
        if reported {
            return self.tell(Event::Reported, holder, now).await;
        }
        self.tell(Event::Agent(self.readiness.clone()), holder, now)
            .await
    }

    /// Whether this session's agent reported the delivery after receiving it.
    fn was_reported(&self, delivery: &Delivery) -> bool {
        self.was_given(delivery)
            && self
                .prompts
                .behind(delivery.after_seq)
                .any(|text| prompt::confirms(&delivery.text, text))
    }

    /// Whether the delivery was given to this session's agent.
    fn was_given(&self, delivery: &Delivery) -> bool {
        let given = delivery.route == Route::Prompt || delivery.state == DeliveryState::Written;
        given && delivery.session_id == Some(self.session)
    }

    /// The agent is gone: settles every delivery meant for it. Returns whether the store took
    /// everything.
    pub(super) async fn close(&mut self) -> bool {
        self.under = None;
        match self.settle().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(project = %self.project, %error, "deliveries of an ended agent wait for the store");
                false
            }
        }
    }

    async fn settle(&self) -> Result<()> {
        if self.leases.is_elsewhere(self.project).await? {
            // The other server carries them.
            return Ok(());
        }
        for delivery in self.store.open_deliveries(self.project).await? {
            if !self.is_latest && delivery.session_id != Some(self.session) {
                continue;
            }
            // The text is needed whole only where it may have been reported.
            let whole = match self.was_given(&delivery) {
                true => self.store.delivery(delivery.id).await?,
                false => None,
            };
            let reported = whole.is_some_and(|whole| self.was_reported(&whole));
            end(&self.store, &delivery, reported).await?;
        }
        Ok(())
    }
}

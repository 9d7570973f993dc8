//! Carries a project's deliveries into its session, one at a time, in order.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use wxcode_claude::{input_box, prompt};
use wxcode_core::{
    delivery::{
        Delivery, DeliveryState, Route,
        machine::{CLAIM_MS, Deadlines, Effect, Event, Key, Machine, Readiness},
    },
    id::Id,
    time::to_millis,
};
use wxcode_holder::client::{ClientError, Request, Sender};
use wxcode_store::{Result, Step, Store};
use wxcode_terminal::Size;

use super::look;

/// The first id of the courier's looks at the screen; those of others are below.
const LOOKS: u64 = 1 << 63;
/// Submitted prompts that are remembered to confirm a delivery that the store could not tell of yet.
const PROMPTS_MAX: usize = 256;
/// How long to wait before a store that failed is asked again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// Why a delivery came to an end without the courier.
const ENDED: &str =
    "the agent ended before it took the command: start the session again, then retry";

/// The delivery under way.
struct Under {
    delivery: Delivery,
    machine: Machine,
}

/// Carries the deliveries of one project into one session.
pub(super) struct Courier {
    store: Arc<dyn Store>,
    project: Id,
    session: Id,
    deadlines: Deadlines,
    under: Option<Under>,
    readiness: Readiness,
    /// When to look for work again; `None` until the bell rings.
    reload_at: Option<u64>,
    prompts: VecDeque<(u64, String)>,
    /// The last hook that was read.
    seq: u64,
    /// Keys that were sent to the holder on this connection.
    inputs: u64,
    /// Whether the holder gives the keyboard to one connection alone.
    claims: bool,
    /// Numbers the claims on the keyboard.
    claim: u64,
    /// Whether the claim of this number was asked for and not given back.
    is_claiming: bool,
    /// The id of the look whose answer counts.
    look: u64,
}

impl Courier {
    pub(super) fn new(
        store: Arc<dyn Store>,
        project: Id,
        session: Id,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            store,
            project,
            session,
            deadlines,
            under: None,
            readiness: Readiness::NotReady,
            reload_at: Some(0),
            prompts: VecDeque::new(),
            seq: 0,
            inputs: 0,
            claims: false,
            claim: 0,
            is_claiming: false,
            look: LOOKS,
        }
    }

    /// Something was queued.
    pub(super) fn ring(&mut self, now: u64) {
        if self.under.is_none() {
            self.reload_at = Some(now);
        }
    }

    /// The holder is connected anew; whether it gives the keyboard to one connection alone. What was claimed is claimed no longer.
    pub(super) fn connected(&mut self, claims: bool, now: u64) {
        self.claims = claims;
        self.is_claiming = false;
        self.reload(now);
    }

    /// What was under way, if anything, is taken up again from the store.
    fn reload(&mut self, now: u64) {
        self.under = None;
        self.reload_at = Some(now);
    }

    /// The holder or the store did not take it: it is taken up again from the store a little later.
    fn put_off(&mut self, now: u64) {
        self.under = None;
        self.reload_at = Some(now + RETRY_MS);
    }

    /// A hook was read.
    pub(super) fn read(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// Keeps a submitted prompt of the hook that was read last.
    pub(super) fn remember(&mut self, text: &str) {
        if self.prompts.len() == PROMPTS_MAX {
            self.prompts.pop_front();
        }
        self.prompts.push_back((self.seq, text.to_owned()));
    }

    /// The agent reported a submitted prompt.
    pub(super) async fn reported(
        &mut self,
        text: &str,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        self.remember(text);
        if self
            .under
            .as_ref()
            .is_some_and(|under| self.was_reported(&under.delivery))
        {
            self.tell(Event::Reported, holder, now).await?;
        }
        Ok(())
    }

    /// The agent may be readier or less ready than before.
    pub(super) async fn ready(
        &mut self,
        readiness: Readiness,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        self.readiness = readiness.clone();
        self.tell(Event::Agent(readiness), holder, now).await
    }

    /// The holder has typed the delivery with this key, now or before.
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

    /// The keyboard is the courier's.
    pub(super) async fn claimed(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_claiming && claim == self.claim {
            self.tell(Event::Claimed, holder, now).await?;
        }
        Ok(())
    }

    /// The keyboard is others' again, or still.
    pub(super) async fn unclaimed(
        &mut self,
        claim: u64,
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        if self.is_claiming && claim == self.claim {
            self.is_claiming = false;
            self.tell(Event::Unclaimed, holder, now).await?;
        }
        Ok(())
    }

    /// A key was not typed, as the keyboard was others' already.
    pub(super) async fn refused(&mut self, holder: &Sender, now: u64) -> Result<(), ClientError> {
        self.tell(Event::Unclaimed, holder, now).await
    }

    /// Whether a screen is the courier's to look at.
    pub(super) const fn asked_for(&self, id: u64) -> bool {
        id >= LOOKS
    }

    /// A screen came that the courier asked for.
    pub(super) async fn looked(
        &mut self,
        id: u64,
        (screen, dump, size): (&str, &[u8], Size),
        holder: &Sender,
        now: u64,
    ) -> Result<(), ClientError> {
        let Some(under) = self.under.as_ref().filter(|_| id == self.look) else {
            return Ok(());
        };
        let seen = look::prompt(screen, dump, size, &under.delivery.text);
        self.tell(Event::Looked(seen), holder, now).await
    }

    /// When [`Self::tick`] has something to do.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.under
            .as_ref()
            .map_or(self.reload_at, |under| under.machine.deadline())
    }

    /// Time passed.
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

    /// Tells the machine under way, and carries out what follows.
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

    /// Gives the keyboard back.
    async fn release(&mut self, holder: &Sender) -> Result<(), ClientError> {
        if std::mem::take(&mut self.is_claiming) && self.claims {
            let claim = self.claim;
            holder.send(Request::Release { claim }).await?;
        }
        Ok(())
    }

    /// Types keys, within the claim where the holder knows claims.
    async fn press(&mut self, keys: &'static [u8], holder: &Sender) -> Result<(), ClientError> {
        self.inputs += 1;
        let (seq, claim, bytes) = (self.inputs, self.claim, Bytes::from_static(keys));
        let request = match self.claims {
            true => Request::ClaimedInput { claim, seq, bytes },
            false => Request::Input { seq, bytes },
        };
        holder.send(request).await
    }

    async fn perform(&mut self, effect: Effect, holder: &Sender) -> Result<Option<Event>, Setback> {
        let Some(Under { delivery, .. }) = &self.under else {
            return Ok(None);
        };
        let (state, attempts, error) = (delivery.state, delivery.attempts, delivery.error.clone());
        let after = delivery.after_seq;
        match effect {
            Effect::Claim => {
                self.claim += 1;
                self.is_claiming = true;
                let claim = self.claim;
                if !self.claims {
                    return Ok(Some(Event::Claimed));
                }
                let for_ms = u32::try_from(CLAIM_MS).unwrap_or(u32::MAX);
                let request = Request::Claim { claim, for_ms };
                holder.send(request).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Release => {
                self.release(holder).await.map_err(Setback::Holder)?;
                Ok(None)
            }
            Effect::Look => {
                self.look += 1;
                let id = self.look;
                let request = Request::Screen { id };
                holder.send(request).await.map_err(Setback::Holder)?;
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
                let request = match self.claims {
                    true => Request::ClaimedDeliver {
                        claim: self.claim,
                        key,
                        bytes,
                    },
                    false => Request::Deliver { key, bytes },
                };
                holder.send(request).await.map_err(Setback::Holder)?;
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

    /// Changes the delivery under way in the store.
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

    /// Takes up the next delivery.
    async fn load(&mut self, holder: &Sender, now: u64) -> Result<(), ClientError> {
        self.reload_at = None;
        let next = match self.store.open_deliveries(self.project).await {
            Ok(open) => open.into_iter().next(),
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
            // It went into a session that is gone: it may have been taken there, so it is not typed again.
            _ => {
                let settled = end(&*self.store, &delivery, false).await;
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

    /// Whether this session's agent reported the delivery after it was given to it.
    fn was_reported(&self, delivery: &Delivery) -> bool {
        let given = delivery.route == Route::Prompt || delivery.state == DeliveryState::Written;
        given
            && delivery.session_id == Some(self.session)
            && self
                .prompts
                .iter()
                .filter(|(seq, _)| delivery.after_seq.is_none_or(|after| *seq > after))
                .any(|(_, text)| prompt::confirms(&delivery.text, text))
    }

    /// The agent is gone: settles every delivery that was meant for it. True when the store took it all.
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
        for delivery in self.store.open_deliveries(self.project).await? {
            let reported = self.was_reported(&delivery);
            end(&*self.store, &delivery, reported).await?;
        }
        Ok(())
    }
}

/// Settles a delivery whose session is gone.
pub(super) async fn end(store: &dyn Store, delivery: &Delivery, reported: bool) -> Result<()> {
    if reported {
        settle(store, delivery, DeliveryState::Submitted, None).await
    } else {
        fail(store, delivery, ENDED.to_owned()).await
    }
}

/// Settles a delivery that cannot be made.
pub(super) async fn fail(store: &dyn Store, delivery: &Delivery, reason: String) -> Result<()> {
    settle(store, delivery, DeliveryState::Failed, Some(reason)).await
}

async fn settle(
    store: &dyn Store,
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
    // A version that changed meanwhile means that somebody else settled it.
    store.step(&step).await.map(drop)
}

/// What keeps an effect from being carried out.
enum Setback {
    /// The holder cannot be reached.
    Holder(ClientError),
    /// The store is away.
    Store,
    /// Somebody else changed the delivery.
    Changed,
}

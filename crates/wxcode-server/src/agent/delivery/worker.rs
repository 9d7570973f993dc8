//! The delivery worker: carries a project's deliveries into the project's session, one at a time,
//! in order.
//!
//! Invariant: `written` is durable before a text is typed. The holder types the text of a delivery
//! at most once in its life, whichever servers ask.
//!
//! Invariant: only a hook with the same text, numbered after the delivery was written, confirms a
//! delivery.
//!
//! Invariant: the worker sends a key only while it holds the input lock, and only after it has read
//! the prompt within the lock. No key goes into a dialog. Into a turn go only the keys of a
//! delivery that steers. The worker sends Enter only when the prompt holds exactly the delivery's
//! text, and stashes a draft only when no other draft is stashed.
//!
//! Invariant: a user edits, moves and cancels only a waiting delivery, and every change has a new
//! version. The step to `written` names the version of the typed text.

mod decision;
mod error;
mod input_lock;
mod load;
mod pending;
mod perform;

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::Instant;
use wxcode_claude::prompt;
use wxcode_core::{
    delivery::{
        Delivery, DeliveryState, Route,
        machine::{Deadlines, Event, Machine, Readiness},
    },
    id::Id,
};
use wxcode_holder::client::{ClientError, Sender};
use wxcode_store::{NewDelivery, Queued, Result};

use super::{
    prompts::{Prompts, ReportedPrompt},
    settle::end,
};
use crate::agent::{clock::Clock, launch::lease::Leases};
use crate::changes::ChangeLog;
use crate::repository::Repository;
use error::EffectError;
use pending::{Decision, TypedAt};

/// Pause before a failed store is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// The delivery in progress.
struct Current {
    delivery: Delivery,
    machine: Machine,
}

/// Carries the deliveries of a project into a session.
pub(in crate::agent) struct DeliveryWorker {
    store: Repository,
    changes: ChangeLog,
    leases: Leases,
    project: Id,
    session: Id,
    /// Whether no later agent of the project was started: an older session's worker must not settle
    /// deliveries that wait for a later agent.
    is_latest: bool,
    deadlines: Deadlines,
    /// The clock of the machine.
    clock: Clock,
    current: Option<Current>,
    readiness: Readiness,
    /// When to look for work again; `None` until notified. At that time a delivery found first
    /// replaces the delivery in progress, if nothing of it is typed.
    reload_at: Option<Instant>,
    /// Whether `reload_at` is the due time of a delivery.
    is_asleep: bool,
    prompts: Prompts,
    /// The last hook of a running turn.
    turn_seq: u64,
    /// The agent's present transcript.
    transcript: Option<PathBuf>,
    /// The ends of files before the typing of the delivery in progress.
    typed_at: Option<TypedAt>,
    /// The delivery to carry before all others.
    first: Option<Id>,
    /// The pending decision of the agent about the delivery in progress.
    decision: Option<Decision>,
    /// The last hook read.
    seq: u64,
    /// Keys sent to the holder on this connection.
    inputs: u64,
    /// Numbers the input locks.
    lock_id: u64,
    /// Whether the lock with the number `lock_id` was requested and not released.
    is_locking: bool,
    /// The id of the expected look.
    look: u64,
}

impl DeliveryWorker {
    pub(in crate::agent) fn new(
        store: Repository,
        changes: ChangeLog,
        leases: Leases,
        project: Id,
        session: Id,
        is_latest: bool,
        deadlines: Deadlines,
    ) -> Self {
        Self {
            store,
            changes,
            leases,
            project,
            session,
            is_latest,
            deadlines,
            clock: Clock::default(),
            current: None,
            readiness: Readiness::NotReady,
            reload_at: Some(Instant::now()),
            is_asleep: false,
            prompts: Prompts::default(),
            turn_seq: 0,
            transcript: None,
            typed_at: None,
            first: None,
            decision: None,
            seq: 0,
            inputs: 0,
            lock_id: 0,
            is_locking: false,
            look: 0,
        }
    }

    /// A delivery was queued, edited, moved or cancelled.
    pub(in crate::agent) const fn notify(&mut self, now: Instant) {
        self.reload_at = Some(now);
        self.is_asleep = false;
    }

    /// The holder is connected again: an earlier claim on the keyboard is over.
    pub(in crate::agent) fn connected(&mut self, now: Instant) {
        self.is_locking = false;
        self.reload(now);
    }

    /// A delivery in progress is loaded again from the store.
    fn reload(&mut self, now: Instant) {
        self.current = None;
        self.decision = None;
        self.typed_at = None;
        self.notify(now);
    }

    /// The holder or the store refused: load the delivery again a little later.
    fn retry_later(&mut self, now: Instant) {
        self.reload(now + RETRY);
    }

    /// A hook was read.
    pub(in crate::agent) fn hook_read(&mut self, seq: u64) {
        self.seq = seq;
    }

    /// The last hook named the agent's transcript.
    pub(in crate::agent) fn follow_transcript(&mut self, path: Option<&Path>) {
        if let Some(path) = path {
            self.transcript = Some(path.to_owned());
        }
    }

    /// The agent's present transcript.
    pub(in crate::agent) fn transcript(&self) -> Option<&Path> {
        self.transcript.as_deref()
    }

    /// Queues a delivery and carries it before all untyped deliveries.
    pub(in crate::agent) async fn put_first(
        &mut self,
        new: &NewDelivery,
        now: Instant,
    ) -> Result<Queued> {
        let queued = self.store.queue(new).await?;
        if let Queued::New(delivery) | Queued::Existing(delivery) = &queued {
            self.first = Some(delivery.id);
        }
        let is_typed = |current: &Current| current.delivery.state != DeliveryState::Queued;
        if !self.current.as_ref().is_some_and(is_typed) {
            self.reload(now);
        }
        Ok(queued)
    }

    /// Keeps the submitted prompt of the last hook.
    pub(in crate::agent) fn remember(&mut self, text: &str, prompt_id: Option<&str>) {
        self.prompts.keep(ReportedPrompt {
            seq: self.seq,
            text: text.to_owned(),
            prompt_id: prompt_id.map(str::to_owned),
            transcript: self.transcript.clone(),
            in_turn: self.readiness == Readiness::Busy,
        });
    }

    /// The last hook belongs to a running turn.
    pub(in crate::agent) fn turn_runs(&mut self) {
        self.turn_seq = self.seq;
    }

    /// The agent reported a submitted prompt, or the turn of a prompt; the worker remembers both.
    pub(in crate::agent) async fn reported(
        &mut self,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        match self.report(now) {
            Some(event) => self.advance(event, holder, now).await,
            None => Ok(()),
        }
    }

    /// The agent's readiness may have changed.
    pub(in crate::agent) async fn ready(
        &mut self,
        readiness: Readiness,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        // A turn begins: steering deliveries overtake all others.
        let is_held_up = |current: &Current| {
            let delivery = &current.delivery;
            delivery.is_waiting() && !delivery.steer
        };
        if readiness == Readiness::Busy
            && self.readiness != Readiness::Busy
            && self.current.as_ref().is_some_and(is_held_up)
        {
            self.notify(now);
        }
        self.readiness = readiness.clone();
        self.advance(Event::Agent(readiness), holder, now).await
    }

    /// Whether nothing of the delivery in progress is typed.
    fn may_give_way(&self) -> bool {
        self.current
            .as_ref()
            .is_none_or(|current| current.delivery.is_waiting())
    }

    /// The holder has typed the delivery with this key, now or earlier.
    pub(in crate::agent) async fn typed(
        &mut self,
        key: &str,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.is_current(key) {
            self.advance(Event::Typed, holder, now).await?;
        }
        Ok(())
    }

    /// The holder has not typed the delivery with this key.
    pub(in crate::agent) async fn not_typed(
        &mut self,
        key: &str,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.is_current(key) {
            self.advance(Event::NotTyped, holder, now).await?;
        }
        Ok(())
    }

    fn is_current(&self, key: &str) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.delivery.key() == key)
    }

    /// Whether no delivery is in progress or to be looked for.
    pub(in crate::agent) fn is_idle(&self) -> bool {
        self.current.is_none() && (self.reload_at.is_none() || self.is_asleep)
    }

    /// The time of the next [`Self::tick`].
    pub(in crate::agent) fn deadline(&self) -> Option<Instant> {
        let machine = self.current.as_ref().and_then(|current| {
            let at = current.machine.deadline()?;
            Some(self.clock.at(at))
        });
        let decision = self.decision.as_ref().map(Decision::due);
        let reload = self.reload_at.filter(|_| self.may_give_way());
        machine.into_iter().chain(decision).chain(reload).min()
    }

    /// Takes the passing of time.
    pub(in crate::agent) async fn tick(
        &mut self,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.may_give_way() && self.reload_at.is_some_and(|at| now >= at) {
            return self.load(holder, now).await;
        }
        if let Some(event) = self.read_decision(now).await {
            return self.advance(event, holder, now).await;
        }
        if self
            .current
            .as_ref()
            .and_then(|current| current.machine.deadline())
            .is_some_and(|at| self.clock.moment(now) >= at)
        {
            return self.advance(Event::Tick, holder, now).await;
        }
        Ok(())
    }

    /// Feeds the machine and carries out the machine's effects.
    pub(in crate::agent) async fn advance(
        &mut self,
        event: Event,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(current) = &mut self.current else {
                break;
            };
            for effect in current.machine.step(&event, self.clock.moment(now)) {
                match self.perform(effect, holder).await {
                    Ok(answer) => events.extend(answer),
                    Err(EffectError::Holder(error)) => return Err(error),
                    Err(EffectError::Store) => {
                        self.retry_later(now);
                        return self.release(holder).await;
                    }
                    Err(EffectError::Changed) => {
                        self.reload(now);
                        return self.release(holder).await;
                    }
                }
            }
        }
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.machine.is_over())
        {
            self.reload(now);
        }
        Ok(())
    }

    /// The report of this session's agent about the delivery after receiving it.
    fn report_of(&self, delivery: &Delivery) -> Option<&ReportedPrompt> {
        let mut prompts = self.prompts.after(delivery.after_seq);
        self.was_given(delivery)
            .then(|| prompts.find(|reported| prompt::confirms(&delivery.text, &reported.text)))?
    }

    /// Whether the delivery was given to this session's agent.
    fn was_given(&self, delivery: &Delivery) -> bool {
        let given = delivery.route == Route::Prompt || delivery.state == DeliveryState::Written;
        given && delivery.session_id == Some(self.session)
    }

    /// The agent is gone: settles every delivery meant for the agent. Returns whether the store
    /// took everything.
    pub(in crate::agent) async fn close(&mut self) -> bool {
        self.current = None;
        match self.settle().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(project = %self.project, %error, "the store is unavailable; the deliveries of an ended agent wait");
                false
            }
        }
    }

    async fn settle(&self) -> Result<()> {
        if self.leases.is_elsewhere(self.project).await? {
            // The other server carries the deliveries.
            return Ok(());
        }
        for delivery in self.store.open_deliveries(self.project).await? {
            if !self.is_latest && delivery.session_id != Some(self.session) {
                continue;
            }
            // The whole text is needed only for a possibly reported delivery.
            let whole = match self.was_given(&delivery) {
                true => self.store.delivery(delivery.id).await?,
                false => None,
            };
            let outcome = match whole {
                Some(whole) => self.last_outcome(&whole).await,
                None => None,
            };
            end(&self.store, &delivery, outcome).await?;
        }
        Ok(())
    }
}

//! Carries an answer into the dialog on a session's screen, a single answer at a time, with the
//! pure machine of `wxcode-core`.
//!
//! Invariant: each deciding key follows a read of the screen. On that screen the key selects the
//! requested option.
//!
//! Invariant: only an explicit request answers a dialog. After a restart, the holder's journal and
//! the screen identify the question again.

use bytes::Bytes;
use tokio::{sync::oneshot, time::Instant};
use wxcode_claude::key;
use wxcode_core::{
    agent::{Agent, Dialog},
    answer::{Effect, Failure, Key, Machine, Target},
};
use wxcode_holder::client::{ClientError, Request, Sender};

use crate::agent::{clock::Clock, monitor::screen::ScreenProbe};

/// Answers waiting for the session; the session refuses further answers while an answer waits or is
/// in progress.
pub(in crate::agent) const ANSWERS_MAX: usize = 1;

/// A requested answer.
#[derive(Debug)]
pub(in crate::agent) struct AnswerRequest {
    /// The id of the answer's question; `None` for the present question.
    pub(in crate::agent) ask: Option<String>,
    pub(in crate::agent) target: Target,
    /// Receives the outcome.
    pub(in crate::agent) outcome: oneshot::Sender<Result<(), Failure>>,
}

/// The answer in progress.
struct Current {
    machine: Machine,
    outcome: oneshot::Sender<Result<(), Failure>>,
}

/// Carries answers into a session.
#[derive(Default)]
pub(in crate::agent) struct Answerer {
    current: Option<Current>,
    /// The clock of the machine.
    clock: Clock,
    /// Keys sent to the holder.
    inputs: u64,
}

impl Answerer {
    /// Accepts an answer, or refuses it.
    pub(in crate::agent) fn begin(
        &mut self,
        requests: AnswerRequest,
        agent: &Agent,
        screen_probe: &mut ScreenProbe,
        now: Instant,
    ) {
        let AnswerRequest {
            ask,
            target,
            outcome,
        } = requests;
        match self.machine(ask.as_deref(), target, agent, now) {
            Ok(machine) => {
                self.current = Some(Current { machine, outcome });
                screen_probe.invalidate(now);
            }
            // The requester may be gone: no error.
            Err(failure) => drop(outcome.send(Err(failure))),
        }
    }

    fn machine(
        &self,
        id: Option<&str>,
        target: Target,
        agent: &Agent,
        now: Instant,
    ) -> Result<Machine, Failure> {
        if self.current.is_some() {
            return Err(Failure::Busy);
        }
        let ask = agent.ask().ok_or(Failure::Nothing)?;
        if id.is_some_and(|id| id != ask.id) {
            return Err(Failure::Replaced);
        }
        Machine::new(&ask, target, self.clock.moment(now))
    }

    /// Whether no answer is in progress.
    pub(in crate::agent) fn is_idle(&self) -> bool {
        self.current.is_none()
    }

    /// Takes an observation of the agent.
    pub(in crate::agent) fn observed(&mut self, agent: &Agent) {
        let ask = agent.ask_id();
        if let Some(current) = &self.current
            && ask.as_deref() != Some(current.machine.ask())
        {
            let effect = current.machine.moved_on();
            self.conclude(effect);
        }
    }

    /// Takes a screen at rest with this dialog.
    pub(in crate::agent) async fn look(
        &mut self,
        dialog: &Dialog,
        screen_probe: &mut ScreenProbe,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        match current.machine.look(dialog, self.clock.moment(now)) {
            Effect::Press(key) => {
                self.inputs += 1;
                let request = Request::Input {
                    seq: self.inputs,
                    bytes: bytes(&key),
                };
                screen_probe.invalidate(now);
                holder.post(request).await?;
            }
            Effect::Look => screen_probe.restart(now),
            effect => self.conclude(effect),
        }
        Ok(())
    }

    /// The time of the next [`Self::tick`].
    pub(in crate::agent) fn deadline(&self) -> Option<Instant> {
        let current = self.current.as_ref()?;
        Some(self.clock.at(current.machine.deadline()))
    }

    /// Takes the passing of time.
    pub(in crate::agent) fn tick(&mut self, now: Instant) {
        let late = self
            .current
            .as_ref()
            .and_then(|current| current.machine.tick(self.clock.moment(now)));
        if let Some(effect) = late {
            self.conclude(effect);
        }
    }

    /// The agent is gone, possibly by the present answer.
    pub(in crate::agent) fn close(&mut self) {
        if let Some(current) = &self.current {
            let effect = match current.machine.moved_on() {
                Effect::Answered => Effect::Answered,
                _ => Effect::Failed(Failure::Gone),
            };
            self.conclude(effect);
        }
    }

    fn conclude(&mut self, effect: Effect) {
        let outcome = match effect {
            Effect::Answered => Ok(()),
            Effect::Failed(failure) => Err(failure),
            Effect::Press(_) | Effect::Look => return,
        };
        if let Some(current) = self.current.take() {
            // The requester may be gone; the answer is given all the same.
            let _ = current.outcome.send(outcome);
        }
    }
}

fn bytes(key: &Key) -> Bytes {
    match key {
        Key::Up => Bytes::from_static(key::UP),
        Key::Down => Bytes::from_static(key::DOWN),
        Key::Back => Bytes::from_static(key::LEFT),
        Key::Toggle | Key::Enter => Bytes::from_static(key::ENTER),
        Key::Clear => Bytes::from_static(key::CLEAR),
        Key::Text(text) => key::text(text).into(),
    }
}

//! Updates the agent's state from evidence, and everything that depends on the state.

use std::sync::Arc;

use tokio::time::Instant;
use wxcode_core::{
    agent::{AgentState, Evidence, Look},
    delivery::machine::Readiness,
};
use wxcode_holder::client::{ClientError, Sender};

use super::SessionMonitor;

impl SessionMonitor {
    /// Takes a possibly moving screen: a moving screen can only show that no dialog is open.
    pub(in crate::agent) async fn take_moving_screen(
        &mut self,
        look: Look,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        let state = self.agent.state();
        if state.is_asking() {
            self.observe(&Evidence::Glimpse(look), None, holder).await?;
        } else if state == AgentState::Working && look.prompt {
            self.screen_probe.cancel();
        }
        Ok(())
    }

    /// Takes evidence of the agent's state; `hook` is the evidence's hook, if any.
    pub(in crate::agent) async fn observe(
        &mut self,
        evidence: &Evidence,
        hook: Option<u64>,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        self.agent.observe(evidence);
        self.show();
        self.follow_up(evidence, hook, holder).await
    }

    /// The consequences of evidence after its observation.
    pub(in crate::agent) async fn follow_up(
        &mut self,
        evidence: &Evidence,
        hook: Option<u64>,
        holder: &Sender,
    ) -> Result<(), ClientError> {
        if self.agent.has_started() && self.view.borrow().claude_version.is_none() {
            self.read_version().await;
        }
        let now = Instant::now();
        let state = self.agent.state();
        let is_working = state == AgentState::Working;
        match evidence {
            Evidence::Screen(_) | Evidence::Glimpse(_) if is_working => self.screen_probe.cancel(),
            Evidence::Screen(_) | Evidence::Glimpse(_) => {}
            // The record may lag; an open dialog will be seen again.
            Evidence::RecordedBusy | Evidence::RecordedIdle => self.screen_probe.restart(now),
            _ if is_working => {}
            _ => self.screen_probe.restart(now),
        }
        if hook.is_some() {
            self.process_record.invalidate();
        }
        if self.agent.is_engaged() {
            self.process_record.watch(now);
        }
        self.answerer.observed(&self.agent);
        self.publish_state(hook);
        self.delivery_worker
            .ready(self.readiness(), holder, now)
            .await
    }

    /// Publishes the agent's state; `hook` is the state's hook, if any.
    pub(in crate::agent) fn publish_state(&self, hook: Option<u64>) {
        let version = self.view.borrow().claude_version.clone();
        self.reporter
            .state(&self.agent, version, hook, self.next_seq, self.live_from);
    }

    /// Whether a pause would disturb nothing.
    pub(in crate::agent) fn is_quiet(&self) -> bool {
        let is_idle = self.agent.state() == AgentState::Idle;
        is_idle && self.delivery_worker.is_idle() && self.answerer.is_idle()
    }

    /// Updates the visible state of the agent.
    pub(in crate::agent) fn show(&self) {
        let (state, asks) = (self.agent.state(), self.agent.ask().map(Arc::new));
        let dialog = self.agent.dialog().map(str::to_owned);
        self.view.send_if_modified(|view| {
            let changed = view.agent_state != state || view.dialog != dialog || view.asks != asks;
            view.agent_state = state;
            view.dialog = dialog;
            view.asks = asks;
            changed
        });
    }

    /// The agent's readiness for a delivery, with the present obstacle.
    pub(in crate::agent) fn readiness(&self) -> Readiness {
        let agent = &self.agent;
        if agent.is_elsewhere() {
            let warning = self.crosscheck.warning().unwrap_or_default();
            return Readiness::Hindered(format!("elsewhere: {warning}"));
        }
        if agent.is_ready() {
            return Readiness::Ready;
        }
        if let Some(dialog) = agent.dialog() {
            return Readiness::Dialog(match &self.troubles.settings {
                Some(settings) => format!("{dialog}: {settings}"),
                None => dialog.to_owned(),
            });
        }
        match agent.state() {
            AgentState::Working => Readiness::Busy,
            AgentState::WaitingPermission => Readiness::Dialog("permission".to_owned()),
            AgentState::WaitingQuestion => Readiness::Dialog("question".to_owned()),
            AgentState::WaitingLimit => match self.limit_watch.limit() {
                Some(limit) => Readiness::Hindered(limit.note()),
                None => Readiness::NotReady,
            },
            AgentState::Starting
            | AgentState::Idle
            | AgentState::BlockedDialog
            | AgentState::Unknown => match &self.troubles.hooks {
                Some(hooks) => Readiness::Broken(hooks.clone()),
                None => Readiness::NotReady,
            },
        }
    }
}

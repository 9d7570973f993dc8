//! Follows a usage limit from the hook with its report until the agent goes on.

use jiff::Timestamp;
use tokio::time::Instant;
use wxcode_claude::{
    hook::{HookEvent, HookKind, StartSource},
    transcript::limit::{self, TurnError},
};
use wxcode_core::{
    agent::{AgentState, Evidence},
    event::Kind,
    id::Id,
    text::shortened,
};
use wxcode_files::off_thread;
use wxcode_holder::client::{ClientError, Sender};
use wxcode_store::{Command, NewDelivery, Queued};

use super::SessionMonitor;
use crate::agent::monitor::trouble::ERROR_MAX;

/// The prompt after the reset, where Claude Code does not go on by itself.
const CONTINUE: &str = "The usage limit has reset. Continue the task that it stopped; do not repeat work that is already done.";

impl SessionMonitor {
    /// Whether a failed turn met the usage limit of the account.
    pub(in crate::agent) fn is_limit(&self, kind: &str, message: Option<&str>) -> bool {
        limit::is_limit(kind, message)
    }

    /// Takes a hook of the agent itself, before the hook's evidence.
    pub(in crate::agent) fn limit_of(&mut self, seq: u64, event: &HookEvent) {
        if event.agent_id.is_some() {
            return;
        }
        match &event.kind {
            HookKind::Stop {
                last_assistant_message,
                failure: Some(kind),
            } if self.is_limit(kind, last_assistant_message.as_deref()) => {
                let reason = last_assistant_message.as_deref().unwrap_or(kind);
                let reason = shortened(reason, ERROR_MAX);
                self.limit_watch.reached(seq, reason, Instant::now());
                self.agent.observe(&Evidence::Limited(true));
                self.show_limit();
            }
            HookKind::Stop { failure: None, .. } => {
                self.limit_watch.went_well();
                self.clear_limit();
            }
            HookKind::PreToolUse { .. }
            | HookKind::PostToolUse { .. }
            | HookKind::SessionStart {
                source: StartSource::Clear | StartSource::Resume | StartSource::Startup,
                ..
            } => self.clear_limit(),
            _ => {}
        }
    }

    /// The limit is over.
    fn clear_limit(&mut self) {
        let Some(hook) = self.limit_watch.cleared() else {
            return;
        };
        self.agent.observe(&Evidence::Limited(false));
        self.show_limit();
        self.session.feed.publish(Kind::LimitCleared {
            session_id: self.session.id,
            hook,
        });
    }

    fn show_limit(&self) {
        let limit = self.limit_watch.limit().cloned();
        self.view.send_if_modified(|view| {
            let changed = view.limit != limit;
            view.limit = limit;
            changed
        });
    }

    /// Looks for the details of a limit, and goes on after the reset.
    pub(in crate::agent) async fn check_limit(
        &mut self,
        holder: &Sender,
        now: Instant,
    ) -> Result<(), ClientError> {
        if self.limit_watch.wants_details(now) {
            self.read_limit(now, holder).await?;
        }
        let is_due = self.limit_watch.is_due(now, Timestamp::now());
        if is_due && self.agent.state() == AgentState::WaitingLimit {
            self.go_on(holder, now).await?;
        }
        Ok(())
    }

    async fn read_limit(&mut self, now: Instant, holder: &Sender) -> Result<(), ClientError> {
        let path = self.delivery_worker.transcript().map(ToOwned::to_owned);
        let error = match path {
            Some(path) => {
                let place = path.clone();
                let read = off_thread(&place, move || limit::last_error(&path)).await;
                read.ok().flatten()
            }
            None => None,
        };
        if let Some(TurnError {
            is_limit: false, ..
        }) = error
        {
            // A passing limit of the server.
            let reason = self.limit_watch.limit().map(|limit| limit.reason.clone());
            self.troubles.service = reason;
            self.limit_watch.cleared();
            self.show_limit();
            self.show_warning();
            let evidence = Evidence::Limited(false);
            return self.observe(&evidence, None, holder).await;
        }
        let resets_at = error.map(|error| {
            error
                .resets_at
                .and_then(|at| Timestamp::from_second(at).ok())
        });
        if !self.limit_watch.detail(resets_at, now) {
            return Ok(());
        }
        self.show_limit();
        if let (Some(hook), Some(limit)) = (self.limit_watch.hook(), self.limit_watch.limit()) {
            self.session.feed.publish(Kind::LimitReached {
                session_id: self.session.id,
                reason: limit.reason.clone(),
                resets_at: limit.resets_at,
                hook,
            });
        }
        let readiness = self.readiness();
        self.delivery_worker.ready(readiness, holder, now).await
    }

    /// Queues the prompt for continuing the stopped turn, before all other deliveries.
    async fn go_on(&mut self, holder: &Sender, now: Instant) -> Result<(), ClientError> {
        let Some(hook) = self.limit_watch.hook() else {
            return Ok(());
        };
        let at = Timestamp::now();
        let new = NewDelivery {
            id: Id::generate(at),
            output_project_id: self.session.project_id,
            command: Command::Text(CONTINUE.to_owned()),
            idempotency_key: Some(format!("usage-limit-{}-{hook}", self.session.id)),
            not_before: None,
            steer: false,
            at,
            fence: None,
        };
        match self.delivery_worker.put_first(&new, now).await {
            Ok(Queued::New(_) | Queued::Existing(_)) => {}
            Ok(refused) => {
                tracing::warn!(session = %self.session.id, ?refused, "cannot queue the prompt after a usage limit");
            }
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "the store is unavailable; the agent waits with its usage limit");
                return Ok(());
            }
        }
        tracing::info!(session = %self.session.id, "the usage limit has reset, and the agent did not go on by itself");
        self.clear_limit();
        self.observe(&Evidence::Limited(false), None, holder).await
    }
}

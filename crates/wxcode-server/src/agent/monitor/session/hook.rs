//! Processes a hook of the agent: the conversation's identity first, then the agent's state, then
//! deliveries.

use std::sync::Arc;

use tokio::time::Instant;
use wxcode_claude::hook::{self, HookEvent, HookKind, StartSource};
use wxcode_core::agent::Evidence;
use wxcode_holder::{
    ancestry::Ancestry,
    client::{ClientError, Sender},
};

use super::SessionMonitor;
use crate::agent::monitor::report::evidence;

impl SessionMonitor {
    /// Processes a hook up to the conversation's identity. `None` for a foreign hook, and for a
    /// hook without a known form.
    pub(in crate::agent) fn take_in(
        &mut self,
        seq: u64,
        ancestry: Ancestry,
        payload: &[u8],
    ) -> Option<HookEvent> {
        if self.next_seq == 0 && seq > 1 && self.hook_filter.has_begun() {
            // The holder dropped the hook of the start for newer hooks.
            self.agent.observe(&Evidence::SessionStarted);
        }
        self.next_seq = seq + 1;
        self.delivery_worker.hook_read(seq);
        let event = match hook::parse(payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(session = %self.session.id, %error, "ignoring a hook of unknown form");
                return None;
            }
        };
        if !self.hook_filter.accepts(&event, ancestry) {
            self.began_elsewhere(&event);
            return None;
        }
        self.goes_on(&event.kind);
        let transcript_path = event.transcript_path.clone();
        if event.agent_id.is_none() {
            self.delivery_worker
                .follow_transcript(transcript_path.as_deref());
        }
        if event.agent_id.is_none() && is_of_turn(&event.kind) {
            self.delivery_worker.turn_runs();
        }
        // Before anything that may fail: a vanished holder must not cost a delivery its proof.
        if let Some(command) = event.kind.command() {
            self.delivery_worker.remember(&command, None);
        }
        match &event.kind {
            HookKind::SessionStart { source, .. } => {
                self.conversation_log
                    .started(seq, event.session_id, source, transcript_path);
                self.crosscheck.changed(Instant::now());
            }
            HookKind::UserPromptSubmit {
                prompt,
                prompt_id,
                source,
            } => {
                // Prompts by which Claude Code wakes itself up confirm nothing.
                if source.as_deref().is_none_or(|source| source == "user") {
                    self.delivery_worker.remember(prompt, prompt_id.as_deref());
                }
                self.conversation_log
                    .spoke(event.session_id, transcript_path);
            }
            _ => {}
        }
        Some(event)
    }

    /// Takes a foreign hook: a fork of the conversation, or another process with the same
    /// conversation, takes the conversation away.
    fn began_elsewhere(&mut self, event: &HookEvent) {
        let HookKind::SessionStart { source, .. } = &event.kind else {
            return;
        };
        let is_ours = self.conversation_log.latest() == Some(event.session_id);
        match source {
            StartSource::Fork => self.crosscheck.forked(),
            StartSource::Resume if is_ours => self.crosscheck.forked(),
            _ => self.crosscheck.hurry(Instant::now()),
        }
        self.agent
            .observe(&Evidence::Elsewhere(self.crosscheck.is_elsewhere()));
    }

    /// Takes a hook of the agent itself: a start or a prompt brings the conversation back.
    fn goes_on(&mut self, kind: &HookKind) {
        let is_proof = matches!(
            kind,
            HookKind::SessionStart { .. } | HookKind::UserPromptSubmit { .. }
        );
        if is_proof && self.crosscheck.is_elsewhere() {
            self.crosscheck.went_on();
            self.crosscheck.hurry(Instant::now());
            self.agent
                .observe(&Evidence::Elsewhere(self.crosscheck.is_elsewhere()));
        }
    }

    pub(in crate::agent) async fn hook(
        &mut self,
        seq: u64,
        ancestry: Ancestry,
        payload: &[u8],
        holder: &Sender,
    ) -> Result<(), ClientError> {
        let was_elsewhere = self.agent.is_elsewhere();
        let taken = self.take_in(seq, ancestry, payload);
        let is_elsewhere = self.agent.is_elsewhere();
        if was_elsewhere != is_elsewhere {
            self.show_warning();
        }
        let Some(event) = taken else {
            if was_elsewhere != is_elsewhere {
                let evidence = Evidence::Elsewhere(is_elsewhere);
                self.observe(&evidence, Some(seq), holder).await?;
            }
            return Ok(());
        };
        self.save().await;
        self.take_in_effect(&event);
        self.limit_of(seq, &event);
        self.trouble_of(&event);
        let evidence = evidence(seq, &event);
        // A reader of the request's event must find the question.
        if let Some(evidence) = &evidence {
            self.agent.observe(evidence);
            self.show();
        }
        self.reporter.hook(seq, &event);
        if let Some(evidence) = evidence {
            self.follow_up(&evidence, Some(seq), holder).await?;
        }
        // After the agent's state, so no client sees a command submitted and the agent still idle.
        let is_prompt = matches!(event.kind, HookKind::UserPromptSubmit { .. });
        if is_prompt || is_of_turn(&event.kind) || event.kind.command().is_some() {
            let now = Instant::now();
            self.delivery_worker.reported(holder, now).await?;
        }
        if self.live_from.is_some_and(|from| seq >= from) {
            // No attached client is no error.
            let _ = self.session.reports.send(Arc::new(event));
        }
        Ok(())
    }

    pub(in crate::agent) async fn save(&mut self) {
        if let Err(error) = self.conversation_log.save().await {
            tracing::warn!(session = %self.session.id, %error, "the store is unavailable; the conversation's id waits");
            self.process_record.watch(Instant::now());
        }
    }
}

/// Whether only a running turn sends this hook.
const fn is_of_turn(kind: &HookKind) -> bool {
    matches!(
        kind,
        HookKind::PreToolUse { .. }
            | HookKind::PostToolUse { .. }
            | HookKind::PermissionRequest { .. }
            | HookKind::Stop { .. }
    )
}

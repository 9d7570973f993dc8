//! The end of a session: processes the agent's last hooks, and publishes the end.

use std::sync::Arc;

use tokio::time::sleep;
use wxcode_claude::failed_start::{self, FailedStart};
use wxcode_core::{agent::AgentState, event::Kind};
use wxcode_holder::folder::{self, Exit};
use wxcode_terminal::Screen as _;

use super::{LAST_WORDS_RETRY, SessionMonitor};
use crate::{
    agent::{
        folder::SETTLED,
        hibernation::{self, HIBERNATED},
        monitor::report::evidence,
    },
    screen,
};

impl SessionMonitor {
    /// The agent is gone: saves the agent's last hooks, then publishes the end.
    pub(in crate::agent) async fn finish(mut self, exit: Exit) {
        let exit = hibernation::exit(&self.session.dir, exit);
        self.view.send_modify(|view| {
            view.agent_state = AgentState::Unknown;
            view.dialog = None;
            view.asks = None;
            view.limit = None;
        });
        self.answerer.close();
        self.requests.close();
        // The requesters learn of the end by the dropped sender.
        while self.requests.try_recv().is_ok() {}
        self.last_words().await;
        let failed = self.failed_start(&exit).await;
        let session = Arc::clone(&self.session);
        loop {
            // A delivery is queued before this point, and settled here, or queued afterwards, and
            // finds the session ended.
            let intake = session.intake.lock().await;
            let saved = self.conversation_log.save().await.is_ok();
            if self.delivery_worker.close().await && saved {
                self.end(&exit, failed);
                break;
            }
            drop(intake);
            tokio::select! {
                () = sleep(LAST_WORDS_RETRY) => {}
                () = self.closing.cancelled() => return,
            }
        }
        let settled = session.dir.join(SETTLED);
        // Best effort: without the file the end is processed again, and changes nothing.
        let _ = tokio::task::spawn_blocking(move || std::fs::write(settled, b"")).await;
        tracing::info!(session = %session.id, reason = %exit.reason, code = ?exit.code, signal = ?exit.signal, "session ended");
    }

    /// Why Claude Code refused to start, if it did: no hook ran, and the last screen shows the
    /// reason.
    async fn failed_start(&self, exit: &Exit) -> Option<FailedStart> {
        let started = !matches!(
            self.agent.state(),
            AgentState::Starting | AgentState::BlockedDialog
        );
        if started || exit.code != Some(1) {
            return None;
        }
        let dir = self.session.dir.clone();
        let read = move || failed_start::read(&screen::last(&dir)?.text());
        let failed = tokio::task::spawn_blocking(read).await.ok().flatten()?;
        tracing::warn!(session = %self.session.id, reason = failed.as_str(), "{failed}");
        Some(failed)
    }

    /// Ends the session for all clients, and publishes the end. The reason of a refused start stays
    /// as the warning.
    fn end(&self, exit: &Exit, failed: Option<FailedStart>) {
        let session_id = self.session.id;
        let exited = match exit.reason.as_str() {
            HIBERNATED => Kind::SessionHibernated { session_id },
            _ => Kind::SessionExited {
                session_id,
                code: exit.code,
                signal: exit.signal,
                reason: exit.reason.clone(),
            },
        };
        self.session.feed.publish_with(exited, || {
            self.view.send_modify(|view| {
                view.warning = failed.map(|failed| failed.to_string());
                view.exit = Some(exit.clone());
            });
        });
    }

    /// The agent's hooks left unread when the holder ended.
    pub(in crate::agent) async fn last_words(&mut self) {
        let (dir, since) = (self.session.dir.clone(), self.next_seq);
        let read = tokio::task::spawn_blocking(move || folder::hooks_since(&dir, since)).await;
        let Ok(Ok(records)) = read else {
            tracing::warn!(session = %self.session.id, "cannot read the last hooks of the session");
            return;
        };
        for record in records {
            let Some(event) = self.take_in(record.seq, record.ancestry, &record.payload) else {
                continue;
            };
            self.reporter.hook(record.seq, &event);
            if let Some(evidence) = evidence(record.seq, &event) {
                self.agent.observe(&evidence);
                self.publish_state(Some(record.seq));
            }
        }
    }
}

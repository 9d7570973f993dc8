//! The end of a session: processes the agent's last hooks, and publishes the end.

use std::{path::Path, sync::Arc};

use tokio::time::sleep;
use wxcode_core::{agent::AgentState, event::Kind};
use wxcode_holder::folder::{self, Exit, State};

use super::{super::report::evidence, LAST_WORDS_RETRY, SETTLED, Watcher};

impl Watcher {
    /// The agent is gone: saves its last hooks, then publishes the end.
    pub(super) async fn finish(mut self, exit: Exit) {
        self.view.send_modify(|view| {
            view.agent_state = AgentState::Unknown;
            view.dialog = None;
            view.asks = None;
        });
        self.answerer.close();
        self.given.close();
        // The requesters learn of the end by the dropped sender.
        while self.given.try_recv().is_ok() {}
        self.last_words().await;
        let session = Arc::clone(&self.session);
        loop {
            // A delivery is queued before this, and settled here, or after it, and finds the
            // session ended.
            let intake = session.intake.lock().await;
            let saved = self.ledger.save().await.is_ok();
            if self.courier.close().await && saved {
                self.end(&exit);
                break;
            }
            drop(intake);
            tokio::select! {
                () = sleep(LAST_WORDS_RETRY) => {}
                () = self.closing.cancelled() => return,
            }
        }
        let settled = session.dir.join(SETTLED);
        // Best effort: without the file the end is processed again, which changes nothing.
        let _ = tokio::task::spawn_blocking(move || std::fs::write(settled, b"")).await;
        tracing::info!(session = %session.id, reason = %exit.reason, code = ?exit.code, signal = ?exit.signal, "the session ended");
    }

    /// Ends the session for everybody, and tells of it.
    fn end(&self, exit: &Exit) {
        let exited = Kind::SessionExited {
            session_id: self.session.id,
            code: exit.code,
            signal: exit.signal,
            reason: exit.reason.clone(),
        };
        self.session.feed.tell_with(exited, || {
            self.view.send_modify(|view| {
                view.warning = None;
                view.exit = Some(exit.clone());
            });
        });
    }

    /// The agent's hooks that nobody read before its holder was gone.
    pub(super) async fn last_words(&mut self) {
        let (dir, since) = (self.session.dir.clone(), self.next_seq);
        let read = tokio::task::spawn_blocking(move || folder::hooks_since(&dir, since)).await;
        let Ok(Ok(records)) = read else {
            tracing::warn!(session = %self.session.id, "the last hooks of the session cannot be read");
            return;
        };
        for record in records {
            let Some(event) = self.take_in(record.seq, record.ancestry, &record.payload) else {
                continue;
            };
            self.reporter.hook(record.seq, &event);
            if let Some(evidence) = evidence(record.seq, &event) {
                self.agent.observe(&evidence);
                self.tell_state(Some(record.seq));
            }
        }
    }
}

/// Reads the agent's end from the folder of a silent holder, if it ended.
pub(in crate::session) async fn gone(dir: &Path) -> Option<Exit> {
    let folder = dir.to_owned();
    let looked = tokio::task::spawn_blocking(move || match folder::inspect(&folder) {
        Ok(State::Lost(holder)) => {
            let exit = folder::mark_lost(&folder, &holder, holder.loss())?;
            Ok(State::Exited(Some(holder), exit))
        }
        looked => looked,
    });
    let state = match looked.await.ok()? {
        // It ran: its holder rolled the start back, or the record of the holder is lost.
        Ok(State::Unfinished) => wxcode_holder::repair(dir).await,
        Err(error) if error.is_repairable() => wxcode_holder::repair(dir).await,
        state => state,
    };
    match state {
        Ok(State::Exited(_, exit)) => Some(exit),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "a folder cannot be read");
            None
        }
    }
}

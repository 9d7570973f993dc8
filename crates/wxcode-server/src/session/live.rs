//! A running session as the rest of the server sees it.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast, watch};
use uuid::Uuid;
use wxcode_claude::hook::HookEvent;
use wxcode_core::{agent::AgentState, id::Id};
use wxcode_holder::folder::Exit;

/// Hook events that a terminal client may be behind before it misses some.
pub(super) const REPORTS_MAX: usize = 256;

/// What the server writes into the session's folder for its own later self.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Note {
    /// The project whose session it is.
    pub(super) project_id: Id,
    /// The conversation it was started with.
    pub(super) claude_session_id: Uuid,
    /// Whether it continued a conversation.
    pub(super) resumed: bool,
    /// Why the conversation before it could not be continued.
    pub(super) lost: Option<String>,
    /// Claude's own folder as the agent sees it.
    pub(super) config_dir: PathBuf,
}

/// What is known of a session at a moment.
#[derive(Debug, Clone)]
pub struct View {
    /// What the agent does.
    pub agent_state: AgentState,
    /// The dialog on its screen.
    pub dialog: Option<String>,
    /// Claude Code's version, once known.
    pub claude_version: Option<String>,
    /// How it ended; everything that follows from it has been done.
    pub exit: Option<Exit>,
}

/// A session whose holder runs or ran under this server's eyes.
#[derive(Debug)]
pub struct Session {
    /// Its id, and the name of its folder.
    pub id: Id,
    /// The project whose session it is.
    pub project_id: Id,
    /// Its folder.
    pub dir: PathBuf,
    /// The agent's process.
    pub agent_pid: i32,
    /// When it was started.
    pub started_at: Timestamp,
    /// Whether it continued a conversation.
    pub resumed: bool,
    /// Why the conversation before it could not be continued, if there was one.
    pub lost: Option<String>,
    pub(super) view: watch::Receiver<View>,
    /// Rings when a delivery was queued.
    pub(super) bell: Notify,
    pub(super) reports: broadcast::Sender<Arc<HookEvent>>,
    clients: AtomicUsize,
}

impl Session {
    pub(super) fn new(
        id: Id,
        note: &Note,
        dir: PathBuf,
        agent_pid: i32,
        started_at: Timestamp,
        view: watch::Receiver<View>,
    ) -> Self {
        Self {
            id,
            project_id: note.project_id,
            dir,
            agent_pid,
            started_at,
            resumed: note.resumed,
            lost: note.lost.clone(),
            view,
            bell: Notify::new(),
            reports: broadcast::channel(REPORTS_MAX).0,
            clients: AtomicUsize::new(0),
        }
    }

    /// What is known of it now.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Whether its agent is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.view.borrow().exit.is_some()
    }

    /// Waits until its agent is gone and everything that follows from it has been done.
    pub async fn ended(&self) -> Exit {
        let mut view = self.view.clone();
        loop {
            if let Some(exit) = view.borrow_and_update().exit.clone() {
                return exit;
            }
            if view.changed().await.is_err() {
                // The watcher goes only when the server closes; the session lives on.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The agent's hook events from now on.
    #[must_use]
    pub fn reports(&self) -> broadcast::Receiver<Arc<HookEvent>> {
        self.reports.subscribe()
    }

    /// How many terminal clients are attached.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.load(Ordering::Relaxed)
    }

    /// Counts a terminal client for as long as the answer lives.
    #[must_use]
    pub fn attend(self: &Arc<Self>) -> Attendance {
        self.clients.fetch_add(1, Ordering::Relaxed);
        Attendance(Arc::clone(self))
    }
}

/// One attached terminal client.
#[derive(Debug)]
pub struct Attendance(Arc<Session>);

impl Drop for Attendance {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}

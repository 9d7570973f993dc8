//! A running session as the rest of the server sees it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast, mpsc, oneshot, watch};
use uuid::Uuid;
use wxcode_claude::hook::HookEvent;
use wxcode_core::{
    agent::AgentState,
    answer::{Failure, Target},
    ask::Ask,
    event::Kind,
    id::Id,
};
use wxcode_holder::folder::Exit;
use wxcode_terminal::Size;

use super::{
    answer::{ANSWERS_MAX, Given},
    role::Roles,
};
use crate::event::Feed;

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
    /// What stands there to be answered.
    pub asks: Option<Arc<Ask>>,
    /// Claude Code's version, once known.
    pub claude_version: Option<String>,
    /// What is wrong with the conversation's identity, and what to do.
    pub warning: Option<String>,
    /// How it ended; everything that follows from it has been done.
    pub exit: Option<Exit>,
}

impl View {
    /// Of a session that nobody has followed yet.
    pub(super) const fn starting(claude_version: Option<String>) -> Self {
        Self {
            agent_state: AgentState::Starting,
            dialog: None,
            asks: None,
            claude_version,
            warning: None,
            exit: None,
        }
    }

    /// What was said of an agent that runs counts no more.
    fn forget(&mut self) {
        *self = Self::starting(self.claude_version.take());
    }
}

/// The other ends of a session, for whoever follows its holder.
#[derive(Debug)]
pub(super) struct Ends {
    /// What everybody is shown.
    pub(super) view: watch::Sender<View>,
    /// Answers to what is asked.
    pub(super) given: mpsc::Receiver<Given>,
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
    /// When that was started, in clock ticks since the boot.
    pub(super) agent_start: u64,
    /// When it was started.
    pub started_at: Timestamp,
    /// Whether it continued a conversation.
    pub resumed: bool,
    /// Why the conversation before it could not be continued, if there was one.
    pub lost: Option<String>,
    pub(super) view: watch::Sender<View>,
    /// Rings when a delivery was queued.
    pub(super) bell: Notify,
    /// Held while a delivery is queued for it, and while it settles its last deliveries and ends:
    /// what is queued for
    /// a session that ends is settled by it, or carried by the next one.
    pub(super) intake: tokio::sync::Mutex<()>,
    pub(super) reports: broadcast::Sender<Arc<HookEvent>>,
    answers: Mutex<mpsc::Sender<Given>>,
    /// Where what happens to it is told.
    pub(super) feed: Arc<Feed>,
    roles: Mutex<Roles>,
    /// Who drives, for the clients to hear.
    driver: watch::Sender<Option<u64>>,
}

impl Session {
    pub(super) fn new(
        id: Id,
        note: &Note,
        dir: PathBuf,
        agent: (i32, u64),
        started_at: Timestamp,
        view: View,
        feed: Arc<Feed>,
    ) -> (Self, Ends) {
        let (answers, given) = mpsc::channel(ANSWERS_MAX);
        let view = watch::Sender::new(view);
        let shown = view.clone();
        let session = Self {
            id,
            project_id: note.project_id,
            dir,
            agent_pid: agent.0,
            agent_start: agent.1,
            started_at,
            resumed: note.resumed,
            lost: note.lost.clone(),
            view,
            bell: Notify::new(),
            intake: tokio::sync::Mutex::default(),
            reports: broadcast::channel(REPORTS_MAX).0,
            feed,
            answers: Mutex::new(answers),
            roles: Mutex::default(),
            driver: watch::Sender::new(None),
        };
        (session, Ends { view: shown, given })
    }

    /// The other ends once more, for who follows it anew. What was shown by the one before is not known any more; everybody
    /// who watches goes on watching.
    pub(super) fn ends_anew(&self) -> Ends {
        let (answers, given) = mpsc::channel(ANSWERS_MAX);
        *self.answers() = answers;
        self.view.send_modify(View::forget);
        let view = self.view.clone();
        Ends { view, given }
    }

    fn answers(&self) -> MutexGuard<'_, mpsc::Sender<Given>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers what stands there, or the ask with this id if it is what stands there.
    ///
    /// # Errors
    /// When it was not answered by this.
    pub async fn answer(&self, ask: Option<String>, target: Target) -> Result<(), Failure> {
        let (outcome, became) = oneshot::channel();
        let given = Given {
            ask,
            target,
            outcome,
        };
        self.answers()
            .try_send(given)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Failure::Busy,
                mpsc::error::TrySendError::Closed(_) => Failure::Gone,
            })?;
        // The watcher goes only with the agent or the server.
        became.await.unwrap_or(Err(Failure::Gone))
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
        let mut view = self.view.subscribe();
        loop {
            if let Some(exit) = view.borrow_and_update().exit.clone() {
                return exit;
            }
            if view.changed().await.is_err() {
                // The session owns the other end.
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
        self.roles().clients()
    }

    /// Attaches a terminal client for as long as the answer lives.
    #[must_use]
    pub fn attend(self: &Arc<Self>, read_only: bool) -> Attendance {
        let client = self.roles().join();
        self.feed.tell(Kind::ClientJoined {
            session_id: self.id,
            client,
            read_only,
        });
        Attendance {
            client,
            driver: self.driver.subscribe(),
            session: Arc::clone(self),
        }
    }

    fn roles(&self) -> MutexGuard<'_, Roles> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the roles, and tells the clients when another one drives.
    fn change<T>(&self, change: impl FnOnce(&mut Roles) -> T) -> T {
        let mut roles = self.roles();
        let result = change(&mut roles);
        let driver = roles.driver();
        self.driver
            .send_if_modified(|known| std::mem::replace(known, driver) != driver);
        result
    }
}

/// One attached terminal client.
#[derive(Debug)]
pub struct Attendance {
    session: Arc<Session>,
    client: u64,
    driver: watch::Receiver<Option<u64>>,
}

impl Attendance {
    /// The client's window has this size; the size that the session is to have now.
    pub fn window(&self, size: Size) -> Option<Size> {
        self.session.change(|roles| roles.window(self.client, size))
    }

    /// The client typed, or asked to drive; the size that the session is to have now.
    pub fn drive(&self) -> Option<Size> {
        self.session.change(|roles| roles.drive(self.client))
    }

    /// Waits until another client drives than when this was last asked; whether it is this one.
    pub async fn driver_changed(&mut self) -> bool {
        if self.driver.changed().await.is_err() {
            // The session owns the other end, and this owns the session.
            std::future::pending::<()>().await;
        }
        self.drives()
    }

    /// Whether this client drives.
    pub fn drives(&mut self) -> bool {
        *self.driver.borrow_and_update() == Some(self.client)
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.session.change(|roles| roles.leave(self.client));
        self.session.feed.tell(Kind::ClientLeft {
            session_id: self.session.id,
            client: self.client,
        });
    }
}

//! A session for the rest of the server: its id, its state, its clients.

pub(in crate::agent) mod role;
mod view;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot, watch},
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use wxcode_claude::{hook::HookEvent, status_line::StatusLine};
use wxcode_core::{
    answer::{Failure, Target},
    event::Kind,
    id::Id,
};
use wxcode_files::{FileError, off_thread};
use wxcode_holder::{folder::Exit, status_line};
use wxcode_terminal::Size;

pub(in crate::agent) use self::view::MonitorChannels;
pub use self::view::View;
use crate::{
    agent::{
        answer::{ANSWERS_MAX, AnswerRequest},
        metadata::Metadata,
        session::role::{Member, Roles},
    },
    event::Feed,
    sync::lock,
};

/// Hook events that a terminal client may lag before it misses some.
pub(in crate::agent) const REPORTS_MAX: usize = 256;
/// Time for the clients of a session to leave before it moves to another node.
const DISMISSAL_MAX: Duration = Duration::from_secs(2);
/// Pause between two looks at them.
const DISMISSAL_LOOK: Duration = Duration::from_millis(10);

/// The figures of the newest report for the status line in a session's folder. Blocks.
fn status_line(dir: &Path) -> Option<StatusLine> {
    let file = status_line::path(dir);
    let report = wxcode_files::read(&file, status_line::REPORT_MAX).ok()?;
    StatusLine::parse(&report, Timestamp::now().as_second())
}

/// A session with a monitor of this server, now or earlier.
#[derive(Debug)]
pub struct Session {
    /// The id, also the folder's name.
    pub id: Id,
    pub project_id: Id,
    pub dir: PathBuf,
    /// The agent's process.
    pub agent_pid: i32,
    /// The process's start time, in clock ticks since the boot.
    pub(in crate::agent) agent_start: u64,
    pub started_at: Timestamp,
    /// Whether the conversation was resumed.
    pub resumed: bool,
    /// Why the previous conversation was lost, if lost.
    pub lost: Option<String>,
    pub(in crate::agent) view: watch::Sender<View>,
    /// Notified when a delivery was queued.
    pub(in crate::agent) queued: Notify,
    /// Held while a delivery is queued for this session, and while the session settles its last
    /// deliveries and ends. A delivery queued for an ending session is settled by this session, or
    /// carried by the next session.
    pub(in crate::agent) intake: tokio::sync::Mutex<()>,
    pub(in crate::agent) reports: broadcast::Sender<Arc<HookEvent>>,
    answers: Mutex<mpsc::Sender<AnswerRequest>>,
    /// The project's events.
    pub(in crate::agent) feed: Arc<Feed>,
    roles: Mutex<Roles>,
    /// When a client last left, or a delivery was queued.
    activity: Mutex<Instant>,
    /// Cancelled when the clients must connect again, to another node.
    dismissed: Mutex<CancellationToken>,
    /// The driver, for the clients.
    driver: watch::Sender<Option<u64>>,
}

impl Session {
    /// The figures that the agent reported for its status line; `None` before the first report.
    pub(crate) async fn status_line(&self) -> Option<StatusLine> {
        let dir = self.dir.clone();
        let read = off_thread(&self.dir, move || Ok::<_, FileError>(status_line(&dir)));
        read.await.ok().flatten()
    }

    pub(in crate::agent) fn new(
        id: Id,
        metadata: &Metadata,
        dir: PathBuf,
        agent: (i32, u64),
        started_at: Timestamp,
        view: View,
        feed: Arc<Feed>,
    ) -> (Self, MonitorChannels) {
        let (answers, requests) = mpsc::channel(ANSWERS_MAX);
        let view = watch::Sender::new(view);
        let shown = view.clone();
        let session = Self {
            id,
            project_id: metadata.project_id,
            dir,
            agent_pid: agent.0,
            agent_start: agent.1,
            started_at,
            resumed: metadata.resumed,
            lost: metadata.lost.clone(),
            view,
            queued: Notify::new(),
            intake: tokio::sync::Mutex::default(),
            reports: broadcast::channel(REPORTS_MAX).0,
            feed,
            answers: Mutex::new(answers),
            roles: Mutex::default(),
            activity: Mutex::new(Instant::now()),
            dismissed: Mutex::default(),
            driver: watch::Sender::new(None),
        };
        (
            session,
            MonitorChannels {
                view: shown,
                requests,
            },
        )
    }

    /// New channels for a restarted monitor. The earlier state is void; subscribers stay.
    pub(in crate::agent) fn reset_channels(&self) -> MonitorChannels {
        let (answers, requests) = mpsc::channel(ANSWERS_MAX);
        *self.answers() = answers;
        self.view.send_modify(View::forget);
        let view = self.view.clone();
        MonitorChannels { view, requests }
    }

    fn answers(&self) -> MutexGuard<'_, mpsc::Sender<AnswerRequest>> {
        lock(&self.answers)
    }

    /// Answers the pending question, or the question with this id if that question is pending.
    ///
    /// # Errors
    /// When the answer failed.
    pub async fn answer(&self, ask: Option<String>, target: Target) -> Result<(), Failure> {
        let (outcome, became) = oneshot::channel();
        let requests = AnswerRequest {
            ask,
            target,
            outcome,
        };
        self.answers()
            .try_send(requests)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Failure::Busy,
                mpsc::error::TrySendError::Closed(_) => Failure::Gone,
            })?;
        // The monitor ends only with the agent or the server.
        became.await.unwrap_or(Err(Failure::Gone))
    }

    /// The present state.
    #[must_use]
    pub fn view(&self) -> View {
        self.view.borrow().clone()
    }

    /// Whether the agent is gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.view.borrow().exit.is_some()
    }

    /// Waits until the agent is gone and all consequences are recorded.
    pub async fn ended(&self) -> Exit {
        let mut view = self.view.subscribe();
        loop {
            if let Some(exit) = view.borrow_and_update().exit.clone() {
                return exit;
            }
            if view.changed().await.is_err() {
                // The session owns the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Subscribes to the agent's hook events.
    #[must_use]
    pub fn reports(&self) -> broadcast::Receiver<Arc<HookEvent>> {
        self.reports.subscribe()
    }

    /// The number of attached terminal clients.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.roles().clients()
    }

    /// Whether clients may attach: the session is not about to hibernate.
    pub(in crate::agent) fn is_open(&self) -> bool {
        !self.roles().is_closed()
    }

    /// Lets no client attach from here on; false while one is attached.
    pub(in crate::agent) fn close_to_clients(&self) -> bool {
        self.roles().close()
    }

    /// Lets no client attach from here on, and waits a moment until all are gone.
    pub(in crate::agent) async fn dismiss_clients(&self) {
        self.roles().shut();
        self.dismissed().cancel();
        let until = Instant::now() + DISMISSAL_MAX;
        while self.clients() > 0 && Instant::now() < until {
            sleep(DISMISSAL_LOOK).await;
        }
    }

    /// Cancelled when the clients must connect again.
    pub(crate) fn dismissed(&self) -> CancellationToken {
        lock(&self.dismissed).clone()
    }

    /// Lets clients attach again.
    pub(in crate::agent) fn open_to_clients(&self) {
        *lock(&self.dismissed) = CancellationToken::new();
        self.roles().open();
    }

    /// When a client last left, or a delivery was queued.
    pub(in crate::agent) fn last_activity(&self) -> Instant {
        *lock(&self.activity)
    }

    /// Notifies the session of a queued delivery.
    pub(in crate::agent) fn notify_queued(&self) {
        *lock(&self.activity) = Instant::now();
        self.queued.notify_one();
    }

    /// Attaches a terminal client while the returned handle lives; `None` if the session is about to
    /// hibernate.
    #[must_use]
    pub(crate) fn attend(self: &Arc<Self>, member: Member) -> Option<Attendance> {
        let read_only = member.read_only;
        let client = self.roles().join(member)?;
        self.feed.publish(Kind::ClientJoined {
            session_id: self.id,
            client,
            read_only,
        });
        Some(Attendance {
            client,
            driver: self.driver.subscribe(),
            session: Arc::clone(self),
        })
    }

    /// The attached clients by their numbers, and the driver's number.
    pub(crate) fn members(&self) -> (Vec<(u64, Member)>, Option<u64>) {
        let roles = self.roles();
        (roles.members(), roles.driver())
    }

    /// Makes another client the driver; false if that one is not there or takes no input.
    pub(crate) fn hand(&self, client: u64) -> bool {
        self.change(|roles| roles.hand(client))
    }

    fn roles(&self) -> MutexGuard<'_, Roles> {
        lock(&self.roles)
    }

    /// Changes the roles, and notifies the clients of a new driver.
    fn change<T>(&self, change: impl FnOnce(&mut Roles) -> T) -> T {
        let mut roles = self.roles();
        let result = change(&mut roles);
        let driver = roles.driver();
        self.driver
            .send_if_modified(|known| std::mem::replace(known, driver) != driver);
        result
    }
}

/// An attached terminal client.
#[derive(Debug)]
pub struct Attendance {
    session: Arc<Session>,
    client: u64,
    driver: watch::Receiver<Option<u64>>,
}

impl Attendance {
    /// Sets the size of the client's window; returns the session's new size.
    pub fn window(&self, size: Size) -> Option<Size> {
        self.session.change(|roles| roles.window(self.client, size))
    }

    /// The client typed, or asked to drive; returns the session's new size.
    pub fn drive(&self) -> Option<Size> {
        self.session.change(|roles| roles.drive(self.client))
    }

    /// The client's number in the session.
    #[must_use]
    pub const fn client(&self) -> u64 {
        self.client
    }

    /// The size of this client's window, after another client handed the session over.
    pub fn take_handed(&self) -> Option<Size> {
        lock(&self.session.roles).take_handed(self.client)
    }

    /// Waits for another driver than at the last call; returns whether the new driver is this
    /// client.
    pub async fn driver_changed(&mut self) -> bool {
        if self.driver.changed().await.is_err() {
            // The session owns the sender, and this client owns the session.
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
        *lock(&self.session.activity) = Instant::now();
        self.session.change(|roles| roles.leave(self.client));
        self.session.feed.publish(Kind::ClientLeft {
            session_id: self.session.id,
            client: self.client,
        });
    }
}

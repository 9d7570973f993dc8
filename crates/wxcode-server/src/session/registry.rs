//! The manager of sessions: get-or-create without a race, deliver, end.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use wxcode_core::{delivery::Delivery, event::Kind, id::Id, lease::Tenure};
use wxcode_holder::client::{self, Request};
use wxcode_store::{Command, NewDelivery, Queued, StoreError};

use super::{
    ENDED_KEPT, STOP_GRACE, STOP_TIMEOUT,
    anew::Following,
    learned::Learned,
    lease::Leases,
    live::{Session, View},
    seat::{Seat, lock},
    start::{self, StartError, Started},
    upgrade,
    waiting::Unsure,
};
use crate::repository::Repository;
use crate::{Settings, event::Events, planning::Planning};

/// The sessions of this server. Run its changing methods to their end: a start dropped half-way
/// would leave an agent without a monitor.
#[derive(Clone)]
pub struct Sessions(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Arc<Settings>,
    pub(super) store: Repository,
    pub(super) events: Events,
    pub(super) planning: Planning,
    pub(super) leases: Leases,
    pub(super) unsure: Unsure,
    seats: Mutex<HashMap<Id, Arc<Seat>>>,
    pub(super) closing: CancellationToken,
    pub(super) watchers: TaskTracker,
    /// Permits for holders to change to this build.
    pub(super) upgrades: Arc<Semaphore>,
}

/// The result of get-or-create.
#[derive(Debug)]
pub struct Found {
    pub session: Arc<Session>,
    /// Whether this call started it.
    pub created: bool,
}

/// The outcome of a project's deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retired {
    /// The project is removed, and no agent of it runs.
    Removed,
    /// There is no such project.
    Missing,
    /// Its session runs, and `force` was not given.
    Running,
    /// A run is in progress, and `force` was not given.
    InRun(Id),
    /// Its session or its run did not end in time.
    Stuck,
}

/// The outcome of a delivery request.
#[derive(Debug)]
pub enum Delivered {
    /// The delivery is queued, now or earlier.
    Accepted(Delivery),
    /// A delivery with another text has this key.
    KeyTaken(Id),
    /// The store refused it, for another reason than an existing delivery.
    Refused(Queued),
}

impl Sessions {
    /// Creates the sessions of a server, without adopting any.
    #[must_use]
    pub(crate) fn new(
        settings: Arc<Settings>,
        store: Repository,
        events: Events,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        let watchers = TaskTracker::new();
        let leases = Leases::new(store.clone(), settings.shared.clone());
        Self(Arc::new(Inner {
            leases,
            settings,
            store,
            events,
            planning,
            unsure: Unsure::default(),
            seats: Mutex::default(),
            closing,
            watchers,
            upgrades: Arc::new(Semaphore::new(upgrade::AT_ONCE)),
        }))
    }

    /// The running session of a project.
    #[must_use]
    pub fn running(&self, project: Id) -> Option<Arc<Session>> {
        self.seat(project).running()
    }

    /// Whether the session of a project is being started.
    #[must_use]
    pub fn is_starting(&self, project: Id) -> bool {
        self.seat(project).is_starting()
    }

    /// The number of sessions being started, and the latest session of each project.
    #[must_use]
    pub(crate) fn survey(&self) -> (usize, Vec<Arc<Session>>) {
        let seats: Vec<_> = lock(&self.0.seats).values().map(Arc::clone).collect();
        let is_starting = |seat: &&Arc<Seat>| seat.is_starting();
        let starting = seats.iter().filter(is_starting).count();
        (
            starting,
            seats.iter().filter_map(|seat| seat.latest()).collect(),
        )
    }

    /// The running session of a project, or else the last ended one.
    #[must_use]
    pub fn latest(&self, project: Id) -> Option<Arc<Session>> {
        self.seat(project).latest()
    }

    /// Gets the session of a project, or starts it. Any number of callers start one agent.
    ///
    /// # Errors
    /// When it cannot be started; nothing is left behind.
    pub async fn get_or_create(&self, project: Id) -> Result<Found, StartError> {
        let seat = self.seat(project);
        if let Some(session) = seat.running() {
            return Ok(Found {
                session,
                created: false,
            });
        }
        let _gate = seat.gate.lock().await;
        let found = self.get_or_start(&seat, project).await;
        if matches!(found, Err(StartError::NoProject)) {
            self.forget_seat(project);
        }
        found
    }

    /// The running session of a project, or else the last one that ended. Starts none, and waits for a start that is
    /// under way.
    ///
    /// # Errors
    /// When there is no such project, or another server has it.
    pub async fn look(&self, project: Id) -> Result<Option<Arc<Session>>, StartError> {
        let seat = self.seat(project);
        if let Some(session) = seat.running() {
            return Ok(Some(session));
        }
        let _gate = seat.gate.lock().await;
        if self.0.store.project(project).await?.is_none() {
            self.forget_seat(project);
            return Err(StartError::NoProject);
        }
        self.check_lease(project).await?;
        Ok(seat.latest())
    }

    /// Forgets a project.
    pub(super) fn forget_seat(&self, project: Id) {
        lock(&self.0.seats).remove(&project);
    }

    /// The caller holds the slot's lock.
    pub(super) async fn get_or_start(
        &self,
        seat: &Arc<Seat>,
        project: Id,
    ) -> Result<Found, StartError> {
        if let Some(session) = seat.running() {
            return Ok(Found {
                session,
                created: false,
            });
        }
        seat.is_free()?;
        if self.0.closing.is_cancelled() {
            return Err(StartError::Closing);
        }
        let before = seat.latest().map(|latest| latest.started_at);
        let tenure = self.0.leases.take(project).await?;
        let started = start::start(&self.0.settings, &self.0.store, project, before).await;
        if let (Err(_), Some(tenure)) = (&started, &tenure) {
            self.0.leases.give_back(project, tenure).await;
        }
        let started = started?;
        let current = Some(started.note.claude_session_id);
        let session = self.follow(seat, started, current).await;
        self.keep_lease_of(&session, tenure);
        self.prune(project, ENDED_KEPT);
        Ok(Found {
            session,
            created: true,
        })
    }

    /// Queues a delivery and makes sure that a session takes it.
    ///
    /// # Errors
    /// When no session runs and none can be started: the delivery is `failed`.
    pub async fn deliver(&self, new: &NewDelivery) -> Result<Delivered, StartError> {
        let project = new.output_project_id;
        let seat = self.seat(project);
        let _gate = seat.gate.lock().await;
        // Before queueing, so that no delivery waits for a session that nobody starts.
        seat.is_free()?;
        self.check_lease(project).await?;
        let running = seat.running();
        // A session that runs does not settle its last deliveries before this one is queued.
        let _intake = match &running {
            Some(session) => Some(session.intake.lock().await),
            None => None,
        };
        let queued = self.0.store.queue(new).await;
        if matches!(queued, Err(StoreError::Unavailable(_))) {
            // The store may have queued it all the same.
            self.0.unsure.add(project, new.id);
        }
        let delivery = match queued? {
            Queued::New(delivery) => delivery,
            Queued::Existing(delivery) if !is_same(new, &delivery) => {
                return Ok(Delivered::KeyTaken(delivery.id));
            }
            Queued::Existing(delivery) => {
                if !delivery.state.is_over() && seat.running().is_none() {
                    self.get_or_start(&seat, project).await?;
                }
                return Ok(Delivered::Accepted(delivery));
            }
            refused => return Ok(Delivered::Refused(refused)),
        };
        match self.get_or_start(&seat, project).await {
            Ok(Found { session, .. }) => {
                session.bell.notify_one();
                Ok(Delivered::Accepted(
                    self.0
                        .store
                        .delivery(delivery.id)
                        .await?
                        .unwrap_or(delivery),
                ))
            }
            Err(error) => {
                if self.fail(delivery.id, &error).await.is_err() {
                    self.0.unsure.add(project, delivery.id);
                }
                Err(error)
            }
        }
    }

    pub(super) async fn is_open(&self, delivery: Id) -> Result<bool, StoreError> {
        Ok(self
            .0
            .store
            .delivery(delivery)
            .await?
            .is_some_and(|delivery| !delivery.state.is_over()))
    }

    /// Ends the session of a project: the agent, everything it started, and orphans of earlier
    /// sessions. Returns whether all are gone.
    pub async fn end(&self, project: Id) -> bool {
        let seat = self.seat(project);
        let _gate = seat.gate.lock().await;
        self.end_in(&seat, project).await
    }

    /// The same; the caller holds the gate.
    pub(super) async fn end_in(&self, seat: &Seat, project: Id) -> bool {
        let stopped = match seat.running() {
            Some(session) => stop(&session.dir, session.ended()).await,
            None => true,
        };
        stopped && self.end_left(project).await
    }

    /// Deletes a project with its sessions; no session of it can start meanwhile.
    ///
    /// # Errors
    /// When the store fails; a running session is ended by then.
    pub async fn retire(&self, project: Id, force: bool) -> Result<Retired, StoreError> {
        let seat = self.seat(project);
        let _gate = seat.gate.lock().await;
        if let Some(session) = seat.running() {
            if !force {
                return Ok(Retired::Running);
            }
            if !stop(&session.dir, session.ended()).await {
                return Ok(Retired::Stuck);
            }
        }
        if let Some(run) = seat.run() {
            if !force {
                return Ok(Retired::InRun(run.id));
            }
            if !self.stop_run(&run).await {
                return Ok(Retired::Stuck);
            }
        }
        if !self.end_left(project).await {
            return Ok(Retired::Stuck);
        }
        match self.delete(project).await? {
            true => Ok(Retired::Removed),
            false => Ok(Retired::Missing),
        }
    }

    /// Stops all monitors; the agents run on.
    pub async fn close(&self) {
        self.0.watchers.close();
        self.0.watchers.wait().await;
    }

    pub(super) fn seat(&self, project: Id) -> Arc<Seat> {
        Arc::clone(lock(&self.0.seats).entry(project).or_default())
    }

    /// The slot of a project, if this server ever had anything in it.
    pub(super) fn known_seat(&self, project: Id) -> Option<Arc<Seat>> {
        lock(&self.0.seats).get(&project).map(Arc::clone)
    }

    /// Keeps the lease for the session's life.
    pub(super) fn keep_lease_of(&self, session: &Arc<Session>, tenure: Option<Tenure>) {
        let (project, dir) = (session.project_id, session.dir.clone());
        let session = Arc::clone(session);
        self.keep_lease(project, tenure, dir, async move {
            session.ended().await;
        });
    }

    pub(super) async fn follow(
        &self,
        seat: &Seat,
        started: Started,
        current: Option<uuid::Uuid>,
    ) -> Arc<Session> {
        let Started {
            id,
            dir,
            note,
            holder,
            at,
            is_latest,
        } = started;
        let view = View::starting(Learned::read(&dir).claude_version);
        let feed = self.0.events.current(note.project_id).await;
        let (session, ends) = Session::new(id, &note, dir, holder.agent(), at, view, feed);
        let session = Arc::new(session);
        let begun = Kind::SessionStarted {
            session_id: id,
            claude_session_id: note.claude_session_id,
            resumed: note.resumed,
            pid: holder.agent_pid,
        };
        session
            .feed
            .publish_with(begun, || seat.take(Arc::clone(&session)));
        let closing = self.0.closing.clone();
        // Publishes unwatched changes at once.
        let attention = match self.0.store.project(note.project_id).await {
            Ok(Some(project)) => {
                let workspace = &project.workspace_path;
                Some(self.0.planning.attend(note.project_id, workspace))
            }
            Ok(None) | Err(_) => None,
        };
        let bell = attention.as_ref().map(|attention| attention.bell());
        let following = Following {
            note,
            current,
            is_latest,
            planning: bell.unwrap_or_default(),
        };
        self.watch(Arc::clone(&session), ends, following);
        let ending = Arc::clone(&session);
        self.0.watchers.spawn(async move {
            tokio::select! {
                _ = ending.ended() => {}
                () = closing.cancelled() => {}
            }
            drop(attention);
        });
        session
    }
}

/// Whether an existing delivery equals the request.
fn is_same(new: &NewDelivery, delivery: &Delivery) -> bool {
    match &new.command {
        Command::Text(text) => *text == delivery.text,
        // Its milestone identifies it.
        Command::Milestone { .. } => true,
    }
}

/// Tells the holder in `dir` to end the agent's whole tree, and waits for `ended`.
pub(super) async fn stop<T>(dir: &Path, ended: impl Future<Output = T>) -> bool {
    let ended = async {
        match client::connect(dir).await {
            Ok(connection) => {
                let grace_ms = u64::try_from(STOP_GRACE.as_millis()).unwrap_or(u64::MAX);
                if let Err(error) = connection.sender.send(Request::Stop { grace_ms }).await {
                    tracing::warn!(dir = %dir.display(), %error, "the holder could not be told to stop");
                }
                // The connection stays open until the end, so that the request is read.
                ended.await;
                drop(connection);
            }
            // The session's monitor finds a vanished holder and marks the session as lost.
            Err(error) => {
                tracing::warn!(dir = %dir.display(), %error, "the holder does not answer");
                ended.await;
            }
        }
    };
    timeout(STOP_TIMEOUT, ended).await.is_ok()
}

#[cfg(test)]
mod tests;

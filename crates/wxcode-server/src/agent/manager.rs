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
use wxcode_store::{Command, NewDelivery, Queued, Store, StoreError};

use crate::{
    Settings,
    agent::{
        ENDED_KEPT, STOP_GRACE, STOP_TIMEOUT,
        delivery::waiting::UnknownOutcomes,
        launch::{
            lease::Leases,
            start::{self, StartError, Started},
        },
        metadata::LiveMetadata,
        monitor::{supervise::MonitorInput, upgrade},
        session::{Session, View},
        slot::{Slot, lock},
    },
    event::Events,
    planning::Planning,
};

/// The sessions of this server. Run its changing methods to their end: a start dropped half-way
/// would leave an agent without a monitor.
#[derive(Clone)]
pub struct Manager(pub(in crate::agent) Arc<Inner>);

pub(in crate::agent) struct Inner {
    pub(in crate::agent) settings: Arc<Settings>,
    pub(in crate::agent) store: Arc<dyn Store>,
    pub(in crate::agent) events: Events,
    pub(in crate::agent) planning: Planning,
    pub(in crate::agent) leases: Leases,
    pub(in crate::agent) unknown_outcomes: UnknownOutcomes,
    slots: Mutex<HashMap<Id, Arc<Slot>>>,
    pub(in crate::agent) closing: CancellationToken,
    pub(in crate::agent) tasks: TaskTracker,
    /// Permits for holders to change to this build.
    pub(in crate::agent) upgrades: Arc<Semaphore>,
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

impl Manager {
    /// Creates the sessions of a server, without adopting any.
    #[must_use]
    pub(crate) fn new(
        settings: Arc<Settings>,
        store: Arc<dyn Store>,
        events: Events,
        planning: Planning,
        closing: CancellationToken,
    ) -> Self {
        let tasks = TaskTracker::new();
        let leases = Leases::new(Arc::clone(&store), settings.shared.clone());
        Self(Arc::new(Inner {
            leases,
            settings,
            store,
            events,
            planning,
            unknown_outcomes: UnknownOutcomes::default(),
            slots: Mutex::default(),
            closing,
            tasks,
            upgrades: Arc::new(Semaphore::new(upgrade::AT_ONCE)),
        }))
    }

    /// The running session of a project.
    #[must_use]
    pub fn running(&self, project: Id) -> Option<Arc<Session>> {
        self.slot(project).running()
    }

    /// Whether the session of a project is being started.
    #[must_use]
    pub fn is_starting(&self, project: Id) -> bool {
        self.slot(project).is_starting()
    }

    /// The number of sessions being started, and the latest session of each project.
    #[must_use]
    pub(crate) fn survey(&self) -> (usize, Vec<Arc<Session>>) {
        let slots: Vec<_> = lock(&self.0.slots).values().map(Arc::clone).collect();
        let is_starting = |slot: &&Arc<Slot>| slot.is_starting();
        let starting = slots.iter().filter(is_starting).count();
        (
            starting,
            slots.iter().filter_map(|slot| slot.latest()).collect(),
        )
    }

    /// The running session of a project, or else the last ended one.
    #[must_use]
    pub fn latest(&self, project: Id) -> Option<Arc<Session>> {
        self.slot(project).latest()
    }

    /// Gets the session of a project, or starts it. Any number of callers start one agent.
    ///
    /// # Errors
    /// When it cannot be started; nothing is left behind.
    pub async fn get_or_create(&self, project: Id) -> Result<Found, StartError> {
        let slot = self.slot(project);
        if let Some(session) = slot.running() {
            return Ok(Found {
                session,
                created: false,
            });
        }
        let _guard = slot.lock().await;
        let found = self.get_or_start(&slot, project).await;
        if matches!(found, Err(StartError::NoProject)) {
            self.forget_slot(project);
        }
        found
    }

    /// The running session of a project, or else the last one that ended. Starts none, and waits for a start that is
    /// under way.
    ///
    /// # Errors
    /// When there is no such project, or another server has it.
    pub async fn look(&self, project: Id) -> Result<Option<Arc<Session>>, StartError> {
        let slot = self.slot(project);
        if let Some(session) = slot.running() {
            return Ok(Some(session));
        }
        let _guard = slot.lock().await;
        if self.0.store.project(project).await?.is_none() {
            self.forget_slot(project);
            return Err(StartError::NoProject);
        }
        self.check_lease(project).await?;
        Ok(slot.latest())
    }

    /// Forgets a project.
    pub(in crate::agent) fn forget_slot(&self, project: Id) {
        lock(&self.0.slots).remove(&project);
    }

    /// The caller holds the slot's lock.
    pub(in crate::agent) async fn get_or_start(
        &self,
        slot: &Arc<Slot>,
        project: Id,
    ) -> Result<Found, StartError> {
        if let Some(session) = slot.running() {
            return Ok(Found {
                session,
                created: false,
            });
        }
        slot.is_free()?;
        if self.0.closing.is_cancelled() {
            return Err(StartError::Closing);
        }
        let before = slot.latest().map(|latest| latest.started_at);
        let tenure = self.0.leases.take(project).await?;
        let started = start::start(&self.0.settings, &*self.0.store, project, before).await;
        if let (Err(_), Some(tenure)) = (&started, &tenure) {
            self.0.leases.give_back(project, tenure).await;
        }
        let started = started?;
        let current = Some(started.note.claude_session_id);
        let session = self.follow(slot, started, current).await;
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
        let slot = self.slot(project);
        let _guard = slot.lock().await;
        // Before queueing, so that no delivery waits for a session that nobody starts.
        slot.is_free()?;
        self.check_lease(project).await?;
        let running = slot.running();
        // A session that runs does not settle its last deliveries before this one is queued.
        let _intake = match &running {
            Some(session) => Some(session.intake.lock().await),
            None => None,
        };
        let queued = self.0.store.queue(new).await;
        if matches!(queued, Err(StoreError::Unavailable(_))) {
            // The store may have queued it all the same.
            self.0.unknown_outcomes.add(project, new.id);
        }
        let delivery = match queued? {
            Queued::New(delivery) => delivery,
            Queued::Existing(delivery) if !is_same(new, &delivery) => {
                return Ok(Delivered::KeyTaken(delivery.id));
            }
            Queued::Existing(delivery) => {
                if !delivery.state.is_over() && slot.running().is_none() {
                    self.get_or_start(&slot, project).await?;
                }
                return Ok(Delivered::Accepted(delivery));
            }
            refused => return Ok(Delivered::Refused(refused)),
        };
        match self.get_or_start(&slot, project).await {
            Ok(Found { session, .. }) => {
                session.queued.notify_one();
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
                    self.0.unknown_outcomes.add(project, delivery.id);
                }
                Err(error)
            }
        }
    }

    pub(in crate::agent) async fn is_open(&self, delivery: Id) -> Result<bool, StoreError> {
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
        let slot = self.slot(project);
        let _guard = slot.lock().await;
        self.end_in(&slot, project).await
    }

    /// The same; the caller holds the gate.
    pub(in crate::agent) async fn end_in(&self, slot: &Slot, project: Id) -> bool {
        let stopped = match slot.running() {
            Some(session) => stop(&session.dir, session.ended()).await,
            None => true,
        };
        stopped && self.end_orphans(project).await
    }

    /// Deletes a project with its sessions; no session of it can start meanwhile.
    ///
    /// # Errors
    /// When the store fails; a running session is ended by then.
    pub async fn retire(&self, project: Id, force: bool) -> Result<Retired, StoreError> {
        let slot = self.slot(project);
        let _guard = slot.lock().await;
        if let Some(session) = slot.running() {
            if !force {
                return Ok(Retired::Running);
            }
            if !stop(&session.dir, session.ended()).await {
                return Ok(Retired::Stuck);
            }
        }
        if let Some(run) = slot.run() {
            if !force {
                return Ok(Retired::InRun(run.id));
            }
            if !self.stop_run(&run).await {
                return Ok(Retired::Stuck);
            }
        }
        if !self.end_orphans(project).await {
            return Ok(Retired::Stuck);
        }
        match self.delete(project).await? {
            true => Ok(Retired::Removed),
            false => Ok(Retired::Missing),
        }
    }

    /// Stops all monitors; the agents run on.
    pub async fn close(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    pub(in crate::agent) fn slot(&self, project: Id) -> Arc<Slot> {
        Arc::clone(lock(&self.0.slots).entry(project).or_default())
    }

    /// The slot of a project, if this server ever had anything in it.
    pub(in crate::agent) fn known_slot(&self, project: Id) -> Option<Arc<Slot>> {
        lock(&self.0.slots).get(&project).map(Arc::clone)
    }

    /// Keeps the lease for the session's life.
    pub(in crate::agent) fn keep_lease_of(&self, session: &Arc<Session>, tenure: Option<Tenure>) {
        let (project, dir) = (session.project_id, session.dir.clone());
        let session = Arc::clone(session);
        self.keep_lease(project, tenure, dir, async move {
            session.ended().await;
        });
    }

    pub(in crate::agent) async fn follow(
        &self,
        slot: &Slot,
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
        let view = View::starting(LiveMetadata::read(&dir).claude_version);
        let feed = self.0.events.current(note.project_id).await;
        let (session, channels) = Session::new(id, &note, dir, holder.agent(), at, view, feed);
        let session = Arc::new(session);
        let begun = Kind::SessionStarted {
            session_id: id,
            claude_session_id: note.claude_session_id,
            resumed: note.resumed,
            pid: holder.agent_pid,
        };
        session
            .feed
            .tell_with(begun, || slot.set_session(Arc::clone(&session)));
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
        let input = MonitorInput {
            note,
            current,
            is_latest,
            planning: bell.unwrap_or_default(),
        };
        self.supervise(Arc::clone(&session), channels, input);
        let ending = Arc::clone(&session);
        self.0.tasks.spawn(async move {
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
pub(in crate::agent) async fn stop<T>(dir: &Path, ended: impl Future<Output = T>) -> bool {
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

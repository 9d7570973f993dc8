//! A project's slot for its one agent process, and its latest session.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use wxcode_core::{id::Id, time::to_millis};

use crate::{
    agent::{process::AgentProcess, run::Run, session::Session},
    sync::lock,
};

/// The run that occupies a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) struct Occupied(pub(in crate::agent) Id);

/// The slots of the projects that this server has worked with.
#[derive(Default)]
pub(in crate::agent) struct Slots(Mutex<HashMap<Id, Arc<Slot>>>);

impl Slots {
    /// The slot of a project.
    pub(in crate::agent) fn get(&self, project: Id) -> Arc<Slot> {
        Arc::clone(lock(&self.0).entry(project).or_default())
    }

    /// The slot of a project, if this server ever used it.
    pub(in crate::agent) fn known(&self, project: Id) -> Option<Arc<Slot>> {
        lock(&self.0).get(&project).map(Arc::clone)
    }

    /// All slots by their projects.
    pub(in crate::agent) fn by_project(&self) -> Vec<(Id, Arc<Slot>)> {
        let slots = lock(&self.0);
        slots
            .iter()
            .map(|(id, slot)| (*id, Arc::clone(slot)))
            .collect()
    }

    pub(in crate::agent) fn all(&self) -> Vec<Arc<Slot>> {
        lock(&self.0).values().map(Arc::clone).collect()
    }

    /// Forgets a project that the store does not know.
    pub(in crate::agent) fn forget(&self, project: Id) {
        lock(&self.0).remove(&project);
    }
}

/// A project's slot for its one agent process.
#[derive(Default)]
pub(in crate::agent) struct Slot {
    /// Held during the start or end of a session or a run, so that there is never a second agent.
    guard: tokio::sync::Mutex<()>,
    /// The latest session, running or ended.
    latest: Mutex<Option<Arc<Session>>>,
    /// Why that session could not be resumed at the server's start.
    resume_error: Mutex<Option<Arc<str>>>,
    /// The known runs; at most one is in progress.
    pub(in crate::agent) runs: Mutex<BTreeMap<Id, Arc<Run>>>,
    /// Whether the lock is held for the start of a run.
    pub(in crate::agent) is_starting_run: AtomicBool,
}

impl Slot {
    /// Puts a session into the slot.
    pub(in crate::agent) fn set_session(&self, session: Arc<Session>) {
        *lock(&self.latest) = Some(session);
        *lock(&self.resume_error) = None;
    }

    pub(in crate::agent) fn set_resume_error(&self, error: Arc<str>) {
        *lock(&self.resume_error) = Some(error);
    }

    pub(in crate::agent) fn resume_error(&self) -> Option<Arc<str>> {
        lock(&self.resume_error).clone()
    }

    /// Blocks every other start and end while the returned guard lives.
    pub(in crate::agent) async fn lock(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.guard.lock().await
    }

    pub(in crate::agent) fn latest(&self) -> Option<Arc<Session>> {
        lock(&self.latest).clone()
    }

    pub(in crate::agent) fn running(&self) -> Option<Arc<Session>> {
        self.latest().filter(|session| !session.is_over())
    }

    /// The running session, if it takes clients: it is not about to hibernate.
    pub(in crate::agent) fn open(&self) -> Option<Arc<Session>> {
        self.running().filter(|session| session.is_open())
    }

    /// Marks the start of a run; the caller holds the slot's lock.
    pub(in crate::agent) fn start_run(&self) -> RunStart<'_> {
        self.is_starting_run.store(true, Ordering::Release);
        RunStart(self)
    }

    /// The time of a start at `now`: later than every known start of a session or a run, even if
    /// the clock was set back.
    pub(in crate::agent) fn next_start(&self, now: Timestamp) -> Timestamp {
        let session = self.latest().map(|latest| latest.started_at);
        let runs = self.runs().into_iter().map(|run| run.started_at);
        let newest = runs.chain(session).max();
        let tick = SignedDuration::from_millis(1);
        let earliest = newest.and_then(|newest| newest.checked_add(tick).ok());
        let now = to_millis(now);
        earliest.map_or(now, |earliest| now.max(earliest))
    }

    /// Puts a run into the slot.
    pub(in crate::agent) fn add_run(&self, run: Arc<Run>) {
        lock(&self.runs).insert(run.id, run);
    }

    pub(in crate::agent) fn forget_run(&self, run: Id) {
        lock(&self.runs).remove(&run);
    }

    /// The known runs, oldest first.
    pub(in crate::agent) fn runs(&self) -> Vec<Arc<Run>> {
        let mut runs: Vec<Arc<Run>> = lock(&self.runs).values().map(Arc::clone).collect();
        // Ids of two servers do not sort by time within a second.
        runs.sort_by_key(|run| (run.started_at, run.id));
        runs
    }

    /// The run in progress.
    pub(in crate::agent) fn run(&self) -> Option<Arc<Run>> {
        let runs = lock(&self.runs);
        runs.values().find(|run| !run.is_over()).map(Arc::clone)
    }

    /// The live agent process.
    pub(in crate::agent) fn current(&self) -> Option<AgentProcess> {
        let session = self.running().map(AgentProcess::Session);
        session.or_else(|| self.run().map(AgentProcess::Run))
    }

    /// Fails while a run is in progress.
    pub(in crate::agent) fn is_free(&self) -> Result<(), Occupied> {
        match self.run() {
            Some(run) => Err(Occupied(run.id)),
            None => Ok(()),
        }
    }

    /// Whether a session is being started.
    pub(in crate::agent) fn is_starting(&self) -> bool {
        // The lock is also held during a session's end, but then it still runs.
        self.running().is_none()
            && !self.is_starting_run.load(Ordering::Acquire)
            && self.run().is_none()
            && self.guard.try_lock().is_err()
    }
}

/// A run is being started while this lives.
pub(in crate::agent) struct RunStart<'a>(&'a Slot);

impl Drop for RunStart<'_> {
    fn drop(&mut self) {
        self.0.is_starting_run.store(false, Ordering::Release);
    }
}

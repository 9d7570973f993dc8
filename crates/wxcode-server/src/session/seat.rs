//! A project's place for its one agent: who holds it, and who sat there last.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use wxcode_core::id::Id;

use super::{live::Session, run::Run};

/// A project's place for its one agent, a session's or a run's.
#[derive(Default)]
pub(super) struct Seat {
    /// Held while a session or a run is started or ended, so that there is never a second agent.
    pub(super) gate: tokio::sync::Mutex<()>,
    /// The latest session, running or ended.
    latest: Mutex<Option<Arc<Session>>>,
    /// Why that one could not be resumed when the server started.
    resume_error: Mutex<Option<Arc<str>>>,
    /// The runs that are known; at most one of them is going on.
    pub(super) runs: Mutex<BTreeMap<Id, Arc<Run>>>,
    /// Whether the gate is held for the start of a run.
    pub(super) begins_run: AtomicBool,
}

impl Seat {
    /// Gives the place to a session.
    pub(super) fn take(&self, session: Arc<Session>) {
        *lock(&self.latest) = Some(session);
        *lock(&self.resume_error) = None;
    }

    pub(super) fn fail_to_resume(&self, error: Arc<str>) {
        *lock(&self.resume_error) = Some(error);
    }

    pub(super) fn resume_error(&self) -> Option<Arc<str>> {
        lock(&self.resume_error).clone()
    }

    /// Holds off every other start and end for as long as the answer lives.
    pub(super) async fn hold(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.gate.lock().await
    }

    pub(super) fn latest(&self) -> Option<Arc<Session>> {
        lock(&self.latest).clone()
    }

    pub(super) fn running(&self) -> Option<Arc<Session>> {
        self.latest().filter(|session| !session.is_over())
    }

    /// Whether a session is being started.
    pub(super) fn is_starting(&self) -> bool {
        // The gate is also held while a session is ended, but then it still runs.
        self.running().is_none()
            && !self.begins_run.load(Ordering::Acquire)
            && self.run().is_none()
            && self.gate.try_lock().is_err()
    }
}

/// A poisoned lock guards a whole value here: every change of it is one assignment.
pub(in crate::session) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

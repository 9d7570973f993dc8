//! A project's slot for its one agent process, and its latest session.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use wxcode_core::id::Id;

use super::{live::Session, run::Run};

/// A project's slot for its one agent, a session's or a run's.
#[derive(Default)]
pub(super) struct Seat {
    /// Held during the start or end of a session or a run, so that there is never a second agent.
    pub(super) gate: tokio::sync::Mutex<()>,
    /// The latest session, running or ended.
    latest: Mutex<Option<Arc<Session>>>,
    /// Why that session could not be resumed at the server's start.
    resume_error: Mutex<Option<Arc<str>>>,
    /// The known runs; at most one is in progress.
    pub(super) runs: Mutex<BTreeMap<Id, Arc<Run>>>,
    /// Whether the lock is held for the start of a run.
    pub(super) begins_run: AtomicBool,
}

impl Seat {
    /// Puts a session into the slot.
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

    /// Blocks every other start and end while the returned guard lives.
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
        // The lock is also held during a session's end, but then it still runs.
        self.running().is_none()
            && !self.begins_run.load(Ordering::Acquire)
            && self.run().is_none()
            && self.gate.try_lock().is_err()
    }
}

/// A poisoned lock still guards a whole value: every change of it is one assignment.
pub(in crate::session) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

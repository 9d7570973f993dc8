//! The runs of a project's slot, of which at most one is in progress.

use std::sync::{Arc, atomic::Ordering};

use wxcode_core::id::Id;

use super::Run;
use crate::session::{
    seat::{Seat, lock},
    start::StartError,
};

/// A run is being started while this lives.
pub(in crate::session) struct Beginning<'a>(&'a Seat);

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        self.0.begins_run.store(false, Ordering::Release);
    }
}

impl Seat {
    /// Marks the start of a run; the caller holds the slot's lock.
    pub(in crate::session) fn begin_run(&self) -> Beginning<'_> {
        self.begins_run.store(true, Ordering::Release);
        Beginning(self)
    }

    /// Puts a run into the slot.
    pub(in crate::session) fn take_run(&self, run: Arc<Run>) {
        lock(&self.runs).insert(run.id, run);
    }

    pub(in crate::session) fn forget_run(&self, run: Id) {
        lock(&self.runs).remove(&run);
    }

    /// The known runs, oldest first.
    pub(in crate::session) fn runs(&self) -> Vec<Arc<Run>> {
        let mut runs: Vec<Arc<Run>> = lock(&self.runs).values().map(Arc::clone).collect();
        // Ids of two servers do not sort by time within a second.
        runs.sort_by_key(|run| (run.started_at, run.id));
        runs
    }

    /// The run in progress.
    pub(in crate::session) fn run(&self) -> Option<Arc<Run>> {
        let runs = lock(&self.runs);
        runs.values().find(|run| !run.is_over()).map(Arc::clone)
    }

    /// Fails while a run is in progress.
    pub(in crate::session) fn is_free(&self) -> Result<(), StartError> {
        match self.run() {
            Some(run) => Err(StartError::InRun(run.id)),
            None => Ok(()),
        }
    }
}

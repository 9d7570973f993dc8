//! Operations of a store that answers late: noticed while they wait, for the log and for people.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::sync::lock;

/// An operation without an answer for this long is late.
const LATE: Duration = Duration::from_secs(2);
/// Least time between two log lines about late answers.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// The operations in progress.
#[derive(Default)]
pub(super) struct InProgress(Mutex<State>);

#[derive(Default)]
struct State {
    newest: u64,
    began: BTreeMap<u64, (&'static str, Instant)>,
    logged: Option<Instant>,
}

/// An operation in progress, until its drop.
pub(super) struct Operation<'a> {
    of: &'a InProgress,
    number: u64,
}

impl InProgress {
    pub(super) fn begin(&self, operation: &'static str) -> Operation<'_> {
        let mut state = lock(&self.0);
        state.newest += 1;
        let number = state.newest;
        state.began.insert(number, (operation, Instant::now()));
        Operation { of: self, number }
    }

    /// The oldest late operation, and its time so far.
    pub(super) fn late(&self) -> Option<(&'static str, Duration)> {
        let state = lock(&self.0);
        let (operation, began) = state.began.values().next()?;
        let elapsed = began.elapsed();
        (elapsed >= LATE).then_some((*operation, elapsed))
    }
}

impl Drop for Operation<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.of.0);
        let Some((operation, began)) = state.began.remove(&self.number) else {
            return;
        };
        let elapsed = began.elapsed();
        let was_logged = state.logged.is_some_and(|at| at.elapsed() < LOG_EVERY);
        if elapsed >= LATE && !was_logged {
            state.logged = Some(Instant::now());
            tracing::warn!(
                operation,
                seconds = elapsed.as_secs(),
                "the store answers late"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_waiting_operation_is_late() {
        let all = InProgress::default();
        let old = all.begin("step");
        let _new = all.begin("queue");
        assert_eq!(all.late(), None);
        let before = Instant::now().checked_sub(LATE).unwrap();
        lock(&all.0).began.insert(old.number, ("step", before));
        assert_eq!(all.late().map(|(operation, _)| operation), Some("step"));
        drop(old);
        assert_eq!(all.late(), None);
    }
}

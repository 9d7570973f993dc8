//! Deliveries of unknown outcome: the store may have queued them without an answer.

use std::{collections::VecDeque, sync::Mutex};

use tokio::sync::Notify;
use wxcode_core::id::Id;

use crate::sync::lock;

/// Remembered deliveries of unknown outcome; beyond this number the oldest are left to the timer.
const UNSURE_MAX: usize = 256;

/// Deliveries of unknown outcome: the store may have queued them.
#[derive(Default)]
pub(in crate::agent) struct UnknownOutcomes {
    deliveries: Mutex<VecDeque<Unknown>>,
    /// Notified when a delivery was added, or when a delivery without a session got another time.
    pub(in crate::agent) added: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) struct Unknown {
    pub(in crate::agent) project: Id,
    pub(in crate::agent) delivery: Id,
}

impl UnknownOutcomes {
    /// Remembers a delivery until its outcome is known.
    pub(in crate::agent) fn add(&self, project: Id, delivery: Id) {
        let mut deliveries = lock(&self.deliveries);
        deliveries.push_back(Unknown { project, delivery });
        if deliveries.len() > UNSURE_MAX {
            deliveries.pop_front();
        }
        drop(deliveries);
        self.added.notify_one();
    }

    pub(in crate::agent) fn all(&self) -> Vec<Unknown> {
        lock(&self.deliveries).iter().copied().collect()
    }

    pub(in crate::agent) fn forget(&self, known: Unknown) {
        lock(&self.deliveries).retain(|unknown| *unknown != known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_unknown_deliveries_are_kept() {
        let unknown_outcomes = UnknownOutcomes::default();
        let id = |number: usize| {
            let mut bytes = [0; 12];
            bytes[4..].copy_from_slice(&number.to_be_bytes());
            Id::from_bytes(bytes)
        };
        for number in 0..=UNSURE_MAX {
            unknown_outcomes.add(id(0), id(number));
        }
        let all = unknown_outcomes.all();
        assert_eq!((all.len(), all[0].delivery), (UNSURE_MAX, id(1)));
        unknown_outcomes.forget(all[0]);
        assert_eq!(unknown_outcomes.all().len(), UNSURE_MAX - 1);
    }
}

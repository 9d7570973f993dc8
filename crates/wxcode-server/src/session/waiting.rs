//! Finds deliveries that wait in the store without a notification, and wakes the sessions that take them.
//!
//! The answer of the store to a queueing may be lost for good although the store did it: nobody is notified then, and the
//! client was told that it is not known. A timer looks for deliveries that wait and notifies their sessions. The ones whose
//! own answer this server lost are looked up one by one, and get a session like any other delivery.

use std::{collections::VecDeque, sync::Mutex, time::Duration};

use tokio::{sync::Notify, time::sleep};
use wxcode_core::id::Id;
use wxcode_store::StoreError;

use super::{courier, registry::Sessions, seat::lock, start::StartError};

/// How often the store is asked which projects have deliveries that wait.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// The first pause before a delivery of unknown outcome is looked up; it doubles to [`LOOK_EVERY`].
const UNSURE_FIRST: Duration = Duration::from_secs(1);
/// Deliveries of unknown outcome that are remembered; of more the oldest are left to the timer.
const UNSURE_MAX: usize = 256;

/// Deliveries of unknown outcome: the store may have queued them.
#[derive(Default)]
pub(super) struct Unsure {
    deliveries: Mutex<VecDeque<Unknown>>,
    added: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unknown {
    project: Id,
    delivery: Id,
}

impl Unsure {
    /// Remembers a delivery until it is known what became of it.
    pub(super) fn add(&self, project: Id, delivery: Id) {
        let mut deliveries = lock(&self.deliveries);
        deliveries.push_back(Unknown { project, delivery });
        if deliveries.len() > UNSURE_MAX {
            deliveries.pop_front();
        }
        drop(deliveries);
        self.added.notify_one();
    }

    fn all(&self) -> Vec<Unknown> {
        lock(&self.deliveries).iter().copied().collect()
    }

    fn forget(&self, known: Unknown) {
        lock(&self.deliveries).retain(|unknown| *unknown != known);
    }
}

impl Sessions {
    /// Looks for deliveries that wait, until the server ends.
    pub(crate) async fn look_for_waiting(&self) {
        let mut pause = LOOK_EVERY;
        loop {
            tokio::select! {
                () = self.0.closing.cancelled() => return,
                () = self.0.unsure.added.notified() => {
                    pause = UNSURE_FIRST;
                    continue;
                }
                () = sleep(pause) => {}
            }
            if let Err(error) = self.wake_waiting().await {
                tracing::debug!(%error, "cannot look for deliveries that wait");
            }
            let mut is_unsure = false;
            for unknown in self.0.unsure.all() {
                if self.take_up(unknown).await {
                    self.0.unsure.forget(unknown);
                } else {
                    is_unsure = true;
                }
            }
            pause = if is_unsure {
                LOOK_EVERY.min(pause * 2)
            } else {
                LOOK_EVERY
            };
        }
    }

    /// Notifies each session of this server whose project has deliveries that wait.
    async fn wake_waiting(&self) -> Result<(), StoreError> {
        for project in self.0.store.projects_with_open_deliveries().await? {
            let session = self.known_seat(project).and_then(|seat| seat.running());
            if let Some(session) = session {
                session.bell.notify_one();
            }
        }
        Ok(())
    }

    /// Sees that a delivery of unknown outcome gets a session, if the store has it; whether that is settled.
    async fn take_up(&self, Unknown { project, delivery }: Unknown) -> bool {
        match self.is_open(delivery).await {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
        let seat = self.seat(project);
        let _gate = seat.gate.lock().await;
        // A run holds the slot: the delivery waits for its end.
        if seat.is_free().is_err() {
            return false;
        }
        // It may have been carried out, or failed, meanwhile.
        match self.is_open(delivery).await {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => return false,
        }
        match self.get_or_start(&seat, project).await {
            Ok(found) => {
                tracing::info!(%project, %delivery, "took up a delivery that the store had queued without an answer");
                found.session.bell.notify_one();
                true
            }
            Err(StartError::Store(StoreError::Unavailable(_)) | StartError::Closing) => false,
            // The other server's timer finds it.
            Err(StartError::Elsewhere { .. }) => true,
            Err(error) => self.fail(delivery, &error).await.is_ok(),
        }
    }

    /// Fails a delivery that gets no session, unless it is over.
    pub(super) async fn fail(&self, delivery: Id, error: &StartError) -> Result<(), StoreError> {
        match self.0.store.delivery(delivery).await? {
            Some(delivery) => courier::fail(&self.0.store, &delivery, error.to_string()).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_unknown_deliveries_are_remembered() {
        let unsure = Unsure::default();
        let id = |number: usize| {
            let mut bytes = [0; 12];
            bytes[4..].copy_from_slice(&number.to_be_bytes());
            Id::from_bytes(bytes)
        };
        for number in 0..=UNSURE_MAX {
            unsure.add(id(0), id(number));
        }
        let all = unsure.all();
        assert_eq!((all.len(), all[0].delivery), (UNSURE_MAX, id(1)));
        unsure.forget(all[0]);
        assert_eq!(unsure.all().len(), UNSURE_MAX - 1);
    }
}

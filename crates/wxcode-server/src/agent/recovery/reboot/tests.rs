//! A store with a delay at every start, for counting concurrent starts.

use std::{collections::BTreeSet, sync::Mutex};

use futures_util::FutureExt as _;
use tokio::{sync::Semaphore, task::yield_now};
use wxcode_store::sqlite::SqliteStore;

use super::*;
use crate::{agent::double, repository::Before};

/// Interrupted sessions: several times the number of concurrent resumptions.
const CUT_OFF: u8 = 11;

#[tokio::test]
async fn resumes_all_sessions_in_bounded_batches() {
    let data = tempfile::tempdir().unwrap();
    let root = data.path().join("sessions");
    for n in 1..=CUT_OFF {
        let dir = double::interrupted(
            &root,
            Id::from_bytes([n; 12]),
            Id::from_bytes([n + 100; 12]),
        );
        std::fs::write(dir.join(crate::agent::folder::SETTLED), "").unwrap();
    }
    let inner = Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let leave = Arc::new(Semaphore::new(0));
    let waits = Arc::new(Mutex::new((0, 0)));
    let (asked, left) = (Arc::clone(&waits), Arc::clone(&leave));
    let held_up: Before = Box::new(move |operation| {
        let (waits, leave) = (Arc::clone(&asked), Arc::clone(&left));
        async move {
            // The first operation of a start.
            if operation == "project" {
                waits.lock().unwrap().0 += 1;
                leave.acquire().await.unwrap().forget();
                let mut waits = waits.lock().unwrap();
                *waits = (waits.0 - 1, waits.1 + 1);
            }
        }
        .boxed()
    });
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&inner), Some(held_up));
    let interrupted = sessions.adopt().await.unwrap();
    let projects: BTreeSet<Id> = interrupted
        .iter()
        .map(|interrupted| interrupted.project)
        .collect();
    assert_eq!(projects.len(), usize::from(CUT_OFF));
    let resuming = tokio::spawn({
        let sessions = sessions.clone();
        async move { sessions.resume_interrupted(interrupted).await }
    });
    for done in 0..usize::from(CUT_OFF) {
        // On a single thread: every unblocked task runs while this task yields.
        let under_way = RESUMED_AT_ONCE.min(usize::from(CUT_OFF) - done);
        let reached = async {
            while *waits.lock().unwrap() != (under_way, done) {
                yield_now().await;
            }
        };
        let reached = tokio::time::timeout(std::time::Duration::from_secs(60), reached);
        reached.await.expect("as many are under way as may be");
        for _ in 0..1_000 {
            yield_now().await;
            assert_eq!(*waits.lock().unwrap(), (under_way, done));
        }
        leave.add_permits(1);
    }
    resuming.await.unwrap();
    assert_eq!(*waits.lock().unwrap(), (0, usize::from(CUT_OFF)));
}

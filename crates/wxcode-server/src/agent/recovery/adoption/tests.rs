//! A store that answers only after enough concurrent requests.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::sync::Barrier;
use wxcode_store::sqlite::SqliteStore;

use super::*;
use crate::{agent::double, repository::Before};

/// Projects with sessions to adopt.
const PROJECTS: u8 = 10;

#[tokio::test]
async fn slow_store_delays_projects_together() {
    let data = tempfile::tempdir().unwrap();
    for n in 1..=PROJECTS {
        let (session, project) = ([n; 12], [n + 100; 12]);
        double::interrupted(
            &data.path().join("sessions"),
            Id::from_bytes(session),
            Id::from_bytes(project),
        );
    }
    let inner = Arc::new(SqliteStore::open(&data.path().join("wxcode.db")).unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let all = Arc::new(Barrier::new(usize::from(PROJECTS)));
    let slow: Before = Box::new(move |operation| {
        let (asked, all) = (Arc::clone(&asked), Arc::clone(&all));
        async move {
            let is_first = operation == "project"
                && asked.fetch_add(1, Ordering::Relaxed) < usize::from(PROJECTS);
            if is_first {
                all.wait().await;
            }
        }
        .boxed()
    });
    let sessions = double::sessions(data.path().to_owned(), Arc::clone(&inner), Some(slow));
    let adopted = timeout(Duration::from_secs(60), sessions.adopt()).await;
    let interrupted = adopted.expect("one waits for the other").unwrap();
    assert_eq!(interrupted.len(), usize::from(PROJECTS));
    sessions.close().await;
}

use std::{path::Path, sync::atomic::AtomicUsize, sync::atomic::Ordering::Relaxed};

use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;
use wxcode_core::delivery::DeliveryState;
use wxcode_store::{
    conformance::{Records, sample},
    sqlite::SqliteStore,
};

use super::{super::Batch, *};
use crate::metric::Metrics;

fn store(dir: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&dir.join("wxcode.db")).unwrap())
}

/// The store of a freshly started server on a folder, with its own events.
fn start(dir: &Path) -> (Telling, Arc<dyn Store>, Events) {
    let store = store(dir);
    let events = Events::new(dir.join("events"), Arc::clone(&store), Metrics::default());
    (
        Telling::new(Arc::clone(&store), events.clone()),
        store,
        events,
    )
}

/// Published events of a project after an event: the type, and the state or status.
async fn told(events: &Events, project: Id, after: u64) -> Vec<String> {
    let feed = events.current(project).await;
    let mut all = Vec::new();
    let mut cursor = after;
    loop {
        let Batch::Lines(lines) = feed.after(cursor).await else {
            panic!("gone");
        };
        let Some(last) = lines.last() else { return all };
        cursor = last.seq;
        all.extend(lines.iter().map(|line| {
            let event: Value = serde_json::from_str(line.json()).unwrap();
            let detail = ["state", "status", "source"]
                .iter()
                .find_map(|key| event[key].as_str())
                .unwrap_or_default();
            format!("{} {detail}", line.name())
        }));
    }
}

#[tokio::test]
async fn every_change_is_told_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let (telling, _, events) = start(dir.path());
    let project = sample::add_project(&telling).await;
    let milestone = sample::milestone(project);
    telling.add_milestone(&milestone).await.unwrap();
    let first = sample::queue(&telling, &sample::start(project, milestone.id)).await;
    let written = telling
        .step(&sample::step(&first, DeliveryState::Written))
        .await
        .unwrap()
        .unwrap();
    telling
        .step(&sample::step(&written, DeliveryState::Submitted))
        .await
        .unwrap();
    let (pending, failed) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
    let moved = sample::moved(50);
    let advance = |from, to| telling.advance_milestone(milestone.id, from, to, &moved);
    advance(MilestoneStatus::InProgress, failed).await.unwrap();
    advance(failed, pending).await.unwrap();
    let again = sample::queue(&telling, &sample::start(project, milestone.id)).await;
    assert_ne!(again.id, first.id);
    telling
        .remove_milestone(milestone.id, sample::at(60))
        .await
        .unwrap();
    assert_eq!(
        told(&events, project, 0).await,
        [
            "milestone.status pending",
            "delivery.state queued",
            "delivery.state written",
            "delivery.state submitted",
            "milestone.status in_progress",
            "milestone.status failed",
            "milestone.status pending",
            "delivery.state queued",
            "delivery.state failed",
            "milestone.status deleted",
        ]
    );
}

#[tokio::test]
async fn what_a_server_changed_and_did_not_live_to_tell_the_next_one_tells_once() {
    let dir = tempfile::tempdir().unwrap();
    let (telling, store, events) = start(dir.path());
    let project = sample::add_project(&telling).await;
    let milestone = sample::milestone(project);
    telling.add_milestone(&milestone).await.unwrap();
    let delivery = sample::queue(&telling, &sample::start(project, milestone.id)).await;
    let mut id = uuid::Uuid::new_v4();
    telling
        .rotate(project, &sample::rotation(None, id))
        .await
        .unwrap();
    let before = told(&events, project, 0).await;
    assert_eq!(before.len(), 2, "{before:?}");

    // It is killed between each change and its event.
    for _ in 0..2 {
        let next = uuid::Uuid::new_v4();
        let rotation = sample::rotation(Some(id), next);
        assert_eq!(
            store.rotate(project, &rotation).await.unwrap(),
            Rotated::Won
        );
        id = next;
    }
    let mut step = sample::step(&delivery, DeliveryState::Submitted);
    step.attempts = 1;
    store.step(&step).await.unwrap().unwrap();
    sample::queue(&*store, &sample::text(project, "hello")).await;
    store
        .add_milestone(&sample::milestone(project))
        .await
        .unwrap();
    let (_, _, events) = start(dir.path());
    let mut after = told(&events, project, 2).await;
    after.sort();
    assert_eq!(
        after,
        [
            "delivery.state queued",
            "delivery.state submitted",
            "milestone.status in_progress",
            "milestone.status pending",
            "session.rotated startup",
            "session.rotated startup",
        ]
    );
    let (_, _, events) = start(dir.path());
    assert_eq!(told(&events, project, 8).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_project_that_is_older_than_its_log_tells_what_is_and_not_what_was() {
    let dir = tempfile::tempdir().unwrap();
    let old = store(dir.path());
    let project = sample::add_project(&*old).await;
    let (one, two) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    old.rotate(project, &sample::rotation(None, one))
        .await
        .unwrap();
    old.rotate(project, &sample::rotation(Some(one), two))
        .await
        .unwrap();
    sample::queue(&*old, &sample::text(project, "hello")).await;
    let (telling, _, events) = start(dir.path());
    assert_eq!(told(&events, project, 0).await, ["delivery.state queued"]);
    telling
        .rotate(project, &sample::rotation(Some(two), one))
        .await
        .unwrap();
    assert_eq!(told(&events, project, 1).await, ["session.rotated startup"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_at_the_same_time_the_last_is_told_last() {
    let dir = tempfile::tempdir().unwrap();
    let (telling, store, events) = start(dir.path());
    let project = sample::add_project(&telling).await;
    let milestone = sample::milestone(project);
    telling.add_milestone(&milestone).await.unwrap();
    let statuses = [
        MilestoneStatus::Pending,
        MilestoneStatus::Failed,
        MilestoneStatus::InProgress,
    ];
    let moved = AtomicUsize::new(0);
    let moves = (0..200_usize).map(|n| {
        let (from, to) = (statuses[n % 2], statuses[(n + 1) % 2]);
        let (telling, moved) = (&telling, &moved);
        let id = milestone.id;
        async move {
            let done = telling
                .advance_milestone(id, from, to, &sample::moved(50))
                .await;
            moved.fetch_add(usize::from(done.unwrap().is_some()), Relaxed);
        }
    });
    join_all(moves).await;
    let told = told(&events, project, 0).await;
    assert_eq!(told.len(), 1 + moved.load(Relaxed), "{told:?}");
    for pair in told.windows(2) {
        assert_ne!(pair[0], pair[1], "{told:?}");
    }
    let now = store.milestone(milestone.id).await.unwrap().unwrap().status;
    assert_eq!(
        *told.last().unwrap(),
        format!("milestone.status {}", now.as_str())
    );
}

/// Stores that publish, each into a log of its own.
struct Place {
    dir: TempDir,
    opened: AtomicUsize,
}

#[async_trait]
impl Records for Place {
    async fn open(&self) -> Arc<dyn Store> {
        let store = store(self.dir.path());
        let n = self.opened.fetch_add(1, Relaxed);
        let root = self.dir.path().join(format!("events-{n}"));
        let events = Events::new(root, Arc::clone(&store), Metrics::default());
        Arc::new(Telling::new(store, events))
    }
}

async fn fresh() -> Option<Place> {
    Some(Place {
        dir: tempfile::tempdir().unwrap(),
        opened: AtomicUsize::new(0),
    })
}

/// It behaves like any other store.
mod conformance {
    wxcode_store::conformance_tests!(crate::event::telling::tests::fresh);
}

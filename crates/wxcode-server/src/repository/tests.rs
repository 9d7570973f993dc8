use std::{path::Path, sync::atomic::AtomicUsize, sync::atomic::Ordering::Relaxed};

use futures_util::future::join_all;
use serde_json::Value;
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    milestone::MilestoneStatus,
};
use wxcode_store::{NewDelivery, Queued, conformance::sample, sqlite::SqliteStore};

use super::*;
use crate::event::Batch;

fn store(dir: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(&dir.join("wxcode.db")).unwrap())
}

/// The repository of a freshly started server on a folder, and the store below.
fn start(dir: &Path) -> (Repository, Arc<dyn Store>, Events) {
    let (store, metrics) = (store(dir), Metrics::default());
    let events = Events::new(dir.join("events"), Arc::clone(&store), metrics.clone());
    let repository = Repository::new(Arc::clone(&store), events.clone(), metrics);
    (repository, store, events)
}

async fn queue(repository: &Repository, new: &NewDelivery) -> Delivery {
    match repository.queue(new).await.unwrap() {
        Queued::New(delivery) => delivery,
        other => panic!("{other:?}"),
    }
}

/// Published events of a project after an event: the type, and the state or status.
async fn published(events: &Events, project: Id, after: u64) -> Vec<String> {
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
async fn changes_are_published_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let (repository, store, events) = start(dir.path());
    let project = sample::add_project(&*store).await;
    let milestone = sample::milestone(project);
    repository.add_milestone(&milestone).await.unwrap();
    let first = queue(&repository, &sample::start(project, milestone.id)).await;
    let written = repository
        .step(&sample::step(&first, DeliveryState::Written))
        .await
        .unwrap()
        .unwrap();
    repository
        .step(&sample::step(&written, DeliveryState::Submitted))
        .await
        .unwrap();
    let (pending, failed) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
    let moved = sample::moved(50);
    let advance = |from, to| repository.advance_milestone(milestone.id, from, to, &moved);
    advance(MilestoneStatus::InProgress, failed).await.unwrap();
    advance(failed, pending).await.unwrap();
    let again = queue(&repository, &sample::start(project, milestone.id)).await;
    assert_ne!(again.id, first.id);
    repository
        .remove_milestone(milestone.id, sample::at(60))
        .await
        .unwrap();
    assert_eq!(
        published(&events, project, 0).await,
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
async fn next_start_publishes_missing_events_once() {
    let dir = tempfile::tempdir().unwrap();
    let (repository, store, events) = start(dir.path());
    let project = sample::add_project(&*store).await;
    let milestone = sample::milestone(project);
    repository.add_milestone(&milestone).await.unwrap();
    let delivery = queue(&repository, &sample::start(project, milestone.id)).await;
    let mut id = uuid::Uuid::new_v4();
    repository
        .rotate(project, &sample::rotation(None, id))
        .await
        .unwrap();
    let before = published(&events, project, 0).await;
    assert_eq!(before.len(), 2, "{before:?}");

    // The server is killed between each change and its event.
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
    let mut after = published(&events, project, 2).await;
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
    assert_eq!(published(&events, project, 8).await, Vec::<String>::new());
}

#[tokio::test]
async fn new_logs_begin_with_present_state() {
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
    let (repository, _, events) = start(dir.path());
    assert_eq!(
        published(&events, project, 0).await,
        ["delivery.state queued"]
    );
    repository
        .rotate(project, &sample::rotation(Some(two), one))
        .await
        .unwrap();
    assert_eq!(
        published(&events, project, 1).await,
        ["session.rotated startup"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_publish_the_last_last() {
    let dir = tempfile::tempdir().unwrap();
    let (repository, store, events) = start(dir.path());
    let project = sample::add_project(&*store).await;
    let milestone = sample::milestone(project);
    repository.add_milestone(&milestone).await.unwrap();
    let statuses = [
        MilestoneStatus::Pending,
        MilestoneStatus::Failed,
        MilestoneStatus::InProgress,
    ];
    let moved = AtomicUsize::new(0);
    let moves = (0..200_usize).map(|n| {
        let (from, to) = (statuses[n % 2], statuses[(n + 1) % 2]);
        let (repository, moved) = (&repository, &moved);
        let id = milestone.id;
        async move {
            let done = repository
                .advance_milestone(id, from, to, &sample::moved(50))
                .await;
            moved.fetch_add(usize::from(done.unwrap().is_some()), Relaxed);
        }
    });
    join_all(moves).await;
    let all = published(&events, project, 0).await;
    assert_eq!(all.len(), 1 + moved.load(Relaxed), "{all:?}");
    for pair in all.windows(2) {
        assert_ne!(pair[0], pair[1], "{all:?}");
    }
    let now = store.milestone(milestone.id).await.unwrap().unwrap().status;
    assert_eq!(
        *all.last().unwrap(),
        format!("milestone.status {}", now.as_str())
    );
}

#[tokio::test]
async fn operations_failures_and_deliveries_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (repository, store, _) = start(dir.path());
    let project = sample::add_project(&*store).await;
    let mut taken = repository.project(project).await.unwrap().unwrap();
    taken.id = sample::id();
    assert!(repository.add_project(&taken).await.is_err());
    let first = queue(&repository, &sample::text(project, "a")).await;
    let second = queue(&repository, &sample::text(project, "b")).await;
    let step = async |delivery: &Delivery, state| {
        let stepped = repository.step(&sample::step(delivery, state)).await;
        stepped.unwrap().unwrap()
    };
    let written = step(&first, DeliveryState::Written).await;
    step(&written, DeliveryState::Submitted).await;
    step(&second, DeliveryState::Failed).await;
    let text = repository.0.metrics.encode().unwrap();
    for line in [
        "wxcode_store_operation_seconds_count{operation=\"add_project\"} 1",
        "wxcode_store_operation_seconds_count{operation=\"step\"} 3",
        "wxcode_store_errors_total{operation=\"add_project\",error=\"refused\"} 1",
        "wxcode_deliveries_total{state=\"queued\"} 2",
        "wxcode_deliveries_total{state=\"submitted\"} 1",
        "wxcode_deliveries_total{state=\"failed\"} 1",
        "wxcode_delivery_submit_seconds_count 1",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

//! Many records: the time of a migration, and of the usual operations beside the embedded store.
//!
//! `cargo test --release -p wxcode-store-mongodb --test database -- --ignored --nocapture scale`

use std::time::{Duration, Instant};

use wxcode_core::{
    delivery::DeliveryState,
    milestone::{Milestone, MilestoneStatus},
    project::OutputProject,
};
use wxcode_store::{
    NextQuery, Page, ProjectRecords, Store,
    conformance::{Records as _, sample},
    copy,
    sqlite::SqliteStore,
};

use crate::support::fresh;

const PROJECTS: usize = 5_000;
const MILESTONES_EACH: usize = 10;
const DELIVERIES_EACH: usize = 20;
/// Projects added at once.
const BATCH: usize = 500;
/// Times of each measured operation.
const TIMES: usize = 200;
/// Longest migration.
const MIGRATION_MAX: Duration = Duration::from_secs(30);
/// Longest median of an operation.
const OPERATION_MAX: Duration = Duration::from_millis(50);
/// The same for one that returns something of every project.
const ALL_MAX: Duration = Duration::from_millis(500);

fn records(number: usize) -> ProjectRecords {
    let millis = |of: usize| sample::at(i64::try_from(of).unwrap());
    let project = OutputProject {
        name: format!("project {number}"),
        created_at: millis(number),
        ..sample::project()
    };
    let statuses = [
        MilestoneStatus::Completed,
        MilestoneStatus::InProgress,
        MilestoneStatus::Pending,
    ];
    let milestone = |of: usize| Milestone {
        element_id: Some(format!("element {of}")),
        context: Some("# Context\n".repeat(20)),
        status: statuses[of * statuses.len() / MILESTONES_EACH],
        created_at: millis(of),
        ..sample::milestone(project.id)
    };
    let delivery = |of: usize| {
        let new = sample::text(project.id, &format!("text {of}"));
        let mut delivery = new.queued(None, &"a text of a usual length ".repeat(8));
        delivery.idempotency_key = Some(format!("key {of}"));
        // The last one waits.
        if of + 1 < DELIVERIES_EACH {
            delivery.state = DeliveryState::Submitted;
        }
        delivery
    };
    ProjectRecords {
        milestones: (0..MILESTONES_EACH).map(milestone).collect(),
        deliveries: (0..DELIVERIES_EACH).map(delivery).collect(),
        project,
    }
}

/// The median time of an operation.
async fn median(operation: impl AsyncFn(usize)) -> Duration {
    let mut times = Vec::new();
    for number in 0..TIMES {
        let began = Instant::now();
        operation(number).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[TIMES / 2]
}

async fn measure(store: &dyn Store, ids: &[wxcode_core::id::Id]) -> Vec<(&'static str, Duration)> {
    let id = |number: usize| ids[number * 7 % ids.len()];
    let first = Page { skip: 0, limit: 50 };
    let query = NextQuery {
        now: sample::at(0),
        in_turn: false,
    };
    vec![
        (
            "the first 50 projects",
            median(async |_| drop(store.projects(first).await.unwrap())).await,
        ),
        (
            "50 projects from the middle",
            median(async |_| {
                let skip = (PROJECTS / 2) as u64;
                drop(store.projects(Page { skip, ..first }).await.unwrap());
            })
            .await,
        ),
        (
            "the milestones of a project",
            median(async |at| drop(store.milestones(id(at), None, first).await.unwrap())).await,
        ),
        (
            "the deliveries of a project",
            median(async |at| drop(store.deliveries(id(at), first).await.unwrap())).await,
        ),
        (
            "the next delivery",
            median(async |at| drop(store.next_delivery(id(at), query).await.unwrap())).await,
        ),
        (
            "projects with open deliveries",
            median(async |_| drop(store.projects_with_open_deliveries().await.unwrap())).await,
        ),
        (
            "adding a milestone",
            median(async |at| {
                let new = Milestone {
                    element_id: Some(format!("new {at}")),
                    ..sample::milestone(id(at))
                };
                store.add_milestone(&new).await.unwrap();
            })
            .await,
        ),
        (
            "queueing a delivery",
            median(async |at| drop(sample::queue(store, &sample::text(id(at), "new")).await)).await,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: 5,000 projects, 50,000 milestones, 100,000 deliveries"]
async fn many_records_migrate_and_stay_fast() {
    let Some(fresh) = fresh().await else { return };
    fresh.unprofiled().await;
    let dir = tempfile::tempdir().unwrap();
    let sqlite = SqliteStore::open(&dir.path().join("wxcode.db")).unwrap();
    let began = Instant::now();
    let mut ids = Vec::new();
    for first in (0..PROJECTS).step_by(BATCH) {
        let batch: Vec<ProjectRecords> = (first..first + BATCH).map(records).collect();
        ids.extend(batch.iter().map(|of| of.project.id));
        sqlite.restore_projects(batch).await.unwrap();
    }
    println!("SQLite filled in {:.1?}", began.elapsed());
    let mongo = fresh.open().await;
    let began = Instant::now();
    let report = copy::everything(&sqlite, &*mongo, |_| {}).await.unwrap();
    let migration = began.elapsed();
    assert_eq!(report.problems, [""; 0]);
    println!(
        "{} projects, {} milestones, {} deliveries migrated and compared in {migration:.1?}",
        report.projects, report.milestones, report.deliveries
    );
    let embedded = measure(&sqlite, &ids).await;
    let shared = measure(&*mongo, &ids).await;
    for ((what, here), (_, there)) in embedded.iter().zip(&shared) {
        println!("{what}: SQLite {here:.2?}, MongoDB {there:.2?}");
        let most = match *what {
            "projects with open deliveries" => ALL_MAX,
            _ => OPERATION_MAX,
        };
        assert!(*there < most, "{what}: {there:?}");
    }
    assert!(migration < MIGRATION_MAX, "{migration:?}");
}

//! Tests of copying a store into the other and back, also after an interruption.

use uuid::Uuid;
use wxcode_core::{
    delivery::DeliveryState,
    milestone::{Milestone, MilestoneStatus},
    project::OutputProject,
};
use wxcode_store::{
    PAGE_MAX, Page, ProjectPatch, ProjectStore, Store,
    conformance::{Records, sample},
    copy,
    sqlite::SqliteStore,
};

use crate::support::{fresh, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};
/// Time for the first part of an interrupted copy.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);
/// Projects in the source; more than a single read returns.
const PROJECTS: u64 = 103;

/// Makes a store with all kinds of records; returns the numbers of milestones and of deliveries.
async fn fill(store: &dyn Store) -> (u64, u64) {
    for number in 0..PROJECTS - 1 {
        let project = OutputProject {
            name: format!("project {number}"),
            created_at: sample::at(i64::try_from(number).unwrap()),
            ..sample::project()
        };
        store.add_project(&project).await.unwrap();
    }
    let project = OutputProject {
        kb_id: Some("a text".to_owned()),
        created_at: sample::at(1000),
        ..sample::project()
    };
    store.add_project(&project).await.unwrap();
    let project = project.id;
    let [a, b] = [Uuid::new_v4(), Uuid::new_v4()];
    store
        .rotate(project, &sample::rotation(None, a))
        .await
        .unwrap();
    store
        .rotate(project, &sample::rotation(Some(a), b))
        .await
        .unwrap();
    for (number, state) in [
        None,
        Some(DeliveryState::Submitted),
        Some(DeliveryState::Failed),
    ]
    .into_iter()
    .enumerate()
    {
        let milestone = Milestone {
            element_id: Some(number.to_string()),
            context: Some("# Context".to_owned()),
            ..sample::milestone(project)
        };
        store.add_milestone(&milestone).await.unwrap();
        let queued = sample::queue(store, &sample::start(project, milestone.id)).await;
        if let Some(state) = state {
            sample::advance(store, &queued, state).await;
        }
    }
    for number in 0..5 {
        let mut new = sample::text(project, &format!("text {number}"));
        new.idempotency_key = Some(number.to_string());
        sample::queue(store, &new).await;
    }
    (3, 8)
}

async fn assert_same(a: &dyn Store, b: &dyn Store) {
    let (here, there) = (
        a.projects(ALL).await.unwrap(),
        b.projects(ALL).await.unwrap(),
    );
    assert_eq!(here, there);
    for project in here.items {
        let milestones = a.milestones(project.id, None, ALL).await.unwrap();
        assert_eq!(
            milestones,
            b.milestones(project.id, None, ALL).await.unwrap()
        );
        let deliveries = a.deliveries(project.id, ALL).await.unwrap();
        assert_eq!(deliveries, b.deliveries(project.id, ALL).await.unwrap());
        let open = a.open_deliveries(project.id).await.unwrap();
        assert_eq!(open, b.open_deliveries(project.id).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_and_its_return_are_equal() {
    let Some(fresh) = fresh().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let [source, back] =
        ["source", "back"].map(|name| SqliteStore::open(&dir.path().join(name)).unwrap());
    let (milestones, deliveries) = fill(&source).await;
    let mongo = fresh.open().await;
    let mut steps = 0;
    let report = copy::everything(&source, &*mongo, |report| {
        steps += 1;
        assert_eq!(report.projects, steps);
    })
    .await
    .unwrap();
    assert_eq!(report.problems, [""; 0]);
    assert_eq!(
        (
            report.total,
            report.projects,
            report.milestones,
            report.deliveries,
            report.found
        ),
        (PROJECTS, PROJECTS, milestones, deliveries, 0)
    );
    assert_same(&source, &*mongo).await;

    let again = copy::everything(&source, &*mongo, |_| {}).await.unwrap();
    assert_eq!(
        again.found,
        PROJECTS + milestones + deliveries,
        "nothing is copied twice"
    );
    assert_eq!(again.problem_count, 0);
    copy::everything(&*mongo, &back, |_| {}).await.unwrap();
    assert_same(&source, &back).await;

    // Copied records behave like any other records.
    let project = mongo.projects(ALL).await.unwrap().items.pop().unwrap().id;
    let open = mongo.open_deliveries(project).await.unwrap();
    sample::advance(&*mongo, &open[0], DeliveryState::Submitted).await;
    let milestone = mongo
        .milestone(open[0].milestone_id.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(milestone.status, MilestoneStatus::InProgress);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_copy_continues() {
    let Some(fresh) = fresh().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let source = SqliteStore::open(&dir.path().join("source")).unwrap();
    fill(&source).await;
    let direct = open(&fresh.address).await;
    for requests in [50, 150, 250] {
        let Some((proxy, address)) = fresh.proxy().await else {
            return;
        };
        let far = open(&address).await;
        proxy.cut_after(requests);
        let copying = tokio::spawn({
            let path = dir.path().join("source");
            async move {
                let source = SqliteStore::open(&path).unwrap();
                copy::everything(&source, &far, |_| {}).await
            }
        });
        tokio::select! {
            () = proxy.cut() => {}
            () = tokio::time::sleep(PATIENCE) => panic!("the copy made fewer than {requests} requests"),
        }
        copying.abort();
        assert!(copying.await.is_err(), "it was interrupted");
    }
    let there = direct.projects(ALL).await.unwrap().total;
    assert!(
        (1..PROJECTS).contains(&there),
        "{there} projects were copied"
    );
    let report = copy::everything(&source, &direct, |_| {}).await.unwrap();
    assert_eq!((report.problems, report.projects), (Vec::new(), PROJECTS));
    assert!(report.found >= there);
    assert_same(&source, &direct).await;
}

#[tokio::test]
async fn differences_are_named() {
    let Some(fresh) = fresh().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let source = SqliteStore::open(&dir.path().join("source")).unwrap();
    let [changed, same] = [
        sample::add_project(&source).await,
        sample::add_project(&source).await,
    ];
    let mongo = fresh.open().await;
    copy::everything(&source, &*mongo, |_| {}).await.unwrap();
    let patch = ProjectPatch {
        name: Some("changed".to_owned()),
        ..ProjectPatch::default()
    };
    mongo
        .patch_project(changed, &patch, sample::at(5))
        .await
        .unwrap();
    let report = copy::everything(&source, &*mongo, |_| {}).await.unwrap();
    assert_eq!((report.projects, report.problem_count), (1, 1));
    assert!(
        report.problems[0].contains(&changed.to_string()),
        "{:?}",
        report.problems
    );
    assert!(!report.problems[0].contains(&same.to_string()));
    let kept = mongo.project(changed).await.unwrap().unwrap();
    assert_eq!(kept.name, "changed", "existing records are not overwritten");
}

//! Tests with a process dying between two writes, at every possible point: the process's operation
//! happens wholly or not at all.

use mongodb::bson::{doc, oid::ObjectId};
use wxcode_core::{delivery::DeliveryState, id::Id, milestone::MilestoneStatus};
use wxcode_store::{
    DeliveryStore, MilestoneStore, PAGE_MAX, Page, ProjectStore, Store,
    conformance::{Records, sample},
};
use wxcode_store_mongodb::MongoStore;
use wxcode_testbed::{mongodb::MongoServer, proxy::Proxy};

use crate::support::{self, Fresh, fresh, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

/// More requests than any operation makes.
const REQUESTS_MAX: u32 = 12;

/// The state of a project with a milestone: the project's status, the delivery, the milestone's
/// status and link.
type Seen = (
    wxcode_core::project::ProjectStatus,
    bool,
    Option<(MilestoneStatus, bool)>,
    Vec<DeliveryState>,
    u64,
);

async fn seen(store: &dyn Store, project: Id) -> Option<Seen> {
    let deliveries = store.deliveries(project, ALL).await.unwrap().items;
    let milestones = store.milestones(project, None, ALL).await.unwrap().items;
    let found = store.project(project).await.unwrap();
    if found.is_none() {
        assert_eq!((deliveries.len(), milestones.len()), (0, 0));
    }
    let found = found?;
    let open = store.open_deliveries(project).await.unwrap().len();
    Some((
        found.status,
        found.new_project_delivery.is_some(),
        milestones
            .first()
            .map(|m| (m.status, m.delivery_id.is_some())),
        deliveries.iter().map(|d| d.state).collect(),
        open as u64,
    ))
}

/// An operation, and the project before and after the operation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Queueing,
    Submitting,
    Failing,
    GivingUp,
    RemovingMilestone,
    RemovingProject,
}

async fn prepare(store: &dyn Store, doing: Doing) -> (Id, Id) {
    let project = sample::add_project(store).await;
    let milestone = sample::add_milestone(store, project).await;
    if doing != Doing::Queueing {
        sample::queue(store, &sample::start(project, milestone)).await;
    }
    (project, milestone)
}

async fn act(store: &MongoStore, doing: Doing, project: Id, milestone: Id) -> bool {
    let step = async |state| {
        let Ok(open) = store.open_deliveries(project).await else {
            return false;
        };
        match open.first() {
            Some(delivery) => store.step(&sample::step(delivery, state)).await.is_ok(),
            None => false,
        }
    };
    match doing {
        Doing::Queueing => store
            .queue(&sample::start(project, milestone))
            .await
            .is_ok(),
        Doing::Submitting => step(DeliveryState::Submitted).await,
        Doing::Failing => step(DeliveryState::Failed).await,
        Doing::GivingUp => {
            let (from, to) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
            store
                .advance_milestone(milestone, from, to, &sample::moved(5))
                .await
                .is_ok()
        }
        Doing::RemovingMilestone => store
            .remove_milestone(milestone, sample::at(5), None)
            .await
            .is_ok(),
        Doing::RemovingProject => store.remove_project(project).await.is_ok(),
    }
}

/// Runs the operation through a proxy that cuts the connection after each number of requests.
/// Returns the answers of a store open all the time, and of a store opened afterwards.
async fn at_every_request(fresh: &Fresh, doing: Doing) {
    let direct = open(&fresh.address).await;
    // The state before, and the state without a fault.
    let (project, milestone) = prepare(&direct, doing).await;
    let before = seen(&direct, project).await;
    assert!(act(&direct, doing, project, milestone).await);
    let after = seen(&direct, project).await;
    assert_ne!(before, after, "{doing:?} does something");

    let (mut undone, mut done) = (0, 0);
    for requests in 0..REQUESTS_MAX {
        let (project, milestone) = prepare(&direct, doing).await;
        let Some((proxy, address)) = fresh.proxy().await else {
            return;
        };
        let store = open(&address).await;
        proxy.cut_after(requests);
        // The store keeps trying in vain; to the database the store is dead.
        let acting = tokio::spawn(async move { act(&store, doing, project, milestone).await });
        let finished = finished(&proxy, acting).await;
        let now = seen(&direct, project).await;
        assert!(
            now == before || now == after,
            "{doing:?} cut after {requests} requests is half done: {now:?} is neither {before:?} nor {after:?}"
        );
        if finished {
            assert_eq!(
                now, after,
                "{doing:?} was acknowledged after {requests} requests"
            );
        }
        // The next store to open finds the same.
        let next = open(&fresh.address).await;
        let later = seen(&next, project).await;
        assert!(
            later == now || later == after,
            "{doing:?} {requests}: {now:?}, then {later:?}"
        );
        if later == after {
            done += 1;
        } else {
            undone += 1;
        }
        if finished {
            break;
        }
    }
    assert!(
        undone > 0 && done > 1,
        "{doing:?}: {undone} undone, {done} done"
    );
}

/// Waits for the cut or the end; true if the task ended well. Leaves the task to its vain tries.
async fn finished(proxy: &Proxy, acting: tokio::task::JoinHandle<bool>) -> bool {
    tokio::select! {
        () = proxy.cut() => false,
        ended = acting => ended.unwrap(),
    }
}

macro_rules! crashes {
    ($($name:ident => $doing:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(fresh) = fresh().await {
                    at_every_request(&fresh, Doing::$doing).await;
                }
            }
        )+
    };
}

crashes! {
    queueing_is_whole => Queueing,
    submitting_is_whole => Submitting,
    failing_is_whole => Failing,
    giving_up_is_whole => GivingUp,
    removing_a_milestone_is_whole => RemovingMilestone,
    removing_a_project_is_whole => RemovingProject,
}

/// A change executed a second time, long after later changes, has no effect.
#[tokio::test]
async fn a_late_change_has_no_effect() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let project = sample::add_project(&*store).await;
    let milestone = sample::add_milestone(&*store, project).await;
    let queued = sample::queue(&*store, &sample::start(project, milestone)).await;
    let key = doc! { "_id": ObjectId::from_bytes(project.bytes()) };
    let projects = fresh.collection("output_projects").await;

    // Puts the first step's change from the project's document back after the second step.
    let written = sample::advance(&*store, &queued, DeliveryState::Written).await;
    let first = doc! { "rev": 2_i64, "mark": ObjectId::new(), "writes": [{ "delivery": {
        "id": ObjectId::from_bytes(queued.id.bytes()),
        "set": { "state": "written", "version": 1_i64 },
        "over": false,
    } }] };
    let submitted = sample::advance(&*store, &written, DeliveryState::Submitted).await;
    let put_back = doc! { "$set": { "wxcode.work.change": first } };
    projects.update_one(key.clone(), put_back).await.unwrap();

    assert_eq!(store.delivery(queued.id).await.unwrap(), Some(submitted));
    assert!(store.open_deliveries(project).await.unwrap().is_empty());
    let document = projects.find_one(key).await.unwrap().unwrap();
    let work = document
        .get_document("wxcode")
        .unwrap()
        .get_document("work")
        .unwrap();
    assert!(!work.contains_key("change"), "it was taken out: {work}");
}

/// Acknowledged changes survive a kill of the database, and the open store continues.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_a_database_kill() {
    let started = tokio::task::spawn_blocking(MongoServer::start)
        .await
        .unwrap();
    let mut server = match started {
        Ok(server) => server,
        Err(reason) => return wxcode_testbed::skip(&reason),
    };
    let address = server.address(&support::name());
    let store = open(&address).await;
    let project = sample::add_project(&store).await;
    let mut queued = Vec::new();
    for number in 0..40 {
        let new = sample::text(project, &number.to_string());
        queued.push(sample::queue(&store, &new).await);
    }
    let server = tokio::task::spawn_blocking(move || {
        server.crash_and_restart().unwrap();
        server
    })
    .await
    .unwrap();
    assert_eq!(store.open_deliveries(project).await.unwrap(), queued);
    sample::advance(&store, &queued[0], DeliveryState::Written).await;
    drop(tokio::task::spawn_blocking(move || drop(server)).await);
}

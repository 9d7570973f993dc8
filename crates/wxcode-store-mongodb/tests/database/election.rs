//! Tests with replica sets whose primary steps down or is killed: creations continue, each happens
//! once, and none is lost.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use wxcode_core::{delivery::DeliveryState, id::Id};
use wxcode_store::{
    Added, DeliveryStore, MilestoneStore, PAGE_MAX, Page, ProjectStore, Store, conformance::sample,
};
use wxcode_testbed::mongodb::ReplicaSet;

use crate::support::{name, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};
/// Concurrent creating tasks.
const CREATORS: usize = 4;
/// Changes of the primary.
const ELECTIONS: usize = 2;
/// Projects created between two of them.
const BETWEEN: usize = 12;

/// Creates a project with a milestone and submits the milestone's command.
async fn create(store: &dyn Store) -> Id {
    let project = sample::add_project(store).await;
    let milestone = sample::milestone(project);
    assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
    let queued = sample::queue(store, &sample::start(project, milestone.id)).await;
    let written = sample::advance(store, &queued, DeliveryState::Written).await;
    sample::advance(store, &written, DeliveryState::Submitted).await;
    project
}

/// Creates on several tasks while `change` happens to the set; each creation happens once, and none
/// is lost.
async fn creations_survive(
    set: Result<ReplicaSet, String>,
    change: impl AsyncFn(&mut ReplicaSet) -> Result<(), String>,
) {
    let mut set = match set {
        Ok(set) => set,
        Err(reason) => return wxcode_testbed::skip(&reason),
    };
    let address = set.address(&name());
    let store = Arc::new(open(&address).await);
    let (created, is_over) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let creators: Vec<_> = (0..CREATORS)
        .map(|_| {
            let (store, created, is_over) = (store.clone(), created.clone(), is_over.clone());
            tokio::spawn(async move {
                let mut projects = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    projects.push(create(&*store).await);
                    created.fetch_add(1, Ordering::SeqCst);
                }
                projects
            })
        })
        .collect();
    for election in 0..=ELECTIONS {
        let enough = (election + 1) * BETWEEN;
        while created.load(Ordering::SeqCst) < enough {
            assert!(!creators.iter().any(|creator| creator.is_finished()));
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        if election < ELECTIONS {
            change(&mut set).await.unwrap();
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let mut projects = Vec::new();
    for creator in creators {
        projects.extend(creator.await.unwrap());
    }
    eprintln!(
        "{} projects were created over {ELECTIONS} elections",
        projects.len()
    );
    assert_eq!(
        store.projects(ALL).await.unwrap().total,
        projects.len() as u64
    );
    for project in projects {
        let deliveries = store.deliveries(project, ALL).await.unwrap();
        let milestones = store.milestones(project, None, ALL).await.unwrap();
        assert_eq!((deliveries.total, milestones.total), (1, 1));
        assert_eq!(deliveries.items[0].state, DeliveryState::Submitted);
    }
    drop(tokio::task::spawn_blocking(move || drop(set)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_survive_elections() {
    creations_survive(ReplicaSet::start().await, async |set| set.step_down().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_survive_killed_primaries() {
    let set = ReplicaSet::start().await;
    creations_survive(set, async |set| set.kill_primary().await).await;
}

/// Nobody takes over meanwhile: the store says so, and what it acknowledged is there afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_of_one_member_survives_its_kill() {
    let mut set = match ReplicaSet::of(1).await {
        Ok(set) => set,
        Err(reason) => return wxcode_testbed::skip(&reason),
    };
    let store = open(&set.address(&name())).await;
    let before = create(&store).await;
    set.kill_primary().await.unwrap();
    let after = create(&store).await;
    for project in [before, after] {
        let deliveries = store.deliveries(project, ALL).await.unwrap();
        assert_eq!(deliveries.items[0].state, DeliveryState::Submitted);
    }
    drop(tokio::task::spawn_blocking(move || drop(set)).await);
}

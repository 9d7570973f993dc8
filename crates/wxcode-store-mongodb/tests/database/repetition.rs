//! Tests with requests executed twice, or without an answer from a healthy database: each change
//! happens once, and soon.

use std::time::{Duration, Instant};

use mongodb::bson::{Document, doc, oid::ObjectId};
use wxcode_core::{delivery::DeliveryState, id::Id, milestone::MilestoneStatus};
use wxcode_store::{
    Added, DeliveryStore, MilestoneStore, PAGE_MAX, Page, ProjectStore, Queued, Store,
    conformance::{Records, sample},
};
use wxcode_store_mongodb::PATIENCE;
use wxcode_testbed::proxy::{Fault, Proxy};

use crate::support::{Fresh, fresh, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

/// A text of the queueing request only.
const QUEUE: &[u8] = b"wxcode.work.queued\0";
/// A text in requests for deciding on a change or taking a change out.
const CHANGE: &[u8] = b"wxcode.work.change\0";

/// The beginning of a request for inserting into a collection.
fn insert_into(collection: &str) -> Vec<u8> {
    let length = u32::try_from(collection.len() + 1).unwrap().to_le_bytes();
    [b"insert\0", &length[..], collection.as_bytes(), b"\0"].concat()
}

/// A store behind a proxy.
async fn behind(fresh: &Fresh) -> Option<(Proxy, impl Store)> {
    let (proxy, address) = fresh.proxy().await?;
    let store = open(&address).await;
    Some((proxy, store))
}

/// The deliveries in the project's document.
async fn work(fresh: &Fresh, project: Id) -> Document {
    let key = doc! { "_id": ObjectId::from_bytes(project.bytes()) };
    let projects = fresh.collection("output_projects").await;
    let document = projects.find_one(key).await.unwrap().unwrap();
    let ours = document.get_document("wxcode").unwrap();
    ours.get_document("work").unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_insert_counts_as_added() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, store)) = behind(&fresh).await else {
        return;
    };
    let project = sample::project();
    proxy.strike(&insert_into("output_projects"), Fault::RepeatRequest);
    store.add_project(&project).await.unwrap();
    assert!(!proxy.is_to_strike());
    assert_eq!(
        store.project(project.id).await.unwrap(),
        Some(project.clone())
    );

    let mut milestone = sample::milestone(project.id);
    milestone.element_id = Some("PAGE_Login".to_owned());
    proxy.strike(&insert_into("milestones"), Fault::RepeatRequest);
    assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
    assert!(!proxy.is_to_strike());
    assert_eq!(
        store.milestone(milestone.id).await.unwrap(),
        Some(milestone)
    );

    let text = sample::text(project.id, "text");
    proxy.strike(&insert_into("wxcode_deliveries"), Fault::RepeatRequest);
    sample::queue(&store, &text).await;
    assert!(!proxy.is_to_strike());
    assert_eq!(store.deliveries(project.id, ALL).await.unwrap().total, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_queueing_counts_once() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, store)) = behind(&fresh).await else {
        return;
    };
    let project = sample::add_project(&store).await;
    let milestone = sample::add_milestone(&store, project).await;
    for new in [
        sample::text(project, "text"),
        sample::start(project, milestone),
    ] {
        proxy.strike(QUEUE, Fault::RepeatRequest);
        sample::queue(&store, &new).await;
        assert!(!proxy.is_to_strike());
    }
    assert_eq!(store.deliveries(project, ALL).await.unwrap().total, 2);
    let work = work(&fresh, project).await;
    let counted = ["queued", "open"].map(|name| work.get_i64(name).unwrap());
    assert_eq!(counted, [2, 2], "{work}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_step_counts_as_won() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, store)) = behind(&fresh).await else {
        return;
    };
    let project = sample::add_project(&store).await;
    let milestone = sample::add_milestone(&store, project).await;
    let queued = sample::queue(&store, &sample::start(project, milestone)).await;
    proxy.strike(CHANGE, Fault::RepeatRequest);
    let submitted = sample::advance(&store, &queued, DeliveryState::Submitted).await;
    assert!(!proxy.is_to_strike());
    assert_eq!(submitted.version, queued.version + 1);

    proxy.strike(CHANGE, Fault::RepeatRequest);
    let (from, to) = (MilestoneStatus::InProgress, MilestoneStatus::Completed);
    let moved = store
        .advance_milestone(milestone, from, to, &sample::moved(50))
        .await;
    assert!(!proxy.is_to_strike());
    assert_eq!(moved.unwrap().map(|moved| moved.status), Some(to));
}

/// The connection stands, so only time reveals the missing answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_answer_is_looked_up() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, store)) = behind(&fresh).await else {
        return;
    };
    let project = sample::project();
    let milestone = sample::milestone(project.id);
    let begun = Instant::now();
    proxy.strike(&insert_into("output_projects"), Fault::SwallowAnswer);
    store.add_project(&project).await.unwrap();
    proxy.strike(&insert_into("milestones"), Fault::SwallowAnswer);
    assert_eq!(store.add_milestone(&milestone).await.unwrap(), Added::Added);
    let swallowed = Instant::now();
    proxy.strike(QUEUE, Fault::SwallowAnswer);
    let queued = store.queue(&sample::start(project.id, milestone.id)).await;
    assert!(matches!(queued, Ok(Queued::New(_))), "{queued:?}");
    assert!(swallowed.elapsed() < PATIENCE, "{:?}", swallowed.elapsed());
    assert_eq!(store.deliveries(project.id, ALL).await.unwrap().total, 1);
    assert!(!proxy.is_to_strike());
    eprintln!("three answers that never came cost {:?}", begun.elapsed());
}

/// The first server dies, or gives up, after the decision: any query for open deliveries finds the
/// change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_deliveries_reveal_an_unfinished_change() {
    let Some(fresh) = fresh().await else { return };
    let Some((proxy, store)) = behind(&fresh).await else {
        return;
    };
    let direct = fresh.open().await;
    let project = sample::add_project(&store).await;
    proxy.strike(QUEUE, Fault::SilenceAfter);
    let new = sample::text(project, "text");
    let (queueing, waited) = (store.queue(&new), Duration::from_secs(60));
    tokio::select! {
        answer = queueing => assert!(answer.is_err(), "{answer:?}"),
        () = tokio::time::sleep(waited) => panic!("still running after {waited:?}"),
    }
    assert!(work(&fresh, project).await.contains_key("change"));
    let open = direct.projects_with_open_deliveries().await.unwrap();
    assert_eq!(open, [project]);
    assert!(!work(&fresh, project).await.contains_key("change"));
}

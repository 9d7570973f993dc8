//! Lookups and lists read few documents, however many the collections have. That no query of the
//! conformance suite reads a whole collection is checked after each promise.

use mongodb::bson::{Bson, Document, doc};
use wxcode_core::{
    delivery::DeliveryState,
    milestone::{Milestone, MilestoneStatus},
};
use wxcode_store::{
    DeliveryStore as _, MilestoneStore as _, NextQuery, Page, ProjectStore as _,
    conformance::sample,
};

use wxcode_testbed::skip;

use crate::support::fresh;

/// Records of a kind in the project.
const RECORDS: usize = 120;
/// Documents that an operation may read beyond those that it returns.
const EXAMINED_MAX: i64 = 8;
const PAGE: Page = Page { skip: 0, limit: 5 };

#[tokio::test]
async fn a_read_of_a_whole_collection_is_noticed() {
    let Some(fresh) = fresh().await else { return };
    let database = fresh.database().await;
    if database.run_command(doc! { "profile": -1 }).await.is_err() {
        return skip("this server has no profiler");
    }
    let store = crate::support::open(&fresh.address).await;
    sample::add_project(&store).await;
    assert_eq!(fresh.scans().await, []);
    let projects = database.collection::<Document>("output_projects");
    projects.find_one(doc! { "colour": "red" }).await.unwrap();
    assert_eq!(fresh.scans().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lookups_read_few_documents() {
    let Some(fresh) = fresh().await else { return };
    let store = crate::support::open(&fresh.address).await;
    let project = sample::add_project(&store).await;
    let milestone = |number: usize| Milestone {
        element_id: Some(format!("element {number}")),
        ..sample::milestone(project)
    };
    for number in 0..RECORDS {
        store.add_milestone(&milestone(number)).await.unwrap();
        let mut new = sample::text(project, "text");
        new.idempotency_key = Some(format!("key {number}"));
        let queued = sample::queue(&store, &new).await;
        sample::advance(&store, &queued, DeliveryState::Submitted).await;
    }
    fresh.profile(doc! { "ns": { "$ne": "none" } }).await;
    let one = milestone(RECORDS);
    store.add_milestone(&one).await.unwrap();
    let (from, to) = (MilestoneStatus::Pending, MilestoneStatus::Failed);
    store
        .advance_milestone(one.id, from, to, &sample::moved(1))
        .await
        .unwrap()
        .unwrap();
    let mut new = sample::text(project, "text");
    new.idempotency_key = Some("a new key".to_owned());
    let queued = sample::queue(&store, &new).await;
    let query = NextQuery {
        now: sample::at(0),
        in_turn: false,
    };
    let next = store.next_delivery(project, query).await.unwrap();
    assert_eq!(next.delivery.map(|next| next.id), Some(queued.id));
    sample::advance(&store, &queued, DeliveryState::Submitted).await;
    store.deliveries(project, PAGE).await.unwrap();
    store.milestones(project, None, PAGE).await.unwrap();
    store.milestones_in_work(vec![project]).await.unwrap();
    for _ in 0..20 {
        sample::add_project(&store).await;
    }
    assert_eq!(store.projects(PAGE).await.unwrap().total, 21);
    store.projects_with_open_deliveries().await.unwrap();
    let many: Vec<Document> = fresh
        .scans()
        .await
        .into_iter()
        .filter(|operation| {
            let number = |name: &str| match operation.get(name) {
                Some(value) => value.as_i64().or_else(|| value.as_i32().map(i64::from)),
                None => None,
            };
            let examined = number("docsExamined").unwrap_or_default();
            let stages = operation
                .get_document("command")
                .and_then(|command| command.get_array("pipeline"));
            let is_count = stages.is_ok_and(|stages| {
                let mut stages = stages.iter().filter_map(Bson::as_document);
                stages.any(|stage| stage.contains_key("$group"))
            });
            // A count within a project reads what it counts; the one of all projects reads none.
            let is_of_projects = operation
                .get_str("ns")
                .is_ok_and(|place| place.ends_with(".output_projects"));
            let is_small = is_count && !is_of_projects;
            !is_small && examined > number("nreturned").unwrap_or_default() + EXAMINED_MAX
        })
        .collect();
    assert!(many.is_empty(), "{many:#?}");
}

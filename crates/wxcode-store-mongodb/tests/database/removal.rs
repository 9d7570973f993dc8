//! Tests of a removal's note: the note finishes a begun removal, and spares a restored project.

use mongodb::bson::{DateTime, Document, doc, oid::ObjectId};
use wxcode_core::id::Id;
use wxcode_store::{
    PAGE_MAX, Page, ProjectStore, Store,
    conformance::{Records, sample},
};

use crate::support::{Fresh, fresh, open};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};
const COLLECTIONS: [&str; 3] = ["output_projects", "milestones", "wxcode_deliveries"];

async fn all(fresh: &Fresh, collection: &str) -> Vec<Document> {
    use futures_util::TryStreamExt;
    let found = fresh.collection(collection).await;
    found
        .find(doc! {})
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap()
}

/// Makes a project with two milestones, and a delivery for the first.
async fn prepare(store: &dyn Store) -> Id {
    let project = sample::add_project(store).await;
    let milestone = sample::add_milestone(store, project).await;
    sample::add_milestone(store, project).await;
    sample::queue(store, &sample::start(project, milestone)).await;
    project
}

async fn assert_whole(store: &dyn Store, project: Id) {
    assert!(store.project(project).await.unwrap().is_some());
    let milestones = store.milestones(project, None, ALL).await.unwrap();
    let deliveries = store.deliveries(project, ALL).await.unwrap();
    assert_eq!((milestones.total, deliveries.total), (2, 1));
}

async fn note(fresh: &Fresh, project: Id, at: DateTime) {
    let note = doc! { "_id": ObjectId::from_bytes(project.bytes()), "at": at };
    let notes = fresh.collection("wxcode_removals").await;
    notes.insert_one(note).await.unwrap();
}

#[tokio::test]
async fn a_restored_project_outlives_its_removal() {
    let Some(fresh) = fresh().await else { return };
    let store = open(&fresh.address).await;
    let project = prepare(&store).await;
    let mut backup = Vec::new();
    for name in COLLECTIONS {
        backup.push((name, all(&fresh, name).await));
    }
    assert!(store.remove_project(project).await.unwrap());
    for (name, documents) in backup {
        let collection = fresh.collection(name).await;
        assert_eq!(
            collection.count_documents(doc! {}).await.unwrap(),
            0,
            "{name}"
        );
        collection.insert_many(documents).await.unwrap();
    }
    for _ in 0..2 {
        assert_whole(&open(&fresh.address).await, project).await;
    }
}

/// The server died after the note and before the removal; or a copy restored everything since.
#[tokio::test]
async fn a_note_of_an_existing_project_is_dropped() {
    let Some(fresh) = fresh().await else { return };
    let project = prepare(&open(&fresh.address).await).await;
    let long_ago = DateTime::from_millis(DateTime::now().timestamp_millis() - 60 * 60 * 1000);
    for at in [DateTime::now(), long_ago] {
        fresh
            .collection("wxcode_removals")
            .await
            .delete_many(doc! {})
            .await
            .unwrap();
        note(&fresh, project, at).await;
        assert_whole(&open(&fresh.address).await, project).await;
    }
    assert_eq!(all(&fresh, "wxcode_removals").await, Vec::<Document>::new());
}

#[tokio::test]
async fn an_interrupted_removal_is_finished() {
    let Some(fresh) = fresh().await else { return };
    let project = prepare(&open(&fresh.address).await).await;
    note(&fresh, project, DateTime::now()).await;
    let projects = fresh.collection("output_projects").await;
    let key = doc! { "_id": ObjectId::from_bytes(project.bytes()) };
    projects.delete_one(key).await.unwrap();
    drop(fresh.open().await);
    for name in COLLECTIONS {
        assert_eq!(all(&fresh, name).await, Vec::<Document>::new(), "{name}");
    }
    assert_eq!(all(&fresh, "wxcode_removals").await, Vec::<Document>::new());
}

#[tokio::test]
async fn a_finished_removal_leaves_no_note() {
    let Some(fresh) = fresh().await else { return };
    let store = open(&fresh.address).await;
    let project = prepare(&store).await;
    assert!(store.remove_project(project).await.unwrap());
    assert!(!store.remove_project(project).await.unwrap());
    assert_eq!(all(&fresh, "wxcode_removals").await, Vec::<Document>::new());
}

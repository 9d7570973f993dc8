//! Tests with another program: the program writes earlier states over ours, drops our indexes, or
//! leaves unreadable documents.

use mongodb::bson::{Document, doc, oid::ObjectId};
use uuid::Uuid;
use wxcode_core::{delivery::DeliveryState, id::Id, milestone::Milestone};
use wxcode_store::{
    Added, PAGE_MAX, Page, Reclaimed, Rotated, StoreError,
    conformance::{Records, sample},
};

use crate::{
    first::{id, milestone, project},
    support::{Fresh, fresh},
};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

fn key(id: Id) -> Document {
    doc! { "_id": ObjectId::from_bytes(id.bytes()) }
}

/// Adds a project in the first implementation's form.
async fn add_theirs(fresh: &Fresh) -> (Document, Id) {
    let document = project();
    let projects = fresh.collection("output_projects").await;
    projects.insert_one(&document).await.unwrap();
    let id = id(document.get_object_id("_id").unwrap());
    (document, id)
}

#[tokio::test]
async fn a_stale_save_gives_the_id_back() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let (document, project) = add_theirs(&fresh).await;
    let [first, second, third] = [1, 2, 3].map(Uuid::from_u128);
    for (old, new) in [(None, first), (Some(first), second)] {
        let won = store.rotate(project, &sample::rotation(old, new)).await;
        assert_eq!(won.unwrap(), Rotated::Won);
    }
    let projects = fresh.collection("output_projects").await;
    for stale in [None, Some(first)] {
        let mut whole = document.clone();
        whole.insert("claude_session_id", stale.map(|id| id.to_string()));
        let save = projects.update_one(key(project), doc! { "$set": whole });
        save.await.unwrap();
        let read = store.project(project).await.unwrap().unwrap();
        assert_eq!(read.claude_session_id, Some(second), "{stale:?}");
        let ids: Vec<_> = read.claude_session_history.iter().map(|e| e.id).collect();
        assert_eq!(ids, [first, second], "{stale:?}");
        let reclaimed = store.reclaim_conversation(project).await.unwrap();
        let expected = Reclaimed {
            current: second,
            found: stale,
        };
        assert_eq!(reclaimed, Some(expected));
        let kept = projects.find_one(key(project)).await.unwrap().unwrap();
        let kept = kept.get_str("claude_session_id").unwrap();
        assert_eq!(kept, second.to_string());
        assert_eq!(store.reclaim_conversation(project).await.unwrap(), None);
    }
    let rotation = sample::rotation(Some(second), third);
    let won = store.rotate(project, &rotation).await;
    assert_eq!(won.unwrap(), Rotated::Won);
}

#[tokio::test]
async fn a_project_back_in_time_takes_commands() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let (document, project) = add_theirs(&fresh).await;
    let milestones = fresh.collection("milestones").await;
    let [one, two] = [
        milestone(&document, "pending"),
        milestone(&document, "pending"),
    ];
    milestones.insert_many([&one, &two]).await.unwrap();
    let [one, two] = [&one, &two].map(|document| id(document.get_object_id("_id").unwrap()));
    let first = sample::queue(&*store, &sample::start(project, one)).await;
    let first = sample::advance(&*store, &first, DeliveryState::Written).await;

    // Beanie's `.replace()` of an earlier read: our fields are gone.
    let projects = fresh.collection("output_projects").await;
    projects.replace_one(key(project), &document).await.unwrap();
    sample::advance(&*store, &first, DeliveryState::Submitted).await;
    let kept = store.delivery(first.id).await.unwrap().unwrap();
    assert_eq!(kept.state, DeliveryState::Submitted, "it was written");
    let started = store.milestone(one).await.unwrap().unwrap();
    assert_eq!(started.status.as_str(), "in_progress");

    projects.replace_one(key(project), &document).await.unwrap();
    let second = sample::queue(&*store, &sample::start(project, two)).await;
    assert_eq!(
        second.text,
        sample::NEW_MILESTONE,
        "it has its first command"
    );
    let third = sample::queue(&*store, &sample::text(project, "third")).await;
    let open = store.open_deliveries(project).await.unwrap();
    let open: Vec<_> = open.iter().map(|delivery| delivery.id).collect();
    assert_eq!(open, [second.id, third.id], "in the order of queueing");
    projects.replace_one(key(project), &document).await.unwrap();
    for delivery in [second, third] {
        sample::advance(&*store, &delivery, DeliveryState::Submitted).await;
    }
    assert!(store.open_deliveries(project).await.unwrap().is_empty());
    let kept = projects.find_one(key(project)).await.unwrap().unwrap();
    let work = kept.get_document("wxcode").unwrap().get_document("work");
    assert_eq!(work.unwrap().get_i64("open").unwrap(), 0);
    sample::queue(&*store, &sample::text(project, "fourth")).await;
}

#[tokio::test]
async fn uniqueness_holds_without_its_indexes() {
    let Some(fresh) = fresh().await else { return };
    let stores = [fresh.open().await, fresh.open().await];
    let project = sample::add_project(&*stores[0]).await;
    for collection in ["output_projects", "milestones"] {
        let collection = fresh.collection(collection).await;
        collection.drop_indexes().await.unwrap();
    }
    let creations = (0..64).map(|number| {
        let store = std::sync::Arc::clone(&stores[number % 2]);
        let ours = Milestone {
            element_id: Some("PAGE_Login".to_owned()),
            ..sample::milestone(project)
        };
        tokio::spawn(async move { store.add_milestone(&ours).await.unwrap() })
    });
    let mut added = 0;
    for creation in creations.collect::<Vec<_>>() {
        match creation.await.unwrap() {
            Added::Added => added += 1,
            answer => assert_eq!(answer, Added::DuplicateElement),
        }
    }
    assert_eq!(added, 1);

    let folder = format!("/srv/{project}");
    let creations = (0..16).map(|number| {
        let store = std::sync::Arc::clone(&stores[number % 2]);
        let mut ours = sample::project();
        ours.workspace_path = folder.clone().into();
        tokio::spawn(async move { store.add_project(&ours).await })
    });
    for creation in creations.collect::<Vec<_>>() {
        let answer = creation.await.unwrap();
        assert!(
            matches!(answer, Ok(()) | Err(StoreError::WorkspaceTaken { .. })),
            "{answer:?}"
        );
    }
    let projects = fresh.collection("output_projects").await;
    let owners = projects.count_documents(doc! { "wxcode.workspace": &folder });
    assert!(owners.await.unwrap() <= 1);
}

#[tokio::test]
async fn dropped_indexes_are_made_again() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    for (name, index) in [
        ("output_projects", "wxcode_workspace"),
        ("milestones", "wxcode_element"),
    ] {
        let collection = fresh.collection(name).await;
        collection.drop_index(index).await.unwrap();
    }
    // The server asks so every few seconds.
    store.projects_with_open_deliveries().await.unwrap();
    for (name, index) in [
        ("output_projects", "wxcode_workspace"),
        ("milestones", "wxcode_element"),
    ] {
        let collection = fresh.collection(name).await;
        let names = collection.list_index_names();
        assert!(
            names.await.unwrap().iter().any(|name| name == index),
            "{index}"
        );
    }
}

#[tokio::test]
async fn a_milestone_saved_back_starts_again() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let (document, project) = add_theirs(&fresh).await;
    let pending = milestone(&document, "pending");
    let milestones = fresh.collection("milestones").await;
    milestones.insert_one(&pending).await.unwrap();
    let milestone = id(pending.get_object_id("_id").unwrap());
    let first = sample::queue(&*store, &sample::start(project, milestone)).await;
    sample::advance(&*store, &first, DeliveryState::Submitted).await;
    let save = milestones.update_one(key(milestone), doc! { "$set": &pending });
    save.await.unwrap();
    let again = sample::queue(&*store, &sample::start(project, milestone)).await;
    assert_ne!(again.id, first.id);
    sample::advance(&*store, &again, DeliveryState::Submitted).await;
    let started = store.milestone(milestone).await.unwrap().unwrap();
    assert_eq!(started.status.as_str(), "in_progress");
    assert_eq!(started.delivery_id, Some(again.id));
}

#[tokio::test]
async fn unreadable_documents_count_for_nothing() {
    let Some(fresh) = fresh().await else { return };
    let projects = fresh.collection("output_projects").await;
    let (good, mut bad) = (project(), project());
    bad.insert("workspace_path", 12);
    projects.insert_many([&good, &bad]).await.unwrap();
    let mut odd = milestone(&good, "pending");
    odd.insert("status", "archived");
    let fine = milestone(&good, "pending");
    let milestones = fresh.collection("milestones").await;
    milestones.insert_many([&odd, &fine]).await.unwrap();

    let store = fresh.open().await;
    let listing = store.projects(ALL).await.unwrap();
    assert_eq!((listing.items.len(), listing.total), (1, 1));
    let [good, bad] = [good, bad].map(|document| id(document.get_object_id("_id").unwrap()));
    let listing = store.milestones(good, None, ALL).await.unwrap();
    assert_eq!((listing.items.len(), listing.total), (1, 1));
    let refused = store.add_milestone(&sample::milestone(bad)).await;
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("workspace_path"), "{said}");
    assert_eq!(milestones.count_documents(doc! {}).await.unwrap(), 2);
    assert!(store.remove_project(bad).await.unwrap());
}

#[tokio::test]
async fn a_null_in_our_place_is_removed() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    for null in [doc! { "wxcode": null }, doc! { "wxcode.work": null }] {
        let (document, project) = add_theirs(&fresh).await;
        let pending = milestone(&document, "pending");
        let milestones = fresh.collection("milestones").await;
        milestones.insert_one(&pending).await.unwrap();
        let milestone = id(pending.get_object_id("_id").unwrap());
        let projects = fresh.collection("output_projects").await;
        projects
            .update_one(key(project), doc! { "$set": &null })
            .await
            .unwrap();
        milestones
            .update_one(key(milestone), doc! { "$set": { "wxcode": null } })
            .await
            .unwrap();
        let rotation = sample::rotation(None, Uuid::new_v4());
        let won = store.rotate(project, &rotation).await;
        assert_eq!(won.unwrap(), Rotated::Won, "{null}");
        let queued = sample::queue(&*store, &sample::start(project, milestone)).await;
        let linked = store.milestone(milestone).await.unwrap().unwrap();
        assert_eq!(linked.delivery_id, Some(queued.id), "{null}");
    }
}

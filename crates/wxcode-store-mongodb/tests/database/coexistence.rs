//! Tests with the first implementation on the same database: neither implementation undoes or
//! disturbs the other's work.

use mongodb::{
    IndexModel,
    bson::{Bson, Document, doc, oid::ObjectId},
    options::IndexOptions,
};
use uuid::Uuid;
use wxcode_core::milestone::Milestone;
use wxcode_store::{
    Added, PAGE_MAX, Page, Removed, Rotated,
    conformance::{Records, sample},
};

use crate::{
    first::{id, milestone, project},
    support::fresh,
};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

#[tokio::test]
async fn their_whole_save_keeps_our_fields() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let theirs_doc = project();
    let projects = fresh.collection("output_projects").await;
    projects.insert_one(&theirs_doc).await.unwrap();
    let project = id(theirs_doc.get_object_id("_id").unwrap());
    let [ours, stale, next] = [1, 2, 3].map(Uuid::from_u128);
    store
        .rotate(project, &sample::rotation(None, ours))
        .await
        .unwrap();
    let text = sample::queue(&*store, &sample::text(project, "hello")).await;

    // The first implementation writes an earlier read of the project back whole, with an id from
    // its own capture.
    let mut whole = theirs_doc.clone();
    let key = whole.remove("_id").unwrap();
    whole.insert("claude_session_id", stale.to_string());
    projects
        .update_one(doc! { "_id": key }, doc! { "$set": whole })
        .upsert(true)
        .await
        .unwrap();

    let read = store.project(project).await.unwrap().unwrap();
    assert_eq!(read.claude_session_id, Some(stale));
    let ids: Vec<_> = read.claude_session_history.iter().map(|e| e.id).collect();
    assert_eq!(ids, [ours, stale], "no id is lost, ours or theirs");
    assert!(read.claude_session_history[0].until.is_some());
    let lost = store
        .rotate(project, &sample::rotation(Some(ours), next))
        .await;
    assert_eq!(lost.unwrap(), Rotated::Lost(Some(stale)));
    assert!(
        store
            .note_conversation(project, stale, true, Some("/t/2".into()), None)
            .await
            .unwrap()
    );
    let won = store
        .rotate(project, &sample::rotation(Some(stale), next))
        .await;
    assert_eq!(won.unwrap(), Rotated::Won);
    let history = store
        .project(project)
        .await
        .unwrap()
        .unwrap()
        .claude_session_history;
    let ids: Vec<_> = history.iter().map(|e| e.id).collect();
    assert_eq!(ids, [ours, stale, next]);
    assert_eq!(history[1].transcript_path.as_deref(), Some("/t/2".as_ref()));
    assert_eq!(history.iter().filter(|e| e.until.is_none()).count(), 1);
    assert_eq!(store.open_deliveries(project).await.unwrap(), [text]);
}

#[tokio::test]
async fn conditional_saves_have_one_winner() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let projects = fresh.collection("output_projects").await;
    let mut ours_won = 0;
    for round in 0..30 {
        let document = project();
        projects.insert_one(&document).await.unwrap();
        let key = document.get_object_id("_id").unwrap();
        let (ours, theirs) = (Uuid::new_v4(), Uuid::new_v4());
        let rotation = sample::rotation(None, ours);
        let rotate = store.rotate(id(key), &rotation);
        let save = projects
            .update_one(
                doc! { "_id": key, "claude_session_id": null },
                doc! { "$set": { "claude_session_id": theirs.to_string() } },
            )
            .into_future();
        let (rotated, saved) = if round % 2 == 0 {
            tokio::join!(rotate, save)
        } else {
            let (saved, rotated) = tokio::join!(save, rotate);
            (rotated, saved)
        };
        let saved = saved.unwrap().modified_count > 0;
        let current = store
            .project(id(key))
            .await
            .unwrap()
            .unwrap()
            .claude_session_id;
        match rotated.unwrap() {
            Rotated::Won => {
                ours_won += 1;
                assert!(!saved);
                assert_eq!(current, Some(ours));
            }
            lost => {
                assert_eq!((lost, saved), (Rotated::Lost(Some(theirs)), true));
                assert_eq!(current, Some(theirs));
            }
        }
    }
    eprintln!("{ours_won} of 30 races were ours");
}

#[tokio::test]
async fn only_their_milestones_share_an_element() {
    let Some(fresh) = fresh().await else { return };
    let document = project();
    fresh
        .collection("output_projects")
        .await
        .insert_one(&document)
        .await
        .unwrap();
    let twice = milestone(&document, "in_progress");
    let mut again = twice.clone();
    again.insert("_id", ObjectId::new());
    let milestones = fresh.collection("milestones").await;
    milestones.insert_many([&twice, &again]).await.unwrap();

    let store = fresh.open().await;
    let project = id(document.get_object_id("_id").unwrap());
    assert_eq!(store.milestones(project, None, ALL).await.unwrap().total, 2);
    let element = twice.get_object_id("element_id").unwrap().to_hex();
    let ours = |element: &str| Milestone {
        element_id: Some(element.to_owned()),
        ..sample::milestone(project)
    };
    let answer = store.add_milestone(&ours(&element)).await.unwrap();
    assert_eq!(answer, Added::DuplicateElement);
    // The first implementation keeps making milestones, also for an element of ours.
    let other = ObjectId::new();
    assert_eq!(
        store.add_milestone(&ours(&other.to_hex())).await.unwrap(),
        Added::Added
    );
    let mut theirs = milestone(&document, "pending");
    theirs.insert("element_id", other);
    milestones.insert_one(&theirs).await.unwrap();
    // Ours removes any pending milestone, also theirs.
    let pending = id(theirs.get_object_id("_id").unwrap());
    let removed = store
        .remove_milestone(pending, sample::at(1), None)
        .await
        .unwrap();
    assert_eq!(removed, Removed::Removed);
}

#[tokio::test]
async fn their_indexes_can_still_be_made() {
    let Some(fresh) = fresh().await else { return };
    let _store = fresh.open().await;
    let wanted: [(&str, &[&[&str]]); 2] = [
        (
            "output_projects",
            &[
                &["kb_id"],
                &["stack_id"],
                &["status"],
                &["kb_id", "stack_id"],
                &["kb_id", "status"],
            ],
        ),
        (
            "milestones",
            &[
                &["output_project_id"],
                &["element_id"],
                &["status"],
                &["output_project_id", "status"],
                &["output_project_id", "element_id"],
            ],
        ),
    ];
    for (collection, indexes) in wanted {
        let collection = fresh.collection(collection).await;
        for fields in indexes {
            let keys: Document = fields
                .iter()
                .map(|f| ((*f).to_owned(), Bson::Int32(1)))
                .collect();
            let name = fields
                .iter()
                .map(|f| format!("{f}_1"))
                .collect::<Vec<_>>()
                .join("_");
            let options = IndexOptions::builder().name(name).build();
            let index = IndexModel::builder().keys(keys).options(options).build();
            collection.create_index(index).await.unwrap();
        }
    }
    // Ours finds its indexes among the other implementation's.
    let _store = fresh.open().await;
}

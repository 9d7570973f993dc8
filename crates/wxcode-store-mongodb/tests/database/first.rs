//! Tests with a database of the first implementation: the store serves the documents, and writes
//! only changes.

use std::time::Duration;

use mongodb::bson::{Bson, DateTime, Document, doc, oid::ObjectId};
use uuid::Uuid;
use wxcode_core::{
    delivery::DeliveryState, id::Id, identity::Source, milestone::MilestoneStatus,
    project::ProjectStatus,
};
use wxcode_store::{
    PAGE_MAX, Page, ProjectPatch, Rotated,
    conformance::{Records, sample},
};

use crate::support::{Fresh, fresh};

const ALL: Page = Page {
    skip: 0,
    limit: PAGE_MAX,
};

pub(crate) fn id(oid: ObjectId) -> Id {
    Id::from_bytes(oid.bytes())
}

/// A project in the first implementation's form: every field present, null for an empty field,
/// dates in milliseconds.
pub(crate) fn project() -> Document {
    doc! {
        "_id": ObjectId::new(),
        "kb_id": ObjectId::new(),
        "name": "Portal",
        "stack_id": "fastapi-htmx",
        "configuration_id": null,
        "workspace_path": "/home/x/.wxcode/workspaces/output-projects/portal_0123abcd",
        "status": "created",
        "claude_session_id": null,
        "connections": [{ "name": "main", "type_code": 1, "is_editable": true, "user": null }],
        "created_at": DateTime::from_millis(1_769_000_000_123),
        "updated_at": DateTime::from_millis(1_769_000_000_456),
    }
}

pub(crate) fn milestone(project: &Document, status: &str) -> Document {
    doc! {
        "_id": ObjectId::new(),
        "output_project_id": project.get_object_id("_id").unwrap(),
        "element_id": ObjectId::new(),
        "element_name": "PAGE_Login",
        "status": status,
        "wxcode_version": null,
        "milestone_folder_name": null,
        "created_at": DateTime::from_millis(1_769_000_001_000),
        "updated_at": null,
        "completed_at": null,
    }
}

async fn only(fresh: &Fresh, collection: &str, of: &Document) -> Document {
    let id = of.get_object_id("_id").unwrap();
    let found = fresh.collection(collection).await;
    found.find_one(doc! { "_id": id }).await.unwrap().unwrap()
}

/// `document` without our fields.
fn theirs(mut document: Document) -> Document {
    document.remove("wxcode");
    document
}

#[tokio::test]
async fn their_documents_are_served() {
    let Some(fresh) = fresh().await else { return };
    let mut old = project();
    // A document older than the field.
    old.remove("claude_session_id");
    let mut running = project();
    let conversation = Uuid::new_v4();
    running.insert("claude_session_id", conversation.to_string());
    running.insert("status", "active");
    let projects = fresh.collection("output_projects").await;
    projects.insert_many([&old, &running]).await.unwrap();
    let mut done = milestone(&running, "completed");
    done.insert("wxcode_version", "v1.0");
    done.remove("milestone_folder_name");
    done.insert("completed_at", DateTime::from_millis(1_769_000_002_000));
    fresh
        .collection("milestones")
        .await
        .insert_one(&done)
        .await
        .unwrap();

    let store = fresh.open().await;
    let listing = store.projects(ALL).await.unwrap();
    assert_eq!((listing.items.len(), listing.total), (2, 2));
    let read = &listing.items[0];
    assert_eq!(read.id, id(old.get_object_id("_id").unwrap()));
    assert_eq!(
        read.kb_id,
        Some(old.get_object_id("kb_id").unwrap().to_hex())
    );
    assert_eq!(read.stack_id.as_deref(), Some("fastapi-htmx"));
    assert_eq!(
        (read.configuration_id.as_ref(), read.claude_session_id),
        (None, None)
    );
    assert_eq!(read.claude_session_history, []);
    assert_eq!(read.created_at.as_millisecond(), 1_769_000_000_123);
    let read = &listing.items[1];
    assert_eq!(read.status, ProjectStatus::Active);
    assert_eq!(read.claude_session_id, Some(conversation));
    let [entry] = &read.claude_session_history[..] else {
        panic!("its id has a place in the history: {read:?}")
    };
    assert_eq!(
        (entry.id, entry.until, entry.spoke),
        (conversation, None, true)
    );

    let milestones = store.milestones(read.id, None, ALL).await.unwrap().items;
    assert_eq!(milestones.len(), 1);
    assert_eq!(milestones[0].status, MilestoneStatus::Completed);
    assert_eq!(milestones[0].wxcode_version.as_deref(), Some("v1.0"));
    assert_eq!(
        milestones[0].element_id,
        Some(done.get_object_id("element_id").unwrap().to_hex())
    );
    // Reading writes nothing.
    assert_eq!(only(&fresh, "output_projects", &old).await, old);
    assert_eq!(only(&fresh, "output_projects", &running).await, running);
    assert_eq!(only(&fresh, "milestones", &done).await, done);
}

#[tokio::test]
async fn only_changes_are_written() {
    let Some(fresh) = fresh().await else { return };
    let mut document = project();
    document.remove("claude_session_id");
    document.insert(
        "of_another_program",
        doc! { "$id": ObjectId::new(), "n": 1_i64 },
    );
    let reference = doc! { "$ref": "projects", "$id": ObjectId::new() };
    document.insert("link", reference);
    fresh
        .collection("output_projects")
        .await
        .insert_one(&document)
        .await
        .unwrap();
    let store = fresh.open().await;
    let project = id(document.get_object_id("_id").unwrap());

    let first = Uuid::new_v4();
    let won = store.rotate(project, &sample::rotation(None, first)).await;
    assert_eq!(won.unwrap(), Rotated::Won);
    let mut expected = document.clone();
    expected.insert("claude_session_id", first.to_string());
    assert_eq!(
        theirs(only(&fresh, "output_projects", &document).await),
        sorted(&expected)
    );

    let patch = ProjectPatch {
        configuration_id: Some(Some("debug".to_owned())),
        ..ProjectPatch::default()
    };
    store
        .patch_project(project, &patch, sample::at(9))
        .await
        .unwrap();
    expected.insert("configuration_id", "debug");
    expected.insert(
        "updated_at",
        DateTime::from_millis(sample::at(9).as_millisecond()),
    );
    assert_eq!(
        theirs(only(&fresh, "output_projects", &document).await),
        sorted(&expected)
    );

    // A milestone of the first implementation takes our delivery, and keeps all its own fields.
    let mut theirs_pending = milestone(&document, "pending");
    theirs_pending.insert("extra", "kept");
    fresh
        .collection("milestones")
        .await
        .insert_one(&theirs_pending)
        .await
        .unwrap();
    let milestone_id = id(theirs_pending.get_object_id("_id").unwrap());
    let queued = sample::queue(&*store, &sample::start(project, milestone_id)).await;
    assert_eq!(queued.text, sample::NEW_PROJECT);
    assert_eq!(
        theirs(only(&fresh, "milestones", &theirs_pending).await),
        theirs_pending
    );
    sample::advance(&*store, &queued, DeliveryState::Submitted).await;
    let at = DateTime::from_millis(sample::at(20).as_millisecond());
    theirs_pending.insert("status", "in_progress");
    theirs_pending.insert("updated_at", at);
    assert_eq!(
        theirs(only(&fresh, "milestones", &theirs_pending).await),
        theirs_pending
    );
    expected.insert("status", "initialized");
    expected.insert("updated_at", at);
    assert_eq!(
        theirs(only(&fresh, "output_projects", &document).await),
        sorted(&expected)
    );
}

/// The database appends new fields; the order of the others stays.
fn sorted(document: &Document) -> Document {
    let mut sorted = document.clone();
    if let Some(id) = sorted.remove("claude_session_id") {
        sorted.insert("claude_session_id", id);
    }
    sorted
}

#[tokio::test]
async fn our_documents_have_their_required_fields() {
    let Some(fresh) = fresh().await else { return };
    let store = fresh.open().await;
    let bare = sample::project();
    store.add_project(&bare).await.unwrap();
    let milestone = sample::milestone(bare.id);
    store.add_milestone(&milestone).await.unwrap();
    let key = |id: Id| doc! { "_id": ObjectId::from_bytes(id.bytes()) };

    let document = only(&fresh, "output_projects", &key(bare.id)).await;
    // The first implementation's model refuses a project without these fields, and so every listing
    // with such a project.
    assert!(document.get_object_id("kb_id").is_ok(), "{document}");
    assert!(document.get_str("stack_id").is_ok(), "{document}");
    assert!(document.get_array("connections").is_ok(), "{document}");
    for null in ["configuration_id", "claude_session_id"] {
        assert_eq!(document.get(null), Some(&Bson::Null), "{null}");
    }
    let document = only(&fresh, "milestones", &key(milestone.id)).await;
    for required in ["output_project_id", "element_id"] {
        assert!(document.get_object_id(required).is_ok(), "{required}");
    }
    for null in [
        "wxcode_version",
        "milestone_folder_name",
        "updated_at",
        "completed_at",
    ] {
        assert_eq!(document.get(null), Some(&Bson::Null), "{null}");
    }
}

#[tokio::test]
async fn an_unknown_document_hides_no_other() {
    let Some(fresh) = fresh().await else { return };
    let (good, mut bad) = (project(), project());
    bad.insert("status", "archived");
    let mut odd = project();
    odd.insert("claude_session_id", 12);
    let projects = fresh.collection("output_projects").await;
    projects.insert_many([&good, &bad, &odd]).await.unwrap();
    let store = fresh.open().await;
    let listing = store.projects(ALL).await.unwrap();
    assert_eq!((listing.items.len(), listing.total), (2, 2));
    let key = bad.get_object_id("_id").unwrap();
    let error = store.project(id(key)).await.unwrap_err().to_string();
    for word in ["archived", "status", "output_projects", &key.to_hex()] {
        assert!(error.contains(word), "{error}");
    }
    // Any other text counts as no claude session id, and is replaced.
    let odd = id(odd.get_object_id("_id").unwrap());
    assert_eq!(
        store.project(odd).await.unwrap().unwrap().claude_session_id,
        None
    );
    let new = Uuid::new_v4();
    let mut rotation = sample::rotation(None, new);
    rotation.source = Source::Startup;
    let rotated = tokio::time::timeout(Duration::from_secs(60), store.rotate(odd, &rotation));
    assert_eq!(rotated.await.unwrap().unwrap(), Rotated::Won);
    assert_eq!(
        store.project(odd).await.unwrap().unwrap().claude_session_id,
        Some(new)
    );
}

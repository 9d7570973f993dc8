//! Changes that a replica set tells of; a standalone server tells of none.

use std::{sync::Arc, time::Duration};

use mongodb::{
    Client,
    bson::{Document, doc, oid::ObjectId},
};
use tokio::{sync::mpsc, time::timeout};
use wxcode_core::{
    access::{Credential, CredentialKind, Grant, Role},
    node::NodeRecord,
};
use wxcode_store::{
    AccessStore as _, Change, ChangeStore as _, NodeStore as _, conformance::sample,
};
use wxcode_testbed::mongodb::ReplicaSet;

use crate::support::{fresh, name, open};

/// Time for a change to be told.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
async fn a_standalone_server_tells_of_nothing() {
    let Some(fresh) = fresh().await else { return };
    let store = open(&fresh.address).await;
    let followed = store.follow_changes(&|change| panic!("{change:?}"));
    timeout(PATIENCE, followed).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_tells_of_changes() {
    let set = match ReplicaSet::start().await {
        Ok(set) => set,
        Err(reason) => return wxcode_testbed::skip(&reason),
    };
    let name = name();
    let address = set.address(&name);
    let (store, other) = (Arc::new(open(&address).await), open(&address).await);
    let project = sample::add_project(&other).await;
    let (sender, mut told) = mpsc::unbounded_channel();
    let following = Arc::clone(&store);
    let following = tokio::spawn(async move {
        let tell = move |change| sender.send(change).unwrap();
        following.follow_changes(&tell).await
    });
    let mut next = async || timeout(PATIENCE, told.recv()).await.unwrap().unwrap();
    assert_eq!(next().await, Change::Any);

    // An own delivery is not told, one of another process is.
    sample::queue(&*store, &sample::text(project, "own")).await;
    let database = Client::with_uri_str(&address)
        .await
        .unwrap()
        .database(&name);
    let deliveries = database.collection::<Document>("wxcode_deliveries");
    let foreign = doc! {
        "output_project_id": ObjectId::from_bytes(project.bytes()),
        "mark": ObjectId::from_bytes([7; 12]),
    };
    deliveries.insert_one(foreign).await.unwrap();
    assert_eq!(next().await, Change::Delivery(project));

    let credential = credential();
    assert!(other.add_credential(&credential).await.unwrap());
    assert!(other.remove_credential(credential.id).await.unwrap());
    assert_eq!(next().await, Change::Credential);

    other.put_node(&node()).await.unwrap();
    assert_eq!(next().await, Change::Node);
    // Elections interrupt nothing.
    set.step_down().await.unwrap();
    assert!(other.add_credential(&credential).await.unwrap());
    assert!(other.remove_credential(credential.id).await.unwrap());
    assert_eq!(next().await, Change::Credential);
    following.abort();
    drop(tokio::task::spawn_blocking(move || drop(set)).await);
}

fn node() -> NodeRecord {
    NodeRecord {
        id: uuid::Uuid::new_v4(),
        name: "a".to_owned(),
        address: "http://127.0.0.1:1".to_owned(),
        fingerprint: None,
        version: "0.1.0".to_owned(),
        sessions: 0,
        capacity: None,
        draining: false,
        beat: 0,
        seen_at: sample::at(0),
    }
}

fn credential() -> Credential {
    Credential {
        id: sample::id(),
        kind: CredentialKind::Login,
        name: "a".to_owned(),
        grant: Grant {
            role: Role::Operator,
            project: None,
        },
        hash: "0f".repeat(32),
        created_at: sample::at(0),
        created_by: "b".to_owned(),
        source: None,
        expires_at: None,
        last_use: None,
    }
}

//! Promises about nodes: each has one record, and all have one key.

use std::time::Duration;

use uuid::Uuid;
use wxcode_core::{
    lease::{Lease, Node, Tenure},
    node::NodeRecord,
    time::Moment,
};

use super::{Records, sample};
use crate::NODE_KEY;

fn node(name: &str) -> NodeRecord {
    NodeRecord {
        id: Uuid::new_v4(),
        name: name.to_owned(),
        address: "https://127.0.0.1:1".to_owned(),
        fingerprint: Some("AB:CD".to_owned()),
        version: "0.1.0".to_owned(),
        sessions: 3,
        capacity: Some(7),
        draining: false,
        beat: 0,
        seen_at: sample::at(7),
    }
}

/// A node's record is replaced as a whole, listed by name, and removed with its last heartbeat.
pub async fn a_node_has_one_record(records: &impl Records) {
    let store = records.open().await;
    let (first, second) = (node("b"), node("a"));
    store.put_node(&first).await.unwrap();
    store.put_node(&second).await.unwrap();
    let later = NodeRecord {
        capacity: None,
        fingerprint: None,
        draining: true,
        beat: 1,
        ..first.clone()
    };
    store.put_node(&later).await.unwrap();
    let listed = store.nodes().await.unwrap();
    assert_eq!(listed, [second, later.clone()]);
    assert!(!store.remove_node(first.id, 0).await.unwrap());
    assert!(store.remove_node(first.id, 1).await.unwrap());
    assert!(!store.remove_node(first.id, 1).await.unwrap());
    assert_eq!(store.nodes().await.unwrap().len(), 1);
}

/// The first proposed key stays.
pub async fn the_first_key_stays(records: &impl Records) {
    let store = records.open().await;
    let first = store.node_key([1; NODE_KEY]).await.unwrap();
    assert_eq!(store.node_key([2; NODE_KEY]).await.unwrap(), first);
    assert_eq!(store.nodes().await.unwrap(), []);
}

/// A held lease is listed until it is given back.
pub async fn held_leases_are_listed(records: &impl Records) {
    let store = records.open().await;
    let (project, free) = (
        sample::add_project(&*store).await,
        sample::add_project(&*store).await,
    );
    let owner = Node {
        id: Uuid::new_v4(),
        name: "a".to_owned(),
    };
    let lease = Lease {
        epoch: 1,
        term: Duration::from_secs(5),
        ..Lease::at_home(owner.clone())
    };
    let home = Lease::at_home(owner.clone());
    store.swap_lease(project, None, &lease).await.unwrap();
    store.swap_lease(free, None, &home).await.unwrap();
    let held = store.held_leases(Vec::new()).await.unwrap();
    assert_eq!(held, [(project, lease.clone())]);
    let other = Uuid::new_v4();
    let held = store.held_leases(vec![other]).await;
    assert_eq!(held.unwrap(), [(project, lease.clone())]);
    let held = store.held_leases(vec![other, owner.id]).await;
    assert_eq!(held.unwrap(), []);
    let given_back = Tenure::new(lease.clone(), Moment::new(Duration::ZERO)).given_back();
    store
        .swap_lease(project, Some(&lease), &given_back)
        .await
        .unwrap();
    assert_eq!(store.held_leases(Vec::new()).await.unwrap(), []);
    let read = store.lease(project).await.unwrap().unwrap();
    assert_eq!((read.owner(), &read.node), (None, &lease.node));
}

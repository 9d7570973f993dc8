//! Nodes with TLS of their own on one database.

use std::path::Path;

use super::{nodes::node, *};
use crate::support::Wire;

const TLS: &str = "[tls]\nself_signed = true";

/// What a command prints; the command needs no certificate, on the socket of the data folder.
async fn told(server: &Server, arguments: &[&str]) -> String {
    let ended = output(server, arguments).await;
    assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_tls_forward_to_each_other() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let first = node("first", TLS, None, &address).await;
    let plain = node("plain", "", Some(&first), &address).await;
    let third = node("third", TLS, Some(&first), &address).await;
    assert!(first.base.starts_with("https://") && third.base.starts_with("https://"));
    let project = told(&first, &["new", "p"]).await.trim().to_owned();
    let made = plain.get(&format!("/output-projects/{project}")).await;
    let made = made.expect(200);
    let workspace = made["workspace_path"].as_str().unwrap();
    first.agent.trust(Path::new(workspace));
    // The second node speaks plain HTTP with its clients, and TLS with its peer.
    let mut events = Events::follow(&plain, &project).await;
    let started = plain.start_session(&project).await;
    assert_eq!(started["node"], "first");
    events.named("session.started").await;
    let delivery = plain.deliver(&project, "over tls").await;
    plain.delivery_until(&project, &delivery, "submitted").await;
    let query = format!("client={}", uuid::Uuid::new_v4().simple());
    let mut wire = Wire::attach(&plain, &project, &query).await;
    wire.until_shown("last: over tls").await;
    let listed = plain.get("/output-projects").await.expect(200);
    assert_eq!(listed["projects"][0]["session"]["node"], "first");
    // Both have certificates of their own.
    told(&third, &["send", &project, "from the third", "--wait"]).await;
    wire.until_shown("last: from the third").await;
    let screen = told(&third, &["screen", &project]).await;
    assert!(screen.contains("last: from the third"), "{screen}");
    // And to the node without one.
    let other = plain.project("q").await;
    told(&third, &["send", &other, "to the plain one", "--wait"]).await;
    let nodes = plain.get("/nodes").await.expect(200);
    let sessions = nodes["nodes"].as_array().unwrap().iter();
    let sessions = sessions.map(|node| node["sessions"].as_u64().unwrap());
    assert!(sessions.sum::<u64>() >= 1, "{nodes}");
}

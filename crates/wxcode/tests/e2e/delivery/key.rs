//! Keys of other clients, and repeated requests.

use futures_util::future::join_all;
use serde_json::json;

use super::{deliveries, running};
use crate::support::Server;

#[tokio::test]
async fn keys_during_a_delivery_come_after_it() {
    // The first Enter is lost, so that the delivery takes longer.
    let (server, project) = running("swallow-cr", "").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    let delivery = server.deliver(&project, "the command").await;
    socket.until("❯ the command").await;
    socket.input("x").await;
    socket.input("yz").await;
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(done["attempts"], 2);
    socket
        .until("fake: 1 user message; last: the command")
        .await;
    socket.until("❯ xyz").await;
}

#[tokio::test]
async fn ctrl_c_cancels_a_delivery() {
    let (server, project) = running("no-return", "").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    let delivery = server.deliver(&project, "the command").await;
    socket.until("❯ the command").await;
    let screen = format!("/output-projects/{project}/screen");
    socket.input("\u{3}").await;
    let is_empty = |screen: &serde_json::Value| !screen.as_str().unwrap().contains("command");
    server.until(&screen, "it is cleared", is_empty).await;
    socket.input("mine").await;
    socket.until("❯ mine").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("15 s"), "{failed}");
    let screen = server.get(&screen).await.expect(200);
    assert!(screen.as_str().unwrap().contains("❯ mine"), "{screen}");
}

async fn send(server: &Server, project: &str, text: &str, key: &str) -> (u16, serde_json::Value) {
    let body = json!({ "text": text, "idempotency_key": key });
    let answer = server.post(&deliveries(project), body).await;
    (answer.status.as_u16(), answer.body)
}

#[tokio::test]
async fn concurrent_requests_share_one_key() {
    let (server, project) = running("", "").await;
    let answers = join_all((0..16).map(|_| send(&server, &project, "once", "k"))).await;
    let id = answers[0].1["id"].clone();
    for (status, answer) in &answers {
        assert_eq!((*status, &answer["id"]), (202, &id), "{answer}");
    }
    server
        .delivery_until(&project, &answers[0].1, "submitted")
        .await;
    let list = server.get(&deliveries(&project)).await.expect(200);
    assert_eq!(list["total"], 1);
}

#[tokio::test]
async fn a_failed_delivery_keeps_its_key() {
    let (server, project) = running("never-ready", "[delivery]\nready_timeout_s = 1\n").await;
    let (_, first) = send(&server, &project, "once", "k").await;
    let failed = server.delivery_until(&project, &first, "failed").await;
    let (status, again) = send(&server, &project, "once", "k").await;
    assert_eq!(
        (status, &again["id"], &again["state"]),
        (202, &failed["id"], &failed["state"])
    );
    assert_eq!(
        again["error"], failed["error"],
        "the same answer, not another try"
    );
    let (status, other) = send(&server, &project, "once", "another key").await;
    assert!(
        status == 202 && other["id"] != first["id"],
        "another key is another delivery"
    );
}

#[tokio::test]
async fn a_key_belongs_to_one_text() {
    let (server, project) = running("", "").await;
    let (_, first) = send(&server, &project, "once", "k").await;
    let id = first["id"].as_str().unwrap();
    let (status, refused) = send(&server, &project, "another text", "k").await;
    assert_eq!(status, 409, "{refused}");
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains(id) && detail.contains("key of its own"),
        "{detail}"
    );
    let done = server.delivery_until(&project, &first, "submitted").await;
    assert_eq!(done["text"], "once");
    let (status, refused) = send(&server, &project, "another text", "k").await;
    assert_eq!(status, 409, "also when it is over: {refused}");
    let list = server.get(&deliveries(&project)).await.expect(200);
    assert_eq!(list["total"], 1, "nothing was queued");
}

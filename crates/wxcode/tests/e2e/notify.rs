//! Webhooks: signed events, retries, refused addresses.

mod push;
mod receiver;

use ring::hmac;
use serde_json::{Value, json};

use self::receiver::{Received, Receiver};
use crate::{
    secure_client::issue,
    support::{Agent, Server},
};

const SECRET: &str = "a secret of the receiver";

/// A server with a project whose agent is idle.
async fn ready() -> (Server, String) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    (server, project)
}

async fn webhook(server: &Server, receiver: &Receiver, events: &[&str]) -> Value {
    let new = json!({ "url": receiver.url("/hook?a=b"), "events": events, "secret": SECRET });
    server.post("/webhooks", new).await.expect(201)
}

fn is_signed(received: &Received, secret: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = received.header("x-wxcode-signature");
    let hex = signature.strip_prefix("sha256=").unwrap();
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let tag: Vec<u8> = (0..hex.len()).step_by(2).map(digit).collect();
    hmac::verify(&key, &received.body, &tag).is_ok()
}

#[tokio::test]
async fn a_webhook_gets_signed_events() {
    let (server, project) = ready().await;
    let mut receiver = Receiver::start().await;
    let created = webhook(&server, &receiver, &["delivery.state", "session.*"]).await;
    assert_eq!(created["secret"], SECRET);
    let delivery = server.deliver(&project, "hello").await;
    let first = receiver.next(200).await;
    assert_eq!(first.line, "POST /hook?a=b HTTP/1.1");
    assert!(is_signed(&first, SECRET) && !is_signed(&first, "another secret"));
    assert_eq!(first.header("content-type"), "application/json");
    let event = first.json();
    assert_eq!(
        (&event["type"], &event["state"]),
        (&json!("delivery.state"), &json!("queued"))
    );
    assert_eq!(event["delivery_id"], delivery["id"]);
    assert_eq!(event["project_id"], json!(project));
    assert_eq!(event["id"], first.header("x-wxcode-event-id"));
    // Only the wanted types come, in their order.
    loop {
        let event = receiver.next(200).await.json();
        assert_eq!(event["type"], "delivery.state");
        if event["state"] == "submitted" {
            break;
        }
    }
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    assert_eq!(receiver.next(204).await.json()["type"], "session.exited");

    let listed = server.get("/webhooks").await.expect(200);
    let one = &listed["webhooks"][0];
    assert_eq!(
        (&one["id"], &one["last_attempt"]["error"]),
        (&created["id"], &Value::Null)
    );
    assert!(!listed.to_string().contains(SECRET), "{listed}");
    let path = format!("/webhooks/{}", created["id"].as_str().unwrap());
    server.delete(&path).await.expect(204);
    server.delete(&path).await.problem(404);
    assert_eq!(
        server.get("/webhooks").await.expect(200),
        json!({ "webhooks": [] })
    );
    // The audit follows an answer.
    server
        .until("/audit", "both changes are in the audit", |audit| {
            let audit = audit.to_string();
            audit.contains("webhook.create") && audit.contains("webhook.remove")
        })
        .await;
}

#[tokio::test]
async fn a_failed_webhook_is_tried_again_after_a_restart() {
    let (mut server, project) = ready().await;
    let mut receiver = Receiver::start().await;
    webhook(&server, &receiver, &["milestone.status"]).await;
    server.milestone(&project, "PAGE_Login").await;
    let first = receiver.next(500).await;
    assert_eq!(first.header("x-wxcode-attempt"), "1");
    server
        .until("/webhooks", "the failure is recorded", |listed| {
            let error = listed["webhooks"][0]["last_attempt"]["error"].as_str();
            error.is_some_and(|error| error.contains("500"))
        })
        .await;
    server.crash().await;
    server.up().await;
    let second = receiver.next(200).await;
    assert_eq!(second.header("x-wxcode-attempt"), "2");
    assert_eq!(
        (&second.body, second.header("x-wxcode-event-id")),
        (&first.body, first.header("x-wxcode-event-id"))
    );
    assert!(is_signed(&second, SECRET));
    server
        .until("/webhooks", "the success is recorded", |listed| {
            let attempt = &listed["webhooks"][0]["last_attempt"];
            attempt.is_object() && attempt["error"].is_null()
        })
        .await;
}

#[tokio::test]
async fn a_redirect_is_a_failure() {
    let (server, project) = ready().await;
    let (mut receiver, other) = (Receiver::start().await, Receiver::start().await);
    webhook(&server, &receiver, &["*"]).await;
    server.milestone(&project, "PAGE_Login").await;
    receiver.redirect(&other.url("/elsewhere")).await;
    server
        .until("/webhooks", "the redirect failed", |listed| {
            let error = listed["webhooks"][0]["last_attempt"]["error"].as_str();
            error.is_some_and(|error| error.contains("307"))
        })
        .await;
    assert!(!other.was_asked());
}

#[tokio::test]
async fn unfit_webhooks_are_refused() {
    let server = Server::start(Agent::fake("")).await;
    let url = "http://127.0.0.1:1/";
    for (new, words) in [
        (
            json!({ "url": "http://169.254.169.254/", "events": ["*"] }),
            "link-local",
        ),
        (
            json!({ "url": "http://[fe80::1]/", "events": ["*"] }),
            "link-local",
        ),
        (
            json!({ "url": "ftp://a/", "events": ["*"] }),
            "http or https",
        ),
        (
            json!({ "url": "http://a:b@c/", "events": ["*"] }),
            "a password",
        ),
        (json!({ "url": url, "events": [] }), "0 entries"),
        (json!({ "url": url, "events": ["agent"] }), "agent.state"),
        (
            json!({ "url": url, "events": ["agnet.state"] }),
            "agent.state",
        ),
        (
            json!({ "url": url, "events": ["*"], "secret": "short" }),
            "5 bytes",
        ),
        (json!({ "url": url }), "events"),
        (json!({ "url": url, "events": ["*"], "extra": 1 }), "extra"),
    ] {
        let detail = server.post("/webhooks", new).await.problem(422);
        assert!(detail.contains(words), "{detail}");
    }
    let made = server.post("/webhooks", json!({ "url": url, "events": ["*"] }));
    let made = made.await.expect(201);
    assert!(made["secret"].as_str().unwrap().len() >= 32);
    server.delete("/webhooks/0123").await.problem(400);
}

#[tokio::test]
async fn a_webhook_reaches_https_with_a_trusted_certificate() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path(), "localhost");
    let mut agent = Agent::fake("");
    agent
        .env
        .push(("SSL_CERT_FILE".into(), folder.path().join("ca").into()));
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let mut trusted = Receiver::start_tls(folder.path()).await;
    let other = tempfile::tempdir().unwrap();
    issue(other.path(), "localhost");
    let stranger = Receiver::start_tls(other.path()).await;
    webhook(&server, &trusted, &["session.*"]).await;
    webhook(&server, &stranger, &["session.*"]).await;
    server.start_session(&project).await;
    let first = trusted.next(200).await;
    assert!(is_signed(&first, SECRET));
    assert_eq!(first.json()["type"], "session.started");
    let url = stranger.url("/hook?a=b");
    server
        .until("/webhooks", "the refused certificate", |listed| {
            let listed = listed["webhooks"].as_array().unwrap();
            let one = listed.iter().find(|one| one["url"] == json!(url)).unwrap();
            let error = one["last_attempt"]["error"].as_str();
            error.is_some_and(|error| error.contains("certificate"))
        })
        .await;
}

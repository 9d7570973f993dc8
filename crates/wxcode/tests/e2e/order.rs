//! Order of events and state: once an event is visible, the API agrees with it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, kill, make_fifo};

/// Starts that directly follow an end.
const ROUNDS: usize = 32;

fn runs(project: &str) -> String {
    format!("/output-projects/{project}/runs")
}

fn session(project: &str) -> String {
    format!("/output-projects/{project}/session")
}

#[tokio::test]
async fn a_run_starts_after_run_finished() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let mut refused = Vec::new();
    for round in 0..ROUNDS {
        let answer = server
            .post(&runs(&project), json!({ "prompt": "hello" }))
            .await;
        if answer.status != 202 {
            refused.push((round, answer.body));
            continue;
        }
        let finished = events.named("run.finished").await.data;
        let one = format!("{}/{}", runs(&project), answer.body["id"].as_str().unwrap());
        let run = server.get(&one).await.expect(200);
        assert_eq!(run["state"], finished["state"], "{run}");
        assert_eq!(run["result"], finished["result"]);
        assert_eq!(run["claude_session_id"], finished["claude_session_id"]);
    }
    assert!(
        refused.is_empty(),
        "{} of {ROUNDS}: {refused:#?}",
        refused.len()
    );
}

#[tokio::test]
async fn a_session_starts_after_session_exited() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let mut old = Vec::new();
    let mut before = Value::Null;
    for round in 0..ROUNDS {
        let answer = server.post(&session(&project), json!({})).await;
        if answer.status != 201 {
            old.push((round, answer.status));
            continue;
        }
        let started = answer.body;
        assert_ne!(started["session_id"], before["session_id"]);
        kill(i32::try_from(started["pid"].as_i64().unwrap()).unwrap());
        let exited = events.named("session.exited").await.data;
        assert_eq!(exited["session_id"], started["session_id"]);
        before = started;
    }
    assert!(old.is_empty(), "{} of {ROUNDS}: {old:?}", old.len());
}

#[tokio::test]
async fn a_delivery_after_session_exited_is_typed() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    for _ in 0..ROUNDS / 4 {
        let started = server.start_session(&project).await;
        kill(i32::try_from(started["pid"].as_i64().unwrap()).unwrap());
        events.named("session.exited").await;
        let delivery = server.deliver(&project, "hello").await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
        server.delete(&session(&project)).await.expect(204);
        events.named("session.exited").await;
    }
}

/// Waits for an event, then asks the API.
async fn seen(server: &Server, events: &mut Events, name: &str, path: &str) -> (Value, Value) {
    let told = events.named(name).await.data;
    (told, server.get(path).await.expect(200))
}

#[tokio::test]
async fn the_api_agrees_with_start_events() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    for _ in 0..ROUNDS / 4 {
        let gate = server.data_dir().join("gate");
        make_fifo(&gate);
        let body = json!({ "prompt": format!("fake:hold {}", gate.display()) });
        let runs = runs(&project);
        let begun = server.post(&runs, body);
        let look = async {
            let told = events.named("run.started").await.data;
            let path = format!("{runs}/{}", told["run_id"].as_str().unwrap());
            let run = server.get(&path).await.expect(200);
            let shown = server.session(&project).await;
            (told, run, shown)
        };
        let (_, (told, run, shown)) = tokio::join!(begun, look);
        assert_eq!(
            (&run["id"], &run["state"]),
            (&told["run_id"], &json!("running"))
        );
        assert_eq!(shown["run"]["id"], told["run_id"]);
        release(&gate);
        events.named("run.finished").await;
        fs::remove_file(&gate).unwrap();

        let path = session(&project);
        let started = server.post(&path, json!({}));
        let look = seen(&server, &mut events, "session.started", &path);
        let (_, (told, shown)) = tokio::join!(started, look);
        assert_eq!(
            (&shown["status"], &shown["session_id"], &shown["pid"]),
            (&json!("running"), &told["session_id"], &told["pid"])
        );
        server.delete(&path).await.expect(204);
        let shown = seen(&server, &mut events, "session.exited", &path).await.1;
        assert_eq!(shown["status"], "exited");
    }
}

#[tokio::test]
async fn the_api_agrees_with_dialog_events() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    server.start_session(&project).await;
    let answer = format!("/output-projects/{project}/answer");
    let blue = json!({ "answers": [{ "options": ["Blue"] }] });
    for (prompt, event, kind, body) in [
        (
            "fake:permission",
            "permission.requested",
            "permission",
            json!({ "option": "Yes" }),
        ),
        ("fake:question", "question.asked", "question", blue),
    ] {
        server.deliver(&project, prompt).await;
        let told = events.named(event).await;
        let shown = server.session(&project).await;
        assert_eq!(shown["asks"]["kind"], kind, "{told:?}: {shown:#}");
        server.options(&project).await;
        server.post(&answer, body).await.expect(200);
        events.state("idle").await;
        assert_eq!(server.session(&project).await["agent_state"], "idle");
    }
}

fn release(gate: &Path) {
    fs::OpenOptions::new().write(true).open(gate).unwrap();
}

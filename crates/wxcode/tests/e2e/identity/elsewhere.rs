//! Another process continues the conversation: the session reports it and types nothing.

use std::fs;

use serde_json::{Value, json};

use super::{crosscheck::by_hand, folder, forge, identity, running, say};
use crate::support::{Agent, Server, holder_program};

const FORK: &str = "22222222-2222-4222-8222-222222222222";

fn start_of_fork() -> Value {
    json!({ "session_id": FORK, "hook_event_name": "SessionStart", "source": "fork",
            "cwd": "/", "transcript_path": format!("/t/{FORK}.jsonl") })
}

async fn until_unknown(server: &Server, project: &str) -> Value {
    server
        .session_until(project, "the conversation is elsewhere", |session| {
            let warning = session["warning"].as_str().unwrap_or_default();
            session["agent_state"] == "unknown" && warning.contains("claude agents")
        })
        .await
}

async fn until_idle(server: &Server, project: &str) -> Value {
    server
        .session_until(project, "the conversation is back", |session| {
            session["agent_state"] == "idle" && session["warning"].is_null()
        })
        .await
}

#[tokio::test]
async fn a_reporting_fork_makes_the_state_unknown() {
    let (mut server, project, before) = running(Agent::fake("")).await;
    say(&server, &project, "words").await;
    forge(&server, &start_of_fork());
    let session = until_unknown(&server, &project).await;
    assert_eq!(identity(&session), before);
    let delivery = server.deliver(&project, "words that wait").await;

    server.crash().await;
    server.up().await;
    until_unknown(&server, &project).await;
    let path = format!("/output-projects/{project}/deliveries");
    let waiting = server.get(&path).await.expect(200);
    let waiting = waiting["deliveries"].as_array().unwrap();
    let waiting = waiting.iter().find(|found| found["id"] == delivery["id"]);
    assert_eq!(waiting.unwrap()["state"], "queued");

    // The user types in the terminal.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("typed words").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = until_idle(&server, &project).await;
    assert_eq!(identity(&session), before);
}

#[tokio::test]
async fn a_fork_below_the_agent_counts() {
    let (server, project, before) = running(Agent::fake("")).await;
    let payload = server.data_dir().join("fork.json");
    fs::write(&payload, start_of_fork().to_string()).unwrap();
    // Two waiting shells: deeper than the agent's own hooks, like children of a daemon.
    let script = server.data_dir().join("fork.sh");
    let report = format!(
        "'{}' hook '{}' <'{}'\ntrue\n",
        holder_program().display(),
        folder(&server).join("hook.json").display(),
        payload.display()
    );
    fs::write(&script, report).unwrap();
    let text = format!("fake:run sh '{}'; true", script.display());
    let delivery = server.deliver(&project, &text).await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = until_unknown(&server, &project).await;
    assert_eq!(identity(&session), before);
}

#[tokio::test]
async fn a_resuming_foreign_process_counts() {
    let (server, project, before) = running(Agent::fake("")).await;
    let mut resumed = start_of_fork();
    resumed["source"] = json!("resume");
    resumed["session_id"] = before.0.clone();
    forge(&server, &resumed);
    until_unknown(&server, &project).await;
}

#[tokio::test]
async fn a_parked_conversation_is_found() {
    let (server, project, before) = running(Agent::fake("")).await;
    let session = server.session(&project).await;
    let record = server.agent.home.config_dir().join("sessions");
    let record = record.join(format!("{}.json", session["pid"]));
    let plain = fs::read(&record).unwrap();
    let mut said: Value = serde_json::from_slice(&plain).unwrap();
    said["parkedJobId"] = json!("cda28e23");
    fs::write(&record, said.to_string()).unwrap();
    let session = until_unknown(&server, &project).await;
    assert_eq!(identity(&session), before);
    fs::write(&record, &plain).unwrap();
    until_idle(&server, &project).await;
}

#[tokio::test]
async fn a_second_process_makes_the_state_unknown() {
    let (server, project, before) = running(Agent::fake("")).await;
    say(&server, &project, "words").await;
    let other = by_hand(&server, &project, &before.0).await;
    let named = format!("(process {})", other.pid());
    server
        .session_until(&project, "the conversation is elsewhere", |session| {
            let warning = session["warning"].as_str().unwrap_or_default();
            session["agent_state"] == "unknown" && warning.contains(&named)
        })
        .await;
    let delivery = server.deliver(&project, "words that wait").await;
    let id = delivery["id"].as_str().unwrap();
    let path = format!("/output-projects/{project}/deliveries/{id}");
    let waits = server
        .until(&path, "the obstacle is named", |found| {
            found["error"]
                .as_str()
                .is_some_and(|error| error.contains(&named))
        })
        .await;
    assert_eq!(
        (&waits["state"], &waits["error_code"]),
        (&json!("queued"), &json!("elsewhere"))
    );
    drop(other);
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = until_idle(&server, &project).await;
    assert_eq!(identity(&session), before);
}

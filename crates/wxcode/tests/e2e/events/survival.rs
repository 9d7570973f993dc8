//! Events are published once, whichever process dies.

use std::{collections::HashSet, fs};

use serde_json::{Value, json};

use super::{idle, numbers};
use crate::support::{Agent, Events, Server, eventually, kill, make_fifo};

/// The name of a turn's event.
const TURN: &str = "conversation.turn";

#[tokio::test]
async fn events_survive_a_killed_server_exactly_once() {
    let mut server = Server::start(Agent::fake("")).await;
    let gate = server.data_dir().join("gate");
    make_fifo(&gate);
    let (project, mut events) = idle(&server).await;
    let write = |name: &str| format!("fake:write {}", server.data_dir().join(name).display());
    let texts = [
        write("a"),
        format!("fake:hold {}", gate.display()),
        write("b"),
    ];
    server.deliver(&project, &texts[0]).await;
    events.named("tool.finished").await;
    events.state("idle").await;
    server.deliver(&project, &texts[1]).await;
    events.state("working").await;
    events
        .until("taken", |told| told.data["state"] == "submitted")
        .await;
    let seen = events.seen[1..].to_vec();
    let last = seen.last().unwrap().id.unwrap();

    // The server is killed during a turn, and the turn ends while no server runs.
    server.crash().await;
    let agent = server.session_dirs().remove(0);
    fs::OpenOptions::new().write(true).open(&gate).unwrap();
    let hooks = || wxcode_holder::folder::hooks_since(&agent, 0).unwrap();
    let is_stop = |payload: &[u8]| {
        serde_json::from_slice::<Value>(payload).unwrap()["hook_event_name"] == "Stop"
    };
    eventually("the turn ends", || {
        hooks().iter().filter(|hook| is_stop(&hook.payload)).count() == 2
    })
    .await;
    server.up().await;
    let mut events = Events::since(&server, &project, last).await;
    events.state("idle").await;
    server.deliver(&project, &texts[2]).await;
    events.named("tool.finished").await;
    events.state("idle").await;
    // Another kill, with no turn under way.
    server.crash().await;
    server.up().await;
    let newest = events.seen.last().unwrap().id.unwrap();
    let mut after = Events::since(&server, &project, newest).await;
    let bye = server.deliver(&project, "bye").await;
    after
        .until("bye", |told| told.data["state"] == "submitted")
        .await;
    let mut others = after.seen.iter().filter(|told| told.name != TURN);
    assert_eq!(
        others.next().unwrap().data["delivery_id"],
        bye["id"],
        "an earlier event came again after the restart: {:#?}",
        after.seen
    );

    let mut all = seen.clone();
    all.extend(events.seen);
    all.extend(after.seen);
    numbers(&all);
    let turns = all.iter().filter(|told| told.name == TURN);
    let ids: Vec<&Value> = turns.map(|told| &told.data["id"]).collect();
    let different: HashSet<String> = ids.iter().map(ToString::to_string).collect();
    assert_eq!(different.len(), ids.len(), "a turn is published once");
    let mut whole = Events::since(&server, &project, 0).await;
    assert_eq!(
        whole.up_to(all.last().unwrap().id.unwrap()).await,
        all,
        "the log equals the published events"
    );
    // The hooks' events, once and in order.
    let reported: Vec<String> = hooks()
        .iter()
        .map(|hook| serde_json::from_slice::<Value>(&hook.payload).unwrap())
        .filter_map(|hook| match hook["hook_event_name"].as_str().unwrap() {
            "UserPromptSubmit" => Some(format!("prompt.submitted {}", hook["prompt"])),
            "PreToolUse" => Some(format!("tool.started {}", hook["tool_input"]["file_path"])),
            "PostToolUse" => Some(format!("tool.finished {}", hook["tool_input"]["file_path"])),
            _ => None,
        })
        .collect();
    let told: Vec<String> = all
        .iter()
        .filter_map(|told| match told.name.as_str() {
            "prompt.submitted" => Some(format!("{} {}", told.name, told.data["prompt"])),
            "tool.started" | "tool.finished" => {
                Some(format!("{} {}", told.name, told.data["file_path"]))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, reported);
    let states: Vec<&str> = all
        .iter()
        .filter(|told| told.name == "agent.state")
        .map(|told| told.data["state"].as_str().unwrap())
        .collect();
    let mut turns = vec!["starting", "idle"];
    turns.extend(["working", "idle"].repeat(4));
    assert!(turns.starts_with(&states), "{states:?}");
    let submitted = all.iter().filter(|told| told.data["state"] == "submitted");
    assert_eq!(submitted.count(), 4, "each delivery is submitted once");
    let started = all.iter().filter(|told| told.name == "session.started");
    assert_eq!(started.count(), 1);
}

#[tokio::test]
async fn events_without_a_server_are_published_later() {
    let mut server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    let hello = server.deliver(&project, "hello").await;
    // The delivery's `submitted` may come before the end of the delivery's turn, or afterwards.
    let (mut is_submitted, mut has_begun, mut is_idle) = (false, false, false);
    while !(is_submitted && is_idle) {
        let told = events.next().await.expect("submitted, and idle again");
        has_begun |= told.name == "prompt.submitted";
        is_submitted |= told.data["state"] == "submitted";
        if told.name == "agent.state" {
            is_idle = has_begun && told.data["state"] == "idle";
        }
    }
    assert_eq!(hello["state"], "queued");
    let last = events.seen.last().unwrap().id.unwrap();
    let dir = server.session_dirs().remove(0);
    let (_, agent) = Server::pids(&dir).unwrap();
    server.crash().await;
    kill(agent);
    eventually("the holder writes the exit", || {
        dir.join("exit.json").exists()
    })
    .await;
    server.up().await;
    let mut events = Events::since(&server, &project, last).await;
    let exited = events.next_but_turns().await;
    assert_eq!(
        (exited.name.as_str(), &exited.data["signal"]),
        ("session.exited", &json!(9))
    );
    server.crash().await;
    server.up().await;
    server.start_session(&project).await;
    let mut events = Events::since(&server, &project, exited.id.unwrap()).await;
    assert_eq!(
        events.next_but_turns().await.name,
        "session.started",
        "the exit is published once"
    );
}

#[tokio::test]
async fn repeated_kills_publish_each_hook_once() {
    const HOOKS: u64 = 600;
    let mut server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    let file = server.data_dir().join("reports");
    let report = |n: u64| {
        json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash",
                "tool_input": { "command": "ls", "description": n.to_string() } })
        .to_string()
    };
    let lines: Vec<String> = (0..HOOKS).map(report).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    server
        .deliver(&project, &format!("fake:report {}", file.display()))
        .await;
    let mut all = Vec::new();
    for killed_at in [1_u64, 40, 41, 150, 300, HOOKS] {
        let is_there = |told: &crate::support::Told| {
            let n = told.data["description"].as_str();
            n.is_some_and(|n| n.parse::<u64>().unwrap() + 1 >= killed_at)
        };
        events.until("the next moment", is_there).await;
        all.append(&mut events.seen);
        server.crash().await;
        server.up().await;
        let last = all.last().unwrap().id.unwrap();
        events = Events::since(&server, &project, last).await;
    }
    let state = all.remove(0);
    assert_eq!(state.name, "state");
    numbers(&all);
    let told: Vec<u64> = all
        .iter()
        .filter(|told| told.name == "tool.started")
        .map(|told| told.data["description"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(told, (0..HOOKS).collect::<Vec<_>>());
}

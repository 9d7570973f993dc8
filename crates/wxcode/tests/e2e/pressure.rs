//! Slow clients: the agent goes on, memory stays bounded, and the clients end up exact.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Agent, Attached, Events, Server, Wire, eventually};

/// Bytes written by the agent while the client reads nothing.
const FLOOD: u64 = 48 << 20; // 48 MiB
/// Most growth of server and holder in KiB: a small part of the unread output. The holder keeps its
/// ring buffer and its history; the server keeps the credit of ten clients and the allocator's
/// reserve.
const GROWTH: (u64, u64) = (16 << 10, 5 << 10);

/// Writes on request and leaves a marker file at the end.
const AGENT: &str = "stty -echo; echo up; read -r line; \
    yes 'a line of some length, as programs print them, in their thousands' | head -c 50331648; \
    echo; echo the end; touch written; exec cat";

/// The proportional set size of a process, in KiB.
fn memory(pid: i32) -> u64 {
    part_of_memory(pid, "Pss:")
}

/// A memory figure of a process, in KiB.
fn part_of_memory(pid: i32, part: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with(part));
    let kib = line.unwrap().split_whitespace().nth(1);
    kib.unwrap().parse().unwrap()
}

#[tokio::test]
async fn stalled_clients_cost_little() {
    let server = Server::start(Agent::script(AGENT)).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/terminal");
    let mut stuck = Vec::new();
    for _ in 0..8 {
        let mut socket = server.socket(&path).await;
        socket.until("up").await;
        stuck.push(socket);
    }
    let mut silent = Wire::attach(&server, &project, "").await;
    silent.until_shown("up").await;
    silent.acknowledges = false;
    let (holder, _) = Server::pids(&server.session_dirs()[0]).unwrap();
    let before = (memory(server.pid()), memory(holder));
    let mut swift = Wire::attach(&server, &project, "").await;
    swift.until_shown("up").await;
    swift.input("\n").await;
    swift.until_shown("the end").await;
    let workspace = server.workspace(&project).await;
    eventually("all is written", || workspace.join("written").exists()).await;
    let after = (memory(server.pid()), memory(holder));
    assert!(
        after.0 < before.0 + GROWTH.0 && after.1 < before.1 + GROWTH.1,
        "server and holder in KiB: {before:?}, then {after:?}"
    );
    // A stuck client can still type.
    stuck[0]
        .send(json!({ "type": "input", "data": "typed by a stuck one\n" }))
        .await;
    swift.until_shown("typed by a stuck one").await;
    for socket in &mut stuck {
        socket.until("typed by a stuck one").await;
        // The output on its way, then the newest screen in place of the rest.
        assert!((socket.output.len() as u64) < FLOOD / 4);
        assert!(socket.output.contains("\u{1b}c"), "a fresh screen");
    }
    let offset = silent.offset;
    silent
        .send(wxcode_protocol::websocket::ClientFrame::Ack(offset))
        .await;
    silent.acknowledges = true;
    silent.until_shown("typed by a stuck one").await;
    assert!(silent.received < 2 << 20, "{}", silent.received);
    assert!(silent.drawn() == swift.drawn());
}

#[tokio::test]
async fn stopped_clients_catch_up() {
    let server = Server::start(Agent::script(AGENT)).await;
    let project = server.project("p").await;
    let mut swift = Wire::attach(&server, &project, "").await;
    swift.until_shown("up").await;
    let stopped: Vec<Attached> = (0..3)
        .map(|_| Attached::start(&server, &[&project, "--viewer"], (120, 40)))
        .collect();
    for attached in &stopped {
        attached.until_shows("up");
        attached.signal(Signal::STOP).await;
    }
    let (holder, _) = Server::pids(&server.session_dirs()[0]).unwrap();
    let before = (memory(server.pid()), memory(holder));
    swift.input("\n").await;
    swift.until_shown("the end").await;
    let after = (memory(server.pid()), memory(holder));
    assert!(
        after.0 < before.0 + GROWTH.0 && after.1 < before.1 + GROWTH.1,
        "server and holder in KiB: {before:?}, then {after:?}"
    );
    for attached in &stopped {
        attached.signal(Signal::CONT).await;
        attached.until_shows("the end");
    }
    for attached in stopped {
        attached.keys("\u{1d}");
        assert_eq!(attached.ended().code, 0);
    }
}

#[tokio::test]
async fn reconnecting_event_clients_cost_bounded_memory() {
    /// More prompts than a segment of the log holds, each almost as large as an event may be, in
    /// bytes.
    const PROMPTS: u64 = 40;
    const PROMPT: usize = 15_000;
    /// Concurrent returning clients.
    const FOLLOWERS: usize = 16;
    /// Most growth of the server in KiB: the pending data of 16 clients and the allocator's
    /// reserve, which grows with the load of the machine. Measured: below 4 MiB alone, 4.3 beside
    /// other tests, and over 17 with a whole segment in memory per client.
    const KEPT: u64 = 8 << 10;

    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.session(&project).await;
    let mut first = Events::follow(&server, &project).await;
    let prompt = |n: u64| {
        let prompt = format!("{n} {}", "x".repeat(PROMPT));
        json!({ "hook_event_name": "UserPromptSubmit", "prompt": prompt }).to_string()
    };
    let prompts: Vec<String> = (1..=PROMPTS).map(prompt).collect();
    let file = server.data_dir().join("reports");
    fs::write(&file, prompts.join("\n")).unwrap();
    server
        .deliver(&project, &format!("fake:report {}", file.display()))
        .await;
    let newest = format!("{PROMPTS} ");
    let is_newest = |told: &crate::support::Told| {
        let prompt = told.data["prompt"].as_str();
        prompt.is_some_and(|prompt| prompt.starts_with(&newest))
    };
    let last = first.until("the last prompt", is_newest).await.id.unwrap();
    let before = part_of_memory(server.pid(), "Pss_Anon:");
    let mut followers = Vec::new();
    for _ in 0..FOLLOWERS {
        followers.push(Events::since(&server, &project, 1).await);
    }
    for follower in &mut followers {
        let told = follower.up_to(last).await;
        let prompts = told.iter().filter(|told| told.name == "prompt.submitted");
        // The count includes the first prompt.
        assert_eq!(prompts.count() as u64, PROMPTS + 1);
    }
    drop(followers);
    let after = part_of_memory(server.pid(), "Pss_Anon:");
    assert!(
        after < before + KEPT,
        "the server in KiB: {before}, then {after}"
    );
}

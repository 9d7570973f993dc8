//! Clients that stop reading: the agent goes on, memory is bounded, and they end up exact.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Agent, Attached, Server, Wire, eventually};

/// Bytes that the agent writes while nobody reads.
const FLOOD: u64 = 48 << 20; // 48 MiB
/// The most that the server and the holder may grow by, in KiB: a small part of what nobody read. For the holder that
/// is its ring and its history; for the server what ten clients have under way, and what the allocator keeps.
const GROWTH: (u64, u64) = (16 << 10, 5 << 10);

/// Writes when it is told to, and leaves a mark when all is written.
const AGENT: &str = "stty -echo; echo up; read -r line; \
    yes 'a line of some length, as programs print them, in their thousands' | head -c 50331648; \
    echo; echo the end; touch written; exec cat";

/// The proportional set size of a process, in KiB.
fn memory(pid: i32) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Pss:"));
    let kib = line.unwrap().split_whitespace().nth(1);
    kib.unwrap().parse().unwrap()
}

#[tokio::test]
async fn clients_that_stop_reading_stall_no_one_and_cost_little() {
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
        // What was under way, and the newest screen instead of the rest.
        assert!((socket.output.len() as u64) < FLOOD / 4);
        assert!(socket.output.contains("\u{1b}c"), "a fresh screen");
    }
    let offset = silent.offset;
    silent.send(wxcode_wire::ClientFrame::Ack(offset)).await;
    silent.acknowledges = true;
    silent.until_shown("typed by a stuck one").await;
    assert!(silent.received < 2 << 20, "{}", silent.received);
    assert!(silent.drawn() == swift.drawn());
}

#[tokio::test]
async fn stopped_processes_stall_no_one_and_are_current_when_they_go_on() {
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

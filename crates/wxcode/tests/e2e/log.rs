//! Unwritable logs cost lines, never a request, a session or the server.

mod command;

use std::{
    fs::File,
    io::{PipeReader, Read as _, Write as _, pipe},
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
};

use reqwest::Method;
use rustix::{event::Timespec, fs::OFlags};
use serde_json::{Value, json};
use wxcode_testbed::pty;

use crate::support::{Agent, Events, Server, eventually, is_alive};

/// Longest time in which an unread terminal may make room in its buffers.
const ROOM_TIMEOUT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 200_000_000,
};

/// An agent whose server logs at every level.
fn talkative() -> Agent {
    let mut agent = Agent::fake("");
    agent.env.push(("WXCODE_LOG".into(), "trace".into()));
    agent
}

/// Both outputs of a server on one file description.
fn both(output: impl AsFd) -> (Stdio, Stdio) {
    let clone = || output.as_fd().try_clone_to_owned().unwrap();
    (clone().into(), clone().into())
}

fn path(project: &str) -> String {
    format!("/output-projects/{project}/session")
}

/// A session starts, takes a delivery, publishes events, and ends.
async fn goes_on(server: &Server) {
    let project = server.project("p").await;
    let mut events = Events::follow(server, &project).await;
    let session = server.start_session(&project).await;
    takes_and_ends(server, &project, &session, &mut events).await;
    // A session that ended by itself is not shown as running.
    let session = server.start_session(&project).await;
    let delivery = server.deliver(&project, "fake:exit 3").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    events.named("session.exited").await;
    let ended = server.session(&project).await;
    assert_eq!(
        (
            &ended["status"],
            &ended["session_id"],
            &ended["exit"]["code"]
        ),
        (&json!("exited"), &session["session_id"], &json!(3))
    );
}

async fn takes_and_ends(server: &Server, project: &str, session: &Value, events: &mut Events) {
    let delivery = server.deliver(project, "hello").await;
    server.delivery_until(project, &delivery, "submitted").await;
    let agent = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    assert!(is_alive(agent));
    server.delete(&path(project)).await.expect(204);
    assert!(!is_alive(agent), "204 means that it is gone");
    events.named("session.exited").await;
}

/// Runs the whole course on a server with these outputs.
async fn starts_and_ends(outputs: (Stdio, Stdio)) {
    let mut server = Server::start_with_outputs(talkative(), outputs).await;
    goes_on(&server).await;
    assert_eq!(server.terminate().await, Some(0));
}

/// Runs the whole course on a server whose outputs are read until `spoil` breaks the outputs
/// mid-session.
async fn goes_on_and_ends(outputs: (Stdio, Stdio), spoil: impl FnOnce()) {
    let mut server = Server::start_with_outputs(talkative(), outputs).await;
    let project = server.project("before").await;
    let mut events = Events::follow(&server, &project).await;
    let session = server.start_session(&project).await;
    events.state("idle").await;
    spoil();
    takes_and_ends(&server, &project, &session, &mut events).await;
    goes_on(&server).await;
    assert_eq!(server.terminate().await, Some(0));
}

#[tokio::test]
async fn logging_to_a_full_disk_costs_lines() {
    starts_and_ends(both(File::options().write(true).open("/dev/full").unwrap())).await;
}

#[tokio::test]
async fn logging_to_a_closed_pipe_costs_lines() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    starts_and_ends(both(writer)).await;
}

#[tokio::test]
async fn a_log_pipe_closes_during_a_session() {
    let (reader, writer) = pipe().unwrap();
    let (end, is_over) = pipe().unwrap();
    let reading = std::thread::spawn(move || read_until(reader, &end));
    goes_on_and_ends(both(writer), move || {
        drop(is_over);
        reading.join().unwrap();
    })
    .await;
}

/// Reads until the other side closes `end`.
fn read_until(mut reader: PipeReader, end: &PipeReader) {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut buffer = [0; 4096];
    loop {
        let mut fds = [
            PollFd::new(&reader, PollFlags::IN),
            PollFd::new(end, PollFlags::IN),
        ];
        poll(&mut fds, None).unwrap();
        if !fds[1].revents().is_empty() {
            return;
        }
        assert!(reader.read(&mut buffer).unwrap() > 0, "it writes");
    }
}

#[tokio::test]
async fn logging_to_an_unread_pipe_costs_lines() {
    let (_reader, writer) = wxcode_testbed::full_pipe().unwrap();
    starts_and_ends(both(writer)).await;
}

/// Types Ctrl+S into a terminal and waits until the terminal is stopped.
fn stop(master: &OwnedFd, slave: &OwnedFd) {
    rustix::io::write(master, b"\x13").unwrap();
    fill(slave);
}

/// Opens the terminal again without blocking.
fn reopened(slave: &OwnedFd) -> File {
    let name = rustix::termios::ttyname(slave, Vec::new()).unwrap();
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    file.into()
}

/// Fills a terminal until it stays full.
fn fill(slave: &OwnedFd) {
    use rustix::event::{PollFd, PollFlags, poll};
    let probe = reopened(slave);
    let room = || {
        let mut fds = [PollFd::new(&probe, PollFlags::OUT)];
        poll(&mut fds, Some(&ROOM_TIMEOUT)).unwrap() > 0
    };
    while (&probe).write(&[b'.'; 1024]).is_ok() || room() {}
}

/// Reads a terminal until it is stopped or closed.
fn drain(master: &OwnedFd) {
    let master = File::from(master.try_clone().unwrap());
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while (&master).read(&mut buffer).is_ok_and(|n| n > 0) {}
    });
}

#[tokio::test]
async fn logging_to_a_stopped_terminal_costs_lines() {
    let (master, slave) = pty::pair().unwrap();
    stop(&master, &slave);
    starts_and_ends(both(slave)).await;
}

#[tokio::test]
async fn a_log_terminal_stops_during_a_session() {
    let (master, slave) = pty::pair().unwrap();
    drain(&master);
    let outputs = both(&slave);
    goes_on_and_ends(outputs, || stop(&master, &slave)).await;
}

#[tokio::test]
async fn logging_to_an_unread_terminal_costs_lines() {
    let (_master, slave) = pty::pair().unwrap();
    fill(&slave);
    starts_and_ends(both(slave)).await;
}

#[tokio::test]
async fn a_log_terminal_fills_during_a_session() {
    let (_master, slave) = pty::pair().unwrap();
    let outputs = both(&slave);
    goes_on_and_ends(outputs, || fill(&slave)).await;
}

#[tokio::test]
async fn a_log_terminal_closes_during_a_session() {
    let (master, slave) = pty::pair().unwrap();
    goes_on_and_ends(both(slave), || drop(master)).await;
}

#[tokio::test]
async fn lost_lines_are_counted() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let server = Server::start_with_outputs(talkative(), both(full)).await;
    let lost = async || {
        let request = server.request(Method::GET, "/metrics");
        let answer = server.answer(request.bearer_auth(&server.token)).await;
        let text = answer.expect(200);
        let mut lines = text.as_str().unwrap().lines();
        let lost = lines.find_map(|line| line.strip_prefix("wxcode_log_lines_lost_total "));
        lost.expect("it is told").parse::<u64>().unwrap()
    };
    // Lines from the start may still be on their way.
    while lost().await == 0 {}
    let before = lost().await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    while lost().await == before {}
}

#[tokio::test]
async fn an_unmonitored_agent_ends_with_its_session() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let agent = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    // Sessions with a missing folder at a server's start have no monitor.
    let dir = server.session_dirs().remove(0);
    // The holder's first write would make the folder again.
    eventually("the log has begun", || dir.join("log").exists()).await;
    let aside = server.data_dir().join("aside");
    server.crash().await;
    std::fs::rename(&dir, &aside).unwrap();
    server.up().await;
    std::fs::rename(&aside, &dir).unwrap();
    assert_eq!(server.session(&project).await["status"], "none");
    assert!(is_alive(agent));
    server.delete(&path(&project)).await.expect(204);
    assert!(!is_alive(agent), "204 means that it is gone");
    assert!(dir.join("exit.json").exists());
}

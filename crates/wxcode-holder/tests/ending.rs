//! The end of a session: no process of the agent remains, and no foreign process is signalled.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    time::Instant,
};
use wxcode_protocol::Output;

use rustix::process::Signal;
use support::*;
use wxcode_holder::{
    client::{Connection, Event, Request},
    folder::{self, Exit, State},
};

/// The processes with this text on their command line, without a forked shell's second entry.
fn processes_of(mark: &Path) -> Vec<i32> {
    let mark = mark.to_str().unwrap();
    let pids = fs::read_dir("/proc").unwrap().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(mark) && is_alive(*pid)
        })
        .collect()
}

const NOTHING: [i32; 0] = [];

/// A process outside of the session.
struct Bystander(Child);

impl Bystander {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").spawn().unwrap())
    }

    fn assert_alive(&mut self) {
        assert!(self.0.try_wait().unwrap().is_none(), "others are not hit");
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session with a script as its agent. `$0` of the script is the folder, and so identifies all
/// processes of the script.
async fn session(script: &str) -> Session {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    let mark = tmp.path().to_str().unwrap().to_owned();
    let argv = ["/bin/bash", "-c", script, &mark];
    let file = try_start(&dir, &spec(&argv, tmp.path())).await.unwrap();
    Session { tmp, dir, file }
}

async fn stop(conn: &mut Connection, grace_ms: u64) -> Exit {
    conn.sender.send(Request::Stop { grace_ms }).await.unwrap();
    until(conn, |event| match event {
        Event::Output(Output::Exited(exit)) => Some(exit),
        _ => None,
    })
    .await
}

fn pid_in(session: &Session, name: &str) -> i32 {
    let text = fs::read_to_string(session.tmp.path().join(name)).unwrap();
    text.trim().parse().unwrap()
}

/// Starts a daemon in the usual way: two forks, a new session, no terminal, SIGTERM and SIGHUP
/// ignored.
const DAEMON: &str = "(trap '' TERM HUP; setsid bash -c \
    '(trap \"\" TERM HUP; echo $BASHPID > daemon; while :; do sleep 1; done) &' \"$0\" \
    < /dev/null > /dev/null 2>&1); while [ ! -s daemon ]; do sleep 0.01; done;";

#[tokio::test]
async fn a_stop_ends_surviving_daemons() {
    let script = format!(
        "{DAEMON} (trap '' TERM HUP; echo $BASHPID > tool; while :; do sleep 1; done) & \
         while [ ! -s tool ]; do sleep 0.01; done; echo ready; read -r x"
    );
    let session = session(&script).await;
    let mut bystander = Bystander::new();
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    let (daemon, tool) = (pid_in(&session, "daemon"), pid_in(&session, "tool"));
    assert!(is_alive(daemon) && is_alive(tool));
    // The agent ends on SIGTERM; the agent's processes do not.
    let exit = stop(&mut conn, 300).await;
    assert_eq!((exit.signal, exit.reason.as_str()), (Some(15), "stopped"));
    let guardian = session.file.guardian.clone().unwrap().pid;
    let mut left = processes_of(session.tmp.path());
    left.retain(|pid| ![session.file.pid, guardian].contains(pid));
    assert_eq!(left, NOTHING);
    session.exit().await;
    bystander.assert_alive();
}

#[tokio::test]
async fn ended_orphans_are_reaped() {
    let script = "for n in $(seq 100); do (sh -c ':' &); done; echo done; read -r x";
    let session = session(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "done").await;
    let own = session.file.pid;
    let children = || fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap();
    let start = Instant::now();
    while children().split_whitespace().count() > 1 {
        assert!(start.elapsed() < LONG, "not reaped: {}", children());
        tokio::task::yield_now().await;
    }
    stop(&mut conn, 0).await;
}

#[tokio::test]
async fn a_stop_ends_three_hundred_forking_processes() {
    // Each process forks at most 20,000 times, so that a failed test leaves no process for longer
    // than minutes.
    let script = "trap '' TERM HUP; for n in $(seq 300); do \
        (for m in {1..20000}; do (:); done) & done; echo storm; wait";
    let session = session(script).await;
    let mut bystander = Bystander::new();
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "storm").await;
    let exit = stop(&mut conn, 0).await;
    assert_eq!(exit.reason, "stopped");
    session.exit().await;
    wait_gone(session.file.guardian.as_ref().unwrap().pid);
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
    bystander.assert_alive();
}

#[tokio::test]
async fn a_stop_catches_a_fork_chain() {
    // Each process forks and ends at once; 100,000 generations at most.
    let script = "trap '' TERM HUP; next() { (( $1 > 100000 )) || next $(( $1 + 1 )) & exit; }; \
        for n in 1 2 3; do (next 0) & done; echo gone; read -r x";
    let session = session(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "gone").await;
    stop(&mut conn, 0).await;
    session.exit().await;
    // The parent ends afterwards.
    wait_gone(session.file.guardian.as_ref().unwrap().pid);
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
}

#[tokio::test]
async fn the_guardian_ends_a_killed_holders_processes() {
    let script = format!("{DAEMON} trap '' TERM HUP; echo ready; while :; do sleep 1; done");
    let session = session(&script).await;
    let mut bystander = Bystander::new();
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    let daemon = pid_in(&session, "daemon");
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    wait_gone(session.file.agent_pid);
    wait_gone(daemon);
    wait_gone(session.file.guardian.clone().unwrap().pid);
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
    bystander.assert_alive();
    assert!(session.log().contains("killed by signal 9"));
}

#[tokio::test]
async fn marking_a_session_lost_ends_its_processes() {
    let script = format!("{DAEMON} echo ready; read -r x");
    let session = session(&script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    let (dir, file) = (session.dir.clone(), session.file.clone());
    let mark_lost = move || folder::mark_lost(&dir, &file, "holder_lost").unwrap();
    tokio::task::spawn_blocking(mark_lost).await.unwrap();
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
}

#[tokio::test]
async fn the_agents_session_is_found_without_guardian() {
    let session = session("trap '' TERM HUP; echo ready; while :; do sleep 1; done").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    let guardian = session.file.guardian.clone().unwrap();
    kill(guardian.pid, Signal::KILL);
    wait_gone(guardian.pid);
    assert!(
        matches!(folder::inspect(&session.dir), Ok(State::Live(_))),
        "a holder needs no guardian"
    );
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    let (dir, file) = (session.dir.clone(), session.file.clone());
    let mark_lost = move || folder::mark_lost(&dir, &file, "holder_lost").unwrap();
    tokio::task::spawn_blocking(mark_lost).await.unwrap();
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
}

#[tokio::test]
async fn orphans_live_until_they_are_ended() {
    let session = session(&format!("{DAEMON} exit 0")).await;
    let exit = session.exit().await;
    assert_eq!((exit.code, exit.reason.as_str()), (Some(0), "exited"));
    let daemon = pid_in(&session, "daemon");
    assert!(is_alive(daemon), "an exit by itself ends no one else");
    let dir = session.dir.clone();
    let end = move || folder::end_orphans(&dir).unwrap();
    assert!(tokio::task::spawn_blocking(end.clone()).await.unwrap());
    assert!(!is_alive(daemon));
    assert_eq!(processes_of(session.tmp.path()), NOTHING);
    assert!(
        tokio::task::spawn_blocking(end).await.unwrap(),
        "idempotent"
    );
}

#[tokio::test]
async fn a_reused_guardian_pid_is_left_alone() {
    let session = session("exit 0").await;
    session.exit().await;
    wait_gone(session.file.guardian.clone().unwrap().pid);
    let mut bystander = Bystander::new();
    let path = session.dir.join("holder.json");
    let text = fs::read_to_string(&path).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&text).unwrap();
    file["guardian"]["pid"] = bystander.0.id().into();
    fs::write(&path, file.to_string()).unwrap();
    assert!(folder::end_orphans(&session.dir).unwrap());
    bystander.assert_alive();
}

//! Starts with a caller that goes away before the answer.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{
    io::pipe,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use support::*;
use wxcode_holder::folder::{self, HolderFile, State};
use wxcode_testbed::full_pipe;

fn begin(dir: &Path, stdout: Stdio) -> Child {
    Command::new(exe())
        .arg("hold")
        .arg(dir)
        .env_clear()
        .envs(env())
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The holder's file, once the agent runs.
fn file_in(dir: &Path) -> HolderFile {
    let until = Instant::now() + LONG;
    while Instant::now() < until {
        if let Ok(State::Live(file)) = folder::inspect(dir) {
            return file;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("no holder came up");
}

#[test]
fn an_abandoned_start_is_no_session() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    folder::write_spec(&dir, &spec(&["/bin/sleep", "1000"], tmp.path())).unwrap();
    let (caller, stdout) = full_pipe().unwrap();
    let mut launcher = begin(&dir, stdout.into());
    launcher.wait().unwrap();
    let file = file_in(&dir);
    // The folder looks like a running session, but the caller may be gone, and the start rolled
    // back.
    assert!(!folder::is_started(&dir, Instant::now()));
    drop(caller);
    assert!(folder::is_started(&dir, Instant::now() + LONG));
    assert_eq!(folder::inspect(&dir).unwrap(), State::Unfinished);
    assert!(!is_alive(file.agent_pid));
    wait_gone(file.pid);
}

#[tokio::test]
async fn a_session_that_runs_is_started() {
    let session = Session::shell("read -r").await;
    assert!(folder::is_started(&session.dir, Instant::now() + LONG));
    assert!(matches!(folder::inspect(&session.dir), Ok(State::Live(_))));
}

#[test]
fn no_agent_starts_for_a_gone_caller() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    let script = format!("touch {}/began", tmp.path().display());
    folder::write_spec(&dir, &spec(&["/bin/sh", "-c", &script], tmp.path())).unwrap();
    let (caller, stdout) = pipe().unwrap();
    drop(caller);
    begin(&dir, stdout.into()).wait().unwrap();
    assert!(folder::is_started(&dir, Instant::now() + LONG));
    let until = Instant::now() + LONG;
    while !no_process_of(&dir) {
        assert!(Instant::now() < until, "the holder runs on");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!tmp.path().join("began").exists());
    assert_eq!(folder::inspect(&dir).unwrap(), State::Unfinished);
}

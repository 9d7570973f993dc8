//! The start of a session, the isolation of the session's processes, and their complete end.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{fs, path::Path};
use wxcode_protocol::Output;

use rustix::process::Signal;
use support::*;
use wxcode_holder::{
    Failure, LaunchError,
    client::{Event, Request},
    folder::{self, State},
};

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn failure(argv: &[&str], cwd: Option<&str>) -> Failure {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    let mut spec = spec(argv, tmp.path());
    if let Some(cwd) = cwd {
        spec.cwd = cwd.into();
    }
    let error = try_start(&dir, &spec).await.unwrap_err();
    assert_eq!(names(&dir), ["spec.json"], "{error}");
    assert!(no_process_of(&dir));
    assert_eq!(folder::inspect(&dir).unwrap(), State::Unfinished);
    match error {
        LaunchError::Failed(failure) => failure,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_failed_start_is_rolled_back() {
    let missing = failure(&["/nowhere/agent"], None).await;
    assert!(
        matches!(missing, Failure::ProgramNotFound { .. }),
        "{missing}"
    );
    let missing = failure(&["no-such-program-anywhere"], None).await;
    assert!(
        matches!(missing, Failure::ProgramNotFound { .. }),
        "{missing}"
    );
    let plain = failure(&["/etc/passwd"], None).await;
    assert!(matches!(plain, Failure::NotExecutable { .. }), "{plain}");
    let cwd = failure(&["/bin/true"], Some("/nowhere/at/all")).await;
    assert!(matches!(cwd, Failure::CwdMissing { .. }), "{cwd}");
    // A single argument longer than the kernel allows: E2BIG.
    let exec = failure(&["/bin/true", &"x".repeat(200_000)], None).await;
    assert!(matches!(exec, Failure::Exec { errno: 7, .. }), "{exec}");
}

#[tokio::test]
async fn a_folder_is_used_once() {
    let session = Session::shell("read -r").await;
    let again = wxcode_holder::launch(exe(), &session.dir, env()).await;
    assert!(
        matches!(again, Err(LaunchError::Failed(Failure::Used))),
        "{again:?}"
    );
    assert!(matches!(folder::inspect(&session.dir), Ok(State::Live(_))));
}

#[tokio::test]
async fn the_agent_starts_with_a_clean_process() {
    // A file of the caller without close-on-exec.
    let leak = fs::File::open("/dev/null").unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let script = "stty -echo; echo files; ls -m /proc/$$/fd; echo mark $MARK; echo env $(env | wc -l); \
        echo pgrp $(cut -d' ' -f5,6,8 /proc/$$/stat) pid $$; tty; stty -a | tr ' ' '\\n' | grep utf8; \
        grep Sig /proc/self/status; echo end; read -r x";
    let session = Session::run(&["/bin/sh", "-c", script]).await;
    let mut conn = session.attach(Some(0)).await;
    let text = output_until(&mut conn, "end").await;
    let pid = session.file.agent_pid;
    assert!(text.contains("files\r\n0, 1, 2\r\n"), "{text}");
    assert!(text.contains("mark handed on"), "{text}");
    assert!(
        text.contains(&format!("pgrp {pid} {pid} {pid} pid {pid}")),
        "{text}"
    );
    assert!(text.contains("/dev/pts/"), "{text}");
    assert!(text.contains("\niutf8"), "{text}");
    for set in ["SigBlk:\t", "SigIgn:\t"] {
        let bits = text.split(set).nth(1).unwrap().get(..16).unwrap();
        // Signals 32 and 33 belong to the C library and cannot be set.
        let ours = u64::from_str_radix(bits, 16).unwrap() & !(3 << 31);
        assert_eq!(ours, 0, "{set} in {text}");
    }
    // The holder keeps no file of the caller, and is not the caller's child. Two of its files are
    // spare ones, for the end of a session without free descriptors.
    let files: Vec<_> = fs::read_dir(format!("/proc/{}/fd", session.file.pid))
        .unwrap()
        .map(|entry| fs::read_link(entry.unwrap().path()).unwrap())
        .collect();
    assert!(files.len() <= 11, "{files:?}");
    let status = fs::read_to_string(format!("/proc/{}/status", session.file.pid)).unwrap();
    assert!(!status.contains(&format!("PPid:\t{}\n", std::process::id())));
}

#[tokio::test]
async fn private_files_are_private_and_long_paths_work() {
    use std::os::unix::fs::PermissionsExt;
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp
        .path()
        .join("long".repeat(40))
        .join("session".repeat(10));
    let file = try_start(
        &dir,
        &spec(&["/bin/sh", "-c", "echo hi; read -r x"], tmp.path()),
    )
    .await
    .unwrap();
    let session = Session { tmp, dir, file };
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "hi").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&session.dir), 0o700);
    for name in names(&session.dir) {
        let path = session.dir.join(&name);
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{name}");
    }
}

#[tokio::test]
async fn a_stop_ends_processes_outside_the_group() {
    let script = "trap '' HUP TERM; \
        setsid -f sh -c 'trap \"\" TERM HUP; echo $$ > stray; while :; do sleep 1; done'; \
        while [ ! -s stray ]; do sleep 0.01; done; echo ready; while :; do sleep 1; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    let stray = fs::read_to_string(session.tmp.path().join("stray")).unwrap();
    let stray: i32 = stray.trim().parse().unwrap();
    assert!(is_alive(stray));
    conn.sender
        .send(Request::Stop { grace_ms: 200 })
        .await
        .unwrap();
    let exit = until(&mut conn, |event| match event {
        Event::Output(Output::Exited(exit)) => Some(exit),
        _ => None,
    })
    .await;
    assert_eq!((exit.signal, exit.reason.as_str()), (Some(9), "stopped"));
    assert!(!is_alive(stray) && !is_alive(session.file.agent_pid));
    assert_eq!(session.exit().await, exit);
}

#[tokio::test]
async fn only_sigterm_stops_the_holder() {
    let session = Session::shell("echo on; sleep 1000").await;
    for signal in [Signal::HUP, Signal::INT, Signal::PIPE] {
        kill(session.file.pid, signal);
    }
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    kill(session.file.pid, Signal::TERM);
    let exit = session.exit().await;
    assert_eq!(
        (exit.signal, exit.reason.as_str()),
        (Some(15), "terminated")
    );
}

#[tokio::test]
async fn a_grandchild_with_the_terminal_open_does_not_delay_the_exit() {
    // The process ignores the hang-up and keeps the slave, and ends when the test removes the file.
    let script = "trap '' HUP; sh -c 'trap \"\" HUP; echo $$ > stray; while [ -e stray ]; do sleep 0.02; done' & \
        while [ ! -s stray ]; do sleep 0.01; done; echo last; exit 5";
    let session = Session::shell(script).await;
    let exit = session.exit().await;
    assert_eq!(exit.code, Some(5));
    let stray_file = session.tmp.path().join("stray");
    let stray: i32 = fs::read_to_string(&stray_file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!(is_alive(stray), "an exit by itself ends no one else");
    fs::remove_file(stray_file).unwrap();
    wait_gone(stray);
}

#[tokio::test]
async fn a_killed_holders_session_is_lost() {
    // The agent ignores SIGTERM, so the agent still runs when the test looks, whatever the guardian
    // did.
    let script = "trap '' HUP TERM; echo on; while :; do sleep 1; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    // "on" and an end of line, after the batch was written.
    while wxcode_holder::log::end(&session.dir) < 4 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    let Ok(State::Lost(file)) = folder::inspect(&session.dir) else {
        panic!("{:?}", folder::inspect(&session.dir));
    };
    assert_eq!(file, session.file);
    assert!(is_alive(file.agent_pid));
    let (dir, again) = (session.dir.clone(), file.clone());
    let mark_lost = move || folder::mark_lost(&dir, &again, "holder_lost").unwrap();
    let exit = tokio::task::spawn_blocking(mark_lost.clone())
        .await
        .unwrap();
    assert_eq!((exit.reason.as_str(), exit.offset), ("holder_lost", 4));
    assert!(!is_alive(file.agent_pid));
    assert_eq!(
        tokio::task::spawn_blocking(mark_lost).await.unwrap(),
        exit,
        "idempotent"
    );
    assert_eq!(
        folder::inspect(&session.dir).unwrap(),
        State::Exited(Some(file), exit)
    );
}

#[tokio::test]
async fn a_reused_pid_is_left_alone() {
    let session = Session::shell("read -r").await;
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    let mut bystander = std::process::Command::new("sleep")
        .arg("1000")
        .spawn()
        .unwrap();
    let mut file = session.file.clone();
    file.agent_pid = bystander.id() as i32;
    file.agent_start_time -= 1; // the two may have started within one tick
    let dir = session.dir.clone();
    tokio::task::spawn_blocking(move || folder::mark_lost(&dir, &file, "holder_lost").unwrap())
        .await
        .unwrap();
    assert!(bystander.try_wait().unwrap().is_none(), "it lives");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    wait_gone(session.file.agent_pid);
}

#[tokio::test]
async fn a_fresh_holder_is_small() {
    let session = Session::shell("echo on; read -r").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", session.file.pid)).unwrap();
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Pss_Anon:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kib < 600, "{kib} KiB of its own");
}

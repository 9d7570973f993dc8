//! Machines with an older kernel, a strict filter of system calls, or low limits; a long life.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use support::*;
use wxcode_holder::{
    client::{Connection, Event, Request, connect},
    folder::{self, State},
    launch,
};
use wxcode_testbed::{binary, other_build};

/// `ENOSYS`: the kernel has no such call.
const ENOSYS: u32 = 38;
/// `EPERM`: a filter of system calls forbids it.
const EPERM: u32 = 1;
/// All calls since Linux 5.1, with the same numbers on all architectures.
const SINCE_5_1: (u32, u32) = (424, 480);
const CLOSE_RANGE: (u32, u32) = (436, 436);
const PIDFD_OPEN: (u32, u32) = (434, 434);

/// A script that runs the holder's program without these system calls.
fn without(folder: &Path, errno: u32, (first, last): (u32, u32), program: &Path) -> PathBuf {
    let script = folder.join(format!("without-{first}-{last}"));
    let launcher = binary::path("without-calls");
    let text = format!(
        "#!/bin/sh\nexec '{}' {errno} {first}-{last} '{}' \"$@\"\n",
        launcher.display(),
        program.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// A session whose holder and agent run without these system calls.
async fn session_without(errno: u32, calls: (u32, u32), script: &str) -> Session {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path().join("session");
    let spec = spec(&["/bin/bash", "-c", script], tmp.path());
    folder::write_spec(&dir, &spec).unwrap();
    let program = without(tmp.path(), errno, calls, exe());
    let file = launch(&program, &dir, env()).await.unwrap();
    Session { tmp, dir, file }
}

async fn stop(conn: &Connection) {
    let grace_ms = 100;
    conn.sender.send(Request::Stop { grace_ms }).await.unwrap();
}

/// A session runs without these calls. A stop also ends a descendant of the agent: a process in
/// another session, ignoring SIGTERM.
async fn works_without(errno: u32, calls: (u32, u32)) {
    let script = "trap '' TERM HUP; setsid sleep 1000 & echo $!; \
        echo open: $(ls /proc/self/fd | tr '\\n' ' '); read -r; echo \"got $REPLY\"; read -r";
    let session = session_without(errno, calls, script).await;
    let mut conn = session.attach(Some(0)).await;
    type_in(&conn, 1, "input\n").await;
    let output = output_until(&mut conn, "got input").await;
    // Standard input, output and error, and the list itself.
    assert!(output.contains("open: 0 1 2 3\r\n"), "{output}");
    let descendant: i32 = output.lines().next().unwrap().trim().parse().unwrap();
    assert!(is_alive(descendant));
    stop(&conn).await;
    let exit = session.exit().await;
    assert_eq!(exit.reason, "stopped");
    assert!(!is_alive(descendant), "log: {}", session.log());
}

#[tokio::test]
async fn a_session_needs_no_call_since_linux_5_1() {
    works_without(ENOSYS, SINCE_5_1).await;
}

#[tokio::test]
async fn a_session_runs_where_close_range_is_forbidden() {
    works_without(EPERM, CLOSE_RANGE).await;
}

#[tokio::test]
async fn a_session_runs_where_pidfd_open_is_forbidden() {
    works_without(EPERM, PIDFD_OPEN).await;
}

#[tokio::test]
async fn an_old_kernel_upgrades_a_session() {
    let session = session_without(ENOSYS, SINCE_5_1, "echo here; read -r; echo after").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "here").await;
    let newer = session.tmp.path().join("newer");
    let build = "wxcode 9.9.9";
    fs::write(&newer, other_build(exe(), folder::BUILD, build)).unwrap();
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    loop {
        let request = Request::Upgrade {
            build: build.to_owned(),
            program: newer.clone(),
        };
        conn.sender.send(request).await.unwrap();
        let refused = until(&mut conn, |event| match event {
            Event::Upgrading => Some(None),
            Event::UpgradeRefused { busy, reason } => Some(Some((busy, reason))),
            _ => None,
        });
        match refused.await {
            None => break,
            Some((busy, reason)) => assert!(busy, "{reason}, log: {}", session.log()),
        }
    }
    let mut conn = session.attach(None).await;
    assert_eq!(conn.welcome.build, build, "log: {}", session.log());
    type_in(&conn, 1, "\n").await;
    output_until(&mut conn, "after").await;
}

#[tokio::test]
async fn a_lost_session_ends_on_an_old_kernel() {
    let script = "trap '' TERM HUP; echo on; while :; do sleep 1; done";
    let session = session_without(ENOSYS, SINCE_5_1, script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    kill(session.file.pid, rustix::process::Signal::KILL);
    wait_gone(session.file.pid);
    let guardian = session.file.guardian.as_ref().unwrap().pid;
    tokio::task::spawn_blocking(move || wait_gone(guardian))
        .await
        .unwrap();
    assert!(!is_alive(session.file.agent_pid), "log: {}", session.log());
    assert!(matches!(folder::inspect(&session.dir), Ok(State::Lost(_))));
}

/// Limits a resource of the session's holder; the agent keeps its own limits.
fn limit(session: &Session, resource: Resource, current: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(current);
    let limits = Rlimit { current, maximum };
    prlimit(Pid::from_raw(session.file.pid), resource, limits).unwrap();
}

#[tokio::test]
async fn a_file_size_limit_turns_the_log_off() {
    let session = Session::shell("read -r; yes | head -n 100000; echo on; read -r; exit 7").await;
    limit(&session, Resource::Fsize, 64 << 10);
    let mut conn = session.attach(Some(0)).await;
    type_in(&conn, 1, "\n").await;
    output_until(&mut conn, "on\r\n").await;
    conn.sender.send(Request::Info).await.unwrap();
    let info = until(&mut conn, |event| match event {
        Event::Info(info) => Some(info),
        _ => None,
    })
    .await;
    let reason = info.log_off.unwrap();
    assert!(reason.contains("a write failed"), "{reason}");
    type_in(&conn, 2, "\n").await;
    assert_eq!(session.exit().await.code, Some(7));
}

#[tokio::test]
async fn an_agent_keeps_the_signal_of_its_file_size() {
    let script = "ulimit -f 1; head -c 100000 /dev/zero >big; echo \"status $?\"; read -r";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    // 128 and SIGXFSZ.
    output_until(&mut conn, "status 153").await;
}

/// Time of a process on a processor so far.
fn cpu_time(pid: i32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10) // 100 ticks a second
}

#[tokio::test]
async fn a_holder_without_descriptors_rests() {
    let session = Session::shell("echo on; read -r; exit 7").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    let pid = session.file.pid;
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    limit(&session, Resource::Nofile, open);
    // Waits to be accepted.
    let waiting = UnixStream::connect(session.dir.join("holder.sock")).unwrap();
    let before = cpu_time(pid);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let used = cpu_time(pid) - before;
    assert!(used < Duration::from_millis(400), "{used:?} of 2 s");
    // The holder serves the connections within the bound, and new connections once there is room.
    drop(waiting);
    limit(&session, Resource::Nofile, 1024);
    let second = connect(&session.dir).await.unwrap();
    drop(second);
    type_in(&conn, 1, "\n").await;
    assert_eq!(session.exit().await.code, Some(7));
}

#[tokio::test]
async fn a_stop_without_descriptors_ends_everything() {
    let script = "trap '' TERM HUP; setsid sleep 1000 & echo \"pid $! on\"; read -r";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    let output = output_until(&mut conn, " on").await;
    let descendant: i32 = output.split(' ').nth(1).unwrap().parse().unwrap();
    // The holder can open a file, the list of processes for one, only with a freed descriptor
    // number.
    let pid = session.file.pid;
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
    limit(&session, Resource::Nofile, open);
    stop(&conn).await;
    session.exit().await;
    assert!(!is_alive(descendant), "log: {}", session.log());
}

#[tokio::test]
async fn deliveries_go_on_after_65536() {
    const MANY: usize = (1 << 16) + 8;
    let session = Session::shell("stty raw -echo; exec cat >/dev/null").await;
    let mut conn = session.connect().await;
    let deliver = |n: usize| Request::Deliver {
        key: format!("key {n}"),
        bytes: Bytes::from_static(b"x"),
    };
    for from in (0..MANY).step_by(512) {
        let batch = from..(from + 512).min(MANY);
        for n in batch.clone() {
            conn.sender.send(deliver(n)).await.unwrap();
        }
        for _ in batch {
            until(&mut conn, |event| match event {
                Event::Delivered { fresh, key } => {
                    assert!(fresh, "{key}");
                    Some(())
                }
                Event::DeliverRefused { key, reason } => panic!("{key}: {reason}"),
                _ => None,
            })
            .await;
        }
    }
    // The newest keys are known.
    conn.sender.send(deliver(MANY - 1)).await.unwrap();
    until(&mut conn, |event| match event {
        Event::Delivered { fresh, .. } => {
            assert!(!fresh);
            Some(())
        }
        _ => None,
    })
    .await;
}

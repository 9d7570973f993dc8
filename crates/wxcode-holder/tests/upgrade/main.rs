//! A holder becomes another program: the same process, agent, bytes and exit; and refused upgrades.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fallback;
mod input;
mod moment;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use wxcode_protocol::Output;

use bytes::Bytes;
use rustix::process::Signal;
use support::*;
use wxcode_holder::{
    client::{Connection, Event, Info, ProgramState, Request, connect},
    folder::{self, State},
    hook,
};
use wxcode_terminal::Size;
use wxcode_testbed::other_build;

/// The build of the test's program, and another build.
const BUILDS: (&str, &str) = (folder::BUILD, "wxcode 9.9.9");

/// The holder's program as another build.
fn newer(folder: &Path) -> PathBuf {
    let bytes = other_build(exe(), BUILDS.0, BUILDS.1);
    executable(folder, "newer", &bytes)
}

fn executable(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn script(folder: &Path, text: &str) -> PathBuf {
    executable(
        folder,
        "candidate",
        format!("#!/bin/bash\n{text}\n").as_bytes(),
    )
}

async fn ask(conn: &mut Connection, build: &str, program: &Path) -> Result<(), (bool, String)> {
    let request = Request::Upgrade {
        build: build.to_owned(),
        program: program.to_owned(),
    };
    conn.sender.send(request).await.unwrap();
    until(conn, |event| match event {
        Event::Upgrading => Some(Ok(())),
        Event::UpgradeRefused { busy, reason } => Some(Err((busy, reason))),
        _ => None,
    })
    .await
}

/// Upgrades to a program, at the first suitable moment.
async fn upgrade(session: &Session, build: &str, program: &Path) -> Info {
    let before = session.connect().await.welcome;
    loop {
        let mut conn = session.connect().await;
        match ask(&mut conn, build, program).await {
            Ok(()) => break,
            Err((busy, reason)) => assert!(busy, "{reason}, log: {}", session.log()),
        }
    }
    let welcome = session.connect().await.welcome;
    assert_eq!(welcome.build, build, "log: {}", session.log());
    let info = welcome.info;
    assert_eq!(info.upgrades, before.info.upgrades + 1);
    assert_eq!(info.holder_pid, before.info.holder_pid);
    assert_eq!(info.agent_pid, before.info.agent_pid);
    info
}

async fn info(session: &Session) -> Info {
    session.connect().await.welcome.info
}

/// A snapshot of the present screen.
async fn screen(session: &Session) -> (Bytes, String, u64) {
    let mut conn = session.connect().await;
    let request = Request::Screen { id: 1 };
    conn.sender.send(request).await.unwrap();
    until(&mut conn, |event| match event {
        Event::Screen {
            snapshot,
            text,
            offset,
            ..
        } => Some((snapshot, text, offset)),
        _ => None,
    })
    .await
}

/// Waits until the agent is quiet after this text.
async fn rests(session: &Session, text: &str) {
    let begun = Instant::now();
    let mut conn = session.connect().await;
    let events = Request::Events { since: 0 };
    conn.sender.send(events).await.unwrap();
    loop {
        until(&mut conn, |event| {
            matches!(event, Event::Quiet { .. }).then_some(())
        })
        .await;
        if screen(session).await.1.contains(text) {
            return;
        }
        assert!(begun.elapsed() < LONG, "{text} is not there");
    }
}

/// The next report about the agent's status of a new connection, with its number.
async fn status(session: &Session) -> (u64, ProgramState) {
    let mut conn = session.connect().await;
    let events = Request::Events { since: 0 };
    conn.sender.send(events).await.unwrap();
    until(&mut conn, |event| match event {
        Event::Status { number, status, .. } => Some((number, status.state)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn an_upgrade_keeps_the_newest_report() {
    let session = Session::shell(
        "printf '\\e]7501;state=blocked\\aone\\e]7501;state=wor'; read -r; \
         printf 'king\\e\\\\two'; read -r; exit 7",
    )
    .await;
    rests(&session, "one").await;
    let program = newer(session.tmp.path());
    let before = upgrade(&session, BUILDS.1, &program).await;
    assert_eq!(status(&session).await, (1, ProgramState::Blocked));
    let mut conn = session.attach(Some(before.end)).await;
    // The terminal's echo of the key falls into the report.
    type_in(&conn, 1, "\n").await;
    assert_eq!(output_until(&mut conn, "two").await, "two");
    assert_eq!(status(&session).await, (2, ProgramState::Working));
}

#[tokio::test]
async fn an_upgrade_keeps_process_agent_and_screen() {
    let session = Session::shell(
        "printf '\\e]0;title\\a\\e[?1049h\\e[2;5r\\e[1;31m日本\\e7\\e]8;;http://x/\\e\\\\link\\e[3'; read -r line; printf '5mgot %s' \"$line\"; read -r _; exit 7",
    )
    .await;
    rests(&session, "日本link").await;
    let (snapshot, ..) = screen(&session).await;
    let program = newer(session.tmp.path());
    let now = upgrade(&session, BUILDS.1, &program).await;
    assert_eq!(screen(&session).await.0, snapshot);
    assert_eq!(now.agent_pid, session.file.agent_pid);
    let State::Live(file) = folder::inspect(&session.dir).unwrap() else {
        panic!("it runs");
    };
    assert_eq!(file.build, BUILDS.1);
    assert_eq!(
        (file.pid, file.start_time),
        (session.file.pid, session.file.start_time)
    );
    assert_eq!(file.guardian, session.file.guardian);
    assert_eq!(file.started_at, session.file.started_at);

    // The unfinished sequence is completed, and input arrives.
    let mut conn = session.attach(Some(now.end)).await;
    type_in(&conn, 1, "a line\r").await;
    let text = output_until(&mut conn, "got a line").await;
    assert!(text.contains("5mgot"), "{text:?}");
    assert!(screen(&session).await.1.contains("got a line"));
    // Back to the first build.
    upgrade(&session, BUILDS.0, exe()).await;
    let conn = session.connect().await;
    type_in(&conn, 1, "\r").await;
    let exit = session.exit().await;
    assert_eq!((exit.code, exit.reason.as_str()), (Some(7), "exited"));
    assert!(
        session.log().contains("continues with"),
        "{}",
        session.log()
    );
}

#[tokio::test]
async fn an_upgrade_leaks_no_file_or_memory() {
    let session = Session::shell("printf ready; read -r _").await;
    rests(&session, "ready").await;
    let pid = session.file.pid;
    let open = || {
        let folder = fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
        let mut names: Vec<_> = folder
            .flatten()
            .filter_map(|entry| fs::read_link(entry.path()).ok())
            .map(|path| path.to_string_lossy().into_owned())
            // Connections come and go.
            .filter(|name| !name.starts_with("socket:") && !name.contains("/proc/"))
            .collect();
        names.sort();
        names
    };
    let before = open();
    let status = |field: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find(|line| line.starts_with(field));
        line.unwrap().to_owned()
    };
    let fields = ["SigBlk", "SigIgn", "PPid", "NSsid", "Umask"].map(status);
    let program = newer(session.tmp.path());
    for (build, program) in [(BUILDS.1, &*program), (BUILDS.0, exe())] {
        upgrade(&session, build, program).await;
        assert_eq!(open(), before);
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
        assert!(!maps.contains("memfd"), "{maps}");
        assert_eq!(
            ["SigBlk", "SigIgn", "PPid", "NSsid", "Umask"].map(status),
            fields
        );
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
        assert_eq!(name.trim(), "wxcode-holder");
    }
    // The agent has no open file of the holder.
    let agent = fs::read_dir(format!("/proc/{}/fd", session.file.agent_pid)).unwrap();
    assert!(agent.count() <= 4);
}

#[tokio::test]
async fn twenty_upgrades_lose_no_byte() {
    let session = Session::shell(
        "n=0; while [ ! -e stop ]; do n=$((n+1)); echo \"line $n\"; [ $((n % 50)) = 0 ] && sleep 0.01; done; echo end; exit 3",
    )
    .await;
    let programs = [newer(session.tmp.path()), exe().to_owned()];
    let dir = session.dir.clone();
    let reader = tokio::spawn(async move {
        let mut seen: Vec<u8> = Vec::new();
        loop {
            let Ok(mut conn) = connect(&dir).await else {
                // The holder records the end before removing the socket.
                return seen;
            };
            let attach = Request::Attach {
                since: Some(seen.len() as u64),
                history: 0,
            };
            if conn.sender.send(attach).await.is_err() {
                continue;
            }
            loop {
                match conn.receiver.next().await {
                    Ok(Some(Event::Output(Output::Output { offset, bytes }))) => {
                        assert_eq!(offset, seen.len() as u64, "a gap");
                        seen.extend_from_slice(&bytes);
                    }
                    Ok(Some(Event::Output(Output::Exited(_)))) => return seen,
                    Ok(Some(Event::Output(Output::Snapshot { .. }))) => panic!("bytes were due"),
                    Ok(Some(_)) => {}
                    Ok(None) | Err(_) => break,
                }
            }
        }
    });
    for n in 0..20 {
        let build = [BUILDS.1, BUILDS.0][n % 2];
        upgrade(&session, build, &programs[n % 2]).await;
    }
    assert_eq!(info(&session).await.upgrades, 20);
    fs::write(session.tmp.path().join("stop"), "").unwrap();
    let exit = session.exit().await;
    assert_eq!((exit.code, exit.reason.as_str()), (Some(3), "exited"));
    let seen = tokio::time::timeout(LONG, reader).await.unwrap().unwrap();
    assert_eq!(exit.offset, seen.len() as u64);
    let text = String::from_utf8(seen).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[lines.len() - 2], "end");
    for (n, line) in lines[..lines.len() - 2].iter().enumerate() {
        assert_eq!(*line, format!("line {}", n + 1));
    }
    // The log has the same bytes, without a gap.
    let logged: Vec<u8> = wxcode_holder::log::Reader::open(&session.dir)
        .unwrap()
        .map(|item| match item {
            wxcode_holder::log::Item::Record(record) => record.what,
            gap => panic!("{gap:?}"),
        })
        .filter_map(|what| match what {
            wxcode_holder::log::What::Output(bytes) => Some(bytes.to_vec()),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(logged, text.as_bytes());
}

#[tokio::test]
async fn hook_and_size_numbers_continue() {
    let session =
        Session::shell("printf ready; trap 'stty size' WINCH; while :; do sleep 0.02; done").await;
    rests(&session, "ready").await;
    let hook_file = session.dir.join("hook.json");
    let report = |text: &'static str| {
        let hook_file = hook_file.clone();
        tokio::task::spawn_blocking(move || hook::report(&hook_file, text.as_bytes()))
    };
    report("one").await.unwrap().unwrap();
    let conn = session.connect().await;
    let size = Size::new(91, 31).unwrap();
    conn.sender.send(Request::Resize { size }).await.unwrap();
    while info(&session).await.size != size {
        tokio::task::yield_now().await;
    }
    rests(&session, "31 91").await;
    let program = newer(session.tmp.path());
    let now = upgrade(&session, BUILDS.1, &program).await;
    assert_eq!((now.size, now.next_hook_seq), (size, 2));
    report("two").await.unwrap().unwrap();
    let mut conn = session.connect().await;
    let attach = Request::Attach {
        since: Some(0),
        history: 0,
    };
    conn.sender.send(attach).await.unwrap();
    let changed = until(&mut conn, |event| match event {
        Event::Output(Output::Resized { size, .. }) => Some(size),
        _ => None,
    })
    .await;
    assert_eq!(changed, size, "the change is told where it happened");
    conn.sender
        .send(Request::Events { since: 1 })
        .await
        .unwrap();
    for (n, expected) in [(1, "one"), (2, "two")] {
        let payload = until(&mut conn, |event| match event {
            Event::Hook { seq, payload, .. } if seq == n => Some(payload),
            _ => None,
        })
        .await;
        assert_eq!(payload, expected.as_bytes());
    }
    let size = Size::new(70, 20).unwrap();
    conn.sender.send(Request::Resize { size }).await.unwrap();
    rests(&session, "20 70").await;
}

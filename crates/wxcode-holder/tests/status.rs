//! The agent's reports about its status, by OSC 7501.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::time::{Duration, Instant};

use support::*;
use wxcode_holder::{
    client::{BlockKind, Connection, Event, ProgramState, ProgramStatus, Request},
    hook,
};

/// A connection with events from the first hook on.
async fn events(session: &Session) -> Connection {
    let conn = session.connect().await;
    let request = Request::Events { since: 0 };
    conn.sender.send(request).await.unwrap();
    conn
}

/// The next report: its number, the next hook after the report, the offset, and the status.
async fn report(conn: &mut Connection) -> (u64, u64, u64, ProgramStatus) {
    until(conn, |event| match event {
        Event::Status {
            number,
            next_hook_seq,
            offset,
            status,
        } => Some((number, next_hook_seq, offset, status)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn queries_are_answered_in_stream_order() {
    let session = Session::shell(
        "stty raw -echo; printf '\\e[6n\\e]7501;?\\a\\e[5n\\e]7501;?\\e\\\\'; \
         head -c 30 | tr '\\033' E; printf done; sleep 1000",
    )
    .await;
    let mut conn = session.attach(Some(0)).await;
    let output = output_until(&mut conn, "done").await;
    assert_eq!(
        output, "\x1b[6n\x1b[5nE[1;1RE]7501;?E\\E[0nE]7501;?E\\done",
        "no client sees the query"
    );
}

#[tokio::test]
async fn reports_reach_servers_and_no_viewer() {
    let session = Session::shell(
        "printf 'one\\e]7501;state=blo'; sleep 0.3; \
         printf 'cked:app=claude-code:kind=permission:msg=dHJ1c3Q=\\e'; sleep 0.3; printf '\\\\two'; \
         read -r; printf '\\e]7501;state=idle\\athree'; read -r; sleep 1000",
    )
    .await;
    let mut server = events(&session).await;
    let trust = ProgramStatus {
        state: ProgramState::Blocked,
        kind: Some(BlockKind::Permission),
        message: "trust".into(),
    };
    assert_eq!(report(&mut server).await, (1, 1, 3, trust));
    let mut viewer = session.attach(Some(0)).await;
    assert_eq!(output_until(&mut viewer, "two").await, "onetwo");
    let file = session.dir.join("hook.json");
    tokio::task::spawn_blocking(move || hook::report(&file, b"{}").unwrap())
        .await
        .unwrap();
    type_in(&viewer, 1, "\n").await;
    let (number, next, offset, status) = report(&mut server).await;
    assert_eq!((number, next, status.state), (2, 2, ProgramState::Idle));
    let echoed = "onetwo\r\n".len() as u64;
    assert_eq!(offset, echoed);
    // Another server gets the newest report, after the earlier hooks.
    let mut adopting = events(&session).await;
    let first = until(&mut adopting, |event| match event {
        Event::Hook { seq, .. } => Some(Ok(seq)),
        Event::Status { number, .. } => Some(Err(number)),
        _ => None,
    })
    .await;
    assert_eq!(first, Ok(1));
    assert_eq!(report(&mut adopting).await.0, 2);
    let log = session.dir.join("log");
    for file in std::fs::read_dir(log).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(4).any(|window| window == b"7501"));
    }
}

#[tokio::test]
async fn hostile_reports_reach_nobody() {
    let session = Session::shell(
        "printf 'a\\e]7501;state=idle:msg='; head -c 5000000 /dev/zero | tr '\\0' A; \
         printf '\\ab\\e]7501;state=asleep\\ac\\e]7501;state=idle:msg=***\\ad\\e]7501;state=idle\\x18'; \
         printf '\\e]7501;state=idle:id=sub\\ae\\e]7501;state=working\\af'; read -r; printf '\\e]75'",
    )
    .await;
    let mut server = events(&session).await;
    let (number, _, offset, status) = report(&mut server).await;
    assert_eq!(
        (number, offset, status.state),
        (1, 5, ProgramState::Working)
    );
    let mut viewer = session.attach(Some(0)).await;
    assert_eq!(output_until(&mut viewer, "f").await, "abcdef");
    // The agent ends within a sequence: its last bytes are there.
    type_in(&viewer, 1, "\n").await;
    let (rest, exit) = to_the_end(&mut viewer, 6).await;
    assert_eq!(rest, b"\r\n\x1b]75");
    assert_eq!(exit.offset, 12);
}

#[tokio::test]
async fn a_flood_of_reports_is_coalesced() {
    let session = Session::shell(
        "read -r; for i in $(seq 20000); do \
         printf '\\e]7501;state=idle\\a\\e]7501;state=working\\a'; done; \
         printf '\\e]7501;state=done\\a'; read -r",
    )
    .await;
    let mut server = events(&session).await;
    type_in(&server, 1, "\n").await;
    let begun = Instant::now();
    let (mut received, mut newest) = (0, 0);
    while newest < 40_001 {
        let (number, _, _, status) = report(&mut server).await;
        assert!(number > newest);
        (received, newest) = (received + 1, number);
        assert_eq!(status.state == ProgramState::Done, newest == 40_001);
    }
    let most = begun.elapsed().as_millis() / Duration::from_millis(50).as_millis() + 2;
    assert!(received <= most, "{received} of {most}");
}

//! Output reaches every client whole, in order, at its offset.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::io::Write;
use wxcode_protocol::Output;

use support::*;
use wxcode_holder::{
    client::{Event, Request},
    folder,
};
use wxcode_terminal::Size;

#[tokio::test]
async fn the_exit_follows_the_last_byte() {
    let session = Session::shell("read -r; head -c 1048576 /dev/zero | tr '\\0' x; exit 7").await;
    let mut conn = session.attach(Some(0)).await;
    type_in(&conn, 1, "\n").await;
    let (seen, exit) = to_the_end(&mut conn, 0).await;
    assert_eq!(seen.iter().filter(|b| **b == b'x').count(), 1 << 20);
    assert_eq!(
        (exit.code, exit.signal, exit.reason.as_str()),
        (Some(7), None, "exited")
    );
    assert_eq!(exit.offset, seen.len() as u64);
    assert_eq!(session.exit().await, exit);
    let screen = folder::last_screen(&session.dir).unwrap();
    assert!(String::from_utf8_lossy(&screen).contains("xxxx"));
}

#[tokio::test]
async fn the_exit_names_the_signal() {
    let session = Session::shell("kill -SEGV $$").await;
    let exit = session.exit().await;
    assert_eq!(
        (exit.code, exit.signal, exit.reason.as_str()),
        (None, Some(11), "signaled")
    );
}

#[tokio::test]
async fn output_resumes_at_the_byte() {
    let session = Session::shell("read -r; seq 1 2000; read -r; echo rest; read -r").await;
    let mut conn = session.attach(Some(0)).await;
    type_in(&conn, 1, "\n").await;
    drop(output_until(&mut conn, "\n10\r\n").await);
    drop(conn);
    // A second connection from 0 receives the whole stream for comparison.
    let mut whole = session.attach(Some(0)).await;
    let all = output_until(&mut whole, "\n2000\r\n").await;
    let since = 137;
    let mut conn = session.attach(Some(since)).await;
    let rest = output_until(&mut conn, "\n2000\r\n").await;
    assert_eq!(rest, all[since as usize..]);
    type_in(&conn, 2, "\n").await;
    assert!(output_until(&mut conn, "rest\r\n").await.contains("rest"));
}

#[tokio::test]
async fn a_snapshot_and_later_output_draw_the_screen() {
    use wxcode_terminal::{Screen, Terminal};
    let session =
        Session::shell("printf '\\033[31mred\\033[0m one\\r\\n'; read -r; seq 1 50; exit 0").await;
    let mut first = session.attach(Some(0)).await;
    let mut stream = output_until(&mut first, "one").await.into_bytes();
    let mut second = session.attach(None).await;
    let (offset, size, bytes) = until(&mut second, |event| match event {
        Event::Output(Output::Snapshot {
            offset,
            size,
            bytes,
        }) => Some((offset, size, bytes)),
        _ => None,
    })
    .await;
    let mut restored = Terminal::new(size);
    let mut replies = Vec::new();
    restored.feed(&bytes, &mut replies);
    type_in(&second, 1, "\n").await;
    let (rest, _) = to_the_end(&mut second, offset).await;
    restored.feed(&rest, &mut replies);

    stream.extend(to_the_end(&mut first, stream.len() as u64).await.0);
    let mut direct = Terminal::new(size);
    direct.feed(&stream, &mut replies);
    assert_eq!(restored.text(), direct.text());
    assert_eq!(restored.cursor(), direct.cursor());
    assert!(direct.text().trim_end().ends_with("50"));
}

#[tokio::test]
async fn a_dropped_offset_gives_a_snapshot() {
    let session = Session::shell("head -c 3000000 /dev/zero | tr '\\0' x; read -r").await;
    let mut watch = session.connect().await;
    watch
        .sender
        .send(Request::Events { since: 1 })
        .await
        .unwrap();
    until(&mut watch, |event| {
        matches!(
            event,
            Event::Quiet {
                offset: 3_000_000,
                ..
            }
        )
        .then_some(())
    })
    .await;
    std::fs::remove_dir_all(session.dir.join("log")).unwrap();
    for since in [5, 3_000_001] {
        let mut conn = session.attach(Some(since)).await;
        let offset = until(&mut conn, |event| match event {
            Event::Output(Output::Snapshot { offset, .. }) => Some(offset),
            Event::Output(Output::Output { .. }) => panic!("output without a snapshot"),
            _ => None,
        })
        .await;
        assert_eq!(offset, 3_000_000);
    }
}

/// The private dirty memory of a process in bytes, so that pages of the program count as no growth.
fn private_memory(pid: i32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = rollup
        .lines()
        .find(|line| line.starts_with("Private_Dirty:"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib << 10
}

/// Runs a session that prints 64 MiB; returns the offset of the end and the holder's memory.
async fn print_much(session: &Session) -> (u64, u64) {
    let mut watch = session.connect().await;
    watch
        .sender
        .send(Request::Events { since: 1 })
        .await
        .unwrap();
    type_in(&watch, 1, "\n").await;
    let end = until(&mut watch, |event| match event {
        Event::Quiet { offset, .. } if offset > 64 << 20 => Some(offset),
        _ => None,
    })
    .await;
    assert!(session.tmp.path().join("printed").exists());
    (end, private_memory(session.file.pid))
}

#[tokio::test]
async fn a_stalled_client_stalls_no_other() {
    let script =
        "read -r; head -c 67108864 /dev/zero | tr '\\0' x; echo; echo done; touch printed; read -r";
    let (_, without) = print_much(&Session::shell(script).await).await;
    let session = Session::shell(script).await;
    let mut stuck = session.attach(Some(0)).await;
    // `stuck` reads nothing until the agent has written everything.
    let (end, with) = print_much(&session).await;
    assert!(
        with < without + (2 << 20),
        "{with} bytes with a stuck client, {without} without"
    );
    let mut received = 0;
    let offset = until(&mut stuck, |event| match event {
        Event::Output(Output::Output { bytes, .. }) => {
            received += bytes.len();
            None
        }
        Event::Output(Output::Snapshot { offset, bytes, .. }) => {
            assert!(String::from_utf8_lossy(&bytes).contains("done"));
            Some(offset)
        }
        _ => None,
    })
    .await;
    assert_eq!(offset, end);
    assert!(received < 1 << 20, "{received} bytes were queued");
}

#[tokio::test]
async fn a_resize_has_its_signal_and_offset() {
    let script = "trap 'stty size' WINCH; echo ready; while :; do read -r -t 0.05; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready\r\n").await;
    let size = |cols, rows| Request::Resize {
        size: Size::new(cols, rows).unwrap(),
    };
    for request in [size(100, 30), size(101, 31), size(102, 32)] {
        conn.sender.send(request).await.unwrap();
    }
    let mut sizes = Vec::new();
    let mut text = String::new();
    until(&mut conn, |event| {
        match event {
            Event::Output(Output::Resized { size, .. }) => sizes.push((size.cols, size.rows)),
            Event::Output(Output::Output { bytes, .. }) => text += &String::from_utf8_lossy(&bytes),
            _ => {}
        }
        text.contains("32 102").then_some(())
    })
    .await;
    assert_eq!(sizes, [(100, 30), (102, 32)], "the newest of a time");
    assert!(!text.contains("31 101"));
}

#[tokio::test]
async fn the_screen_is_shown_on_request() {
    let session = Session::shell("printf '\\033]0;a title\\007hello'; read -r").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "hello").await;
    conn.sender.send(Request::Screen { id: 9 }).await.unwrap();
    let (offset, text) = until(&mut conn, |event| match event {
        Event::Screen {
            id: 9,
            offset,
            text,
            ..
        } => Some((offset, text)),
        _ => None,
    })
    .await;
    assert!(text.contains("hello"));
    assert!(offset > 0);
    conn.sender.send(Request::Info).await.unwrap();
    let info = until(&mut conn, |event| match event {
        Event::Info(info) => Some(info),
        _ => None,
    })
    .await;
    assert_eq!((info.agent_pid, info.end), (session.file.agent_pid, offset));
}

#[tokio::test]
async fn only_the_malformed_client_is_disconnected() {
    let session = Session::shell("echo there; read -r").await;
    let path = session.dir.join("holder.sock");
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 64],
        &[0, 0, 0, 1, 3, 0],
    ] {
        let mut raw = std::os::unix::net::UnixStream::connect(&path).unwrap();
        raw.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        raw.set_read_timeout(Some(LONG)).unwrap();
        // The connection is closed, with or without unread bytes.
        let _ = std::io::Read::read_to_end(&mut raw, &mut answer);
        assert!(!answer.is_empty(), "it says why");
    }
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "there").await;
}

/// The next snapshot: its offset and bytes.
async fn snapshot(conn: &mut wxcode_holder::client::Connection) -> (u64, bytes::Bytes) {
    until(conn, |event| match event {
        Event::Output(Output::Snapshot { offset, bytes, .. }) => Some((offset, bytes)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_redraw_has_the_requested_history() {
    let session = Session::shell("seq 1 500; echo done; read -r; seq 501 503; read -r").await;
    let mut first = session.attach(Some(0)).await;
    output_until(&mut first, "done").await;
    let mut conn = session.connect().await;
    let redraw = |history| Request::Redraw { history };
    conn.sender.send(redraw(0)).await.unwrap();
    let (offset, screen) = snapshot(&mut conn).await;
    let text = String::from_utf8_lossy(&screen).into_owned();
    assert!(text.contains("480") && !text.contains("\n101\r"), "{text}");
    // On a connection with an earlier snapshot, with more history.
    conn.sender.send(redraw(1 << 20)).await.unwrap();
    let (again, whole) = snapshot(&mut conn).await;
    assert_eq!(again, offset);
    let text = String::from_utf8_lossy(&whole).into_owned();
    assert!(text.contains("\n101\r"), "{text}");
    type_in(&conn, 1, "\n").await;
    let rest = output_until(&mut conn, "503").await;
    assert!(rest.starts_with("\r\n501"), "{rest:?}");
}

#[tokio::test]
async fn output_before_a_redraw_is_not_skipped() {
    let session = Session::shell("stty -echo; echo on; read -r; printf 'copy'; read -r").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    let redraw = Request::Redraw { history: 0 };
    conn.sender.send(redraw.clone()).await.unwrap();
    let (offset, _) = snapshot(&mut conn).await;
    // The next snapshot is due 100 ms after the first: the agent writes meanwhile.
    conn.sender.send(redraw).await.unwrap();
    type_in(&conn, 1, "\n").await;
    let mut written = Vec::new();
    let redrawn = until(&mut conn, |event| match event {
        Event::Output(Output::Output { bytes, .. }) => {
            written.extend_from_slice(&bytes);
            None
        }
        Event::Output(Output::Snapshot { offset, .. }) => Some(offset),
        _ => None,
    })
    .await;
    assert_eq!(redrawn, offset + written.len() as u64, "{written:?}");
}

#[tokio::test]
async fn a_snapshot_waits_briefly_for_an_update() {
    // Half a frame, the rest on request, and another half.
    let script = "stty -echo; printf '\\033[?2026hhalf'; echo on; read -r; sleep 0.01; \
        printf 'whole\\033[?2026l'; read -r; printf '\\033[?2026hstuck'; read -r";
    let session = Session::shell(script).await;
    let mut first = session.attach(Some(0)).await;
    output_until(&mut first, "on").await;
    let mut conn = session.connect().await;
    conn.sender
        .send(Request::Redraw { history: 0 })
        .await
        .unwrap();
    type_in(&conn, 1, "\n").await;
    let (_, screen) = snapshot(&mut conn).await;
    let text = String::from_utf8_lossy(&screen).into_owned();
    assert!(text.contains("whole"), "{text:?}");
    type_in(&conn, 2, "\n").await;
    output_until(&mut first, "stuck").await;
    let mut late = session.connect().await;
    late.sender
        .send(Request::Redraw { history: 0 })
        .await
        .unwrap();
    let (_, screen) = snapshot(&mut late).await;
    let text = String::from_utf8_lossy(&screen).into_owned();
    assert!(
        text.contains("stuck") && text.contains("\x1b[?2026h"),
        "{text:?}"
    );
}

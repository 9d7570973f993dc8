//! What is typed arrives whole, in order, once.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use bytes::Bytes;
use support::*;
use wxcode_holder::client::{Connection, Event, Request, Signal};

fn deliver(key: &str, text: &str) -> Request {
    Request::Deliver {
        key: key.into(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

async fn delivered(conn: &mut Connection) -> (String, bool) {
    until(conn, |event| match event {
        Event::Delivered { key, fresh } => Some((key, fresh)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn an_interrupt_ends_a_cooked_sleep() {
    let session = Session::shell("echo on; sleep 1000; echo \"status $?\"").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    type_in(&conn, 1, "\x03").await;
    let exit = until(&mut conn, |event| match event {
        Event::Exited(exit) => Some(exit),
        _ => None,
    })
    .await;
    assert_eq!(
        exit.signal,
        Some(2),
        "typed Ctrl+C reaches the foreground group"
    );
}

#[tokio::test]
async fn a_signal_is_not_stuck_behind_a_paste() {
    // Raw and never reading: the paste fills the terminal and stays.
    let script = "trap 'echo interrupted; exit 3' INT; stty raw -echo; echo on; while :; do sleep 0.05; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    type_in(&conn, 1, &"x".repeat(1 << 20)).await;
    let signal = Signal::Interrupt;
    conn.sender.send(Request::Signal { signal }).await.unwrap();
    let mut refused = None;
    let exit = until(&mut conn, |event| match event {
        Event::InputTaken { .. } => panic!("no one read it"),
        Event::InputRefused { seq, .. } => {
            refused = Some(seq);
            None
        }
        Event::Exited(exit) => Some(exit),
        _ => None,
    })
    .await;
    assert_eq!(exit.code, Some(3));
    assert_eq!(
        refused,
        Some(1),
        "what was not typed is refused, never dropped"
    );
}

#[tokio::test]
async fn a_mebibyte_arrives_whole_at_a_slow_reader_and_is_not_mixed() {
    let script = "stty raw -echo; echo on; \
        head -c 1048576 | dd bs=512 2>/dev/null | sha256sum; head -c 6; echo; stty sane; read -r";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    let mut other = session.connect().await;
    output_until(&mut conn, "on").await;
    let paste: String = (0..).map(|n: u32| format!("{n} ")).take(200_000).collect();
    let paste = &paste[..1 << 20];
    type_in(&conn, 1, paste).await;
    // Sent by another connection meanwhile, once the first message has certainly come.
    conn.sender.send(Request::Info).await.unwrap();
    until(&mut conn, |event| {
        matches!(event, Event::Info(_)).then_some(())
    })
    .await;
    type_in(&other, 2, "second").await;
    let sum = {
        let file = session.tmp.path().join("paste");
        std::fs::write(&file, paste).unwrap();
        let sum = std::process::Command::new("sha256sum")
            .arg(file)
            .output()
            .unwrap();
        String::from_utf8(sum.stdout).unwrap()[..64].to_owned()
    };
    let text = output_until(&mut conn, "second").await;
    assert!(text.contains(&sum), "{text}");
    until(&mut other, |event| {
        (event == Event::InputTaken { seq: 2 }).then_some(())
    })
    .await;
}

#[tokio::test]
async fn more_than_the_bound_is_refused_with_a_reason() {
    let script = "stty raw -echo; echo on; while :; do sleep 1; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    for seq in 1..=3 {
        let bytes = Bytes::from(vec![b'x'; 2 << 20]);
        conn.sender
            .send(Request::Input { seq, bytes })
            .await
            .unwrap();
    }
    let (seq, reason) = until(&mut conn, |event| match event {
        Event::InputRefused { seq, reason } => Some((seq, reason)),
        _ => None,
    })
    .await;
    assert_eq!(seq, 3);
    assert!(reason.contains("again"), "{reason}");
    let bytes = Bytes::from(vec![0; (4 << 20) + 1]);
    let refused = conn.sender.send(Request::Input { seq: 4, bytes }).await;
    assert!(refused.is_err(), "beyond a frame it is not even sent");
}

#[tokio::test]
async fn a_delivery_is_typed_once_for_its_key() {
    let session = Session::shell("stty -echo; echo on; cat").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    conn.sender.send(deliver("k1", "first\n")).await.unwrap();
    assert_eq!(delivered(&mut conn).await, ("k1".into(), true));
    // Another connection, as after a restart of its owner.
    let mut again = session.connect().await;
    again.sender.send(deliver("k1", "first\n")).await.unwrap();
    assert_eq!(delivered(&mut again).await, ("k1".into(), false));
    again.sender.send(deliver("k2", "second\n")).await.unwrap();
    assert_eq!(delivered(&mut again).await, ("k2".into(), true));
    let mut whole = session.attach(Some(0)).await;
    let text = output_until(&mut whole, "second\r\n").await;
    assert_eq!(text.matches("first").count(), 1, "{text}");
}

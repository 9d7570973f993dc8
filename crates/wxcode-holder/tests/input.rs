//! Input arrives whole, in order, once.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::process::Command;
use wxcode_protocol::Output;

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
        Event::Output(Output::Exited(exit)) => Some(exit),
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
    // A raw agent that never reads: the paste fills the terminal and stays there.
    let script = "trap 'echo interrupted; exit 3' INT; stty raw -echo; echo on; while :; do sleep 0.05; done";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    type_in(&conn, 1, &"x".repeat(1 << 20)).await;
    let signal = Signal::Interrupt;
    conn.sender.send(Request::Signal { signal }).await.unwrap();
    let mut refused = None;
    let exit = until(&mut conn, |event| match event {
        Event::Output(Output::InputTaken { .. }) => panic!("no one read it"),
        Event::Output(Output::InputRefused { seq, .. }) => {
            refused = Some(seq);
            None
        }
        Event::Output(Output::Exited(exit)) => Some(exit),
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
async fn a_slow_reader_gets_messages_unmixed() {
    let script = "stty raw -echo; echo on; \
        head -c 1048576 | dd bs=512 2>/dev/null | sha256sum; head -c 6; echo; stty sane; read -r";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    let mut other = session.connect().await;
    output_until(&mut conn, "on").await;
    let paste: String = (0..).map(|n: u32| format!("{n} ")).take(200_000).collect();
    let paste = &paste[..1 << 20];
    type_in(&conn, 1, paste).await;
    // Another connection sends the second message after the first message has arrived.
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
        (event == Event::Output(Output::InputTaken { seq: 2 })).then_some(())
    })
    .await;
}

#[tokio::test]
async fn excess_input_is_refused_with_a_reason() {
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
        Event::Output(Output::InputRefused { seq, reason }) => Some((seq, reason)),
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
    // Another connection, as after a restart of the server.
    let mut again = session.connect().await;
    again.sender.send(deliver("k1", "first\n")).await.unwrap();
    assert_eq!(delivered(&mut again).await, ("k1".into(), false));
    again.sender.send(deliver("k2", "second\n")).await.unwrap();
    assert_eq!(delivered(&mut again).await, ("k2".into(), true));
    let mut whole = session.attach(Some(0)).await;
    let text = output_until(&mut whole, "second\r\n").await;
    assert_eq!(text.matches("first").count(), 1, "{text}");
}

#[tokio::test]
async fn ctrl_c_signals_a_cooked_terminal() {
    // A cooked agent without line editing that never reads input: the paste fills the terminal and
    // stays there.
    let script = "trap 'echo interrupted' INT; stty -icanon -echo; echo on; \
        while [ ! -e go ]; do sleep 0.05; done; head -c 1048576 | sha256sum; read -r";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    let paste = "0123456789abcde\n".repeat(1 << 16);
    type_in(&conn, 1, &paste).await;
    wait_for_input(&mut conn).await;
    type_in(&conn, 2, "\x03").await;
    output_until(&mut conn, "interrupted").await;
    std::fs::write(session.tmp.path().join("go"), "").unwrap();
    let sum = Command::new("sh")
        .arg("-c")
        .arg("i=0; while [ $i -lt 65536 ]; do echo 0123456789abcde; i=$((i+1)); done | sha256sum")
        .output()
        .unwrap();
    let sum = String::from_utf8(sum.stdout).unwrap();
    let output = output_until(&mut conn, sum.split(' ').next().unwrap()).await;
    assert!(!output.contains("interrupted"), "once: {output}");
}

#[tokio::test]
async fn ctrl_c_overtakes_a_slowly_read_paste() {
    let script = "stty raw -echo; echo on; while [ ! -e go ]; do sleep 0.05; done; \
        cat </dev/tty >typed & while :; do grep -q end-of-all typed && break; sleep 0.05; done; echo; echo read";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "on").await;
    let paste = "ação ".repeat((1 << 20) / 7);
    type_in(&conn, 1, &format!("\x1b[200~{paste}\x1b[201~")).await;
    wait_for_input(&mut conn).await;
    type_in(&conn, 2, "\x03").await;
    type_in(&conn, 3, "end-of-all").await;
    std::fs::write(session.tmp.path().join("go"), "").unwrap();
    output_until(&mut conn, "read").await;
    let typed = std::fs::read_to_string(session.tmp.path().join("typed")).unwrap();
    let at = typed.find('\x03').expect("it came");
    assert!(at < 256 << 10, "at {at} of {}", typed.len());
    let whole = typed.replace("\x1b[201~\x03\x1b[200~", "");
    assert!(
        whole == format!("\x1b[200~{paste}\x1b[201~end-of-all"),
        "whole"
    );
}

/// Waits until input waits in the holder.
async fn wait_for_input(conn: &mut Connection) {
    loop {
        conn.sender.send(Request::Info).await.unwrap();
        let info = until(conn, |event| match event {
            Event::Info(info) => Some(info),
            _ => None,
        });
        if info.await.input_waiting > 0 {
            return;
        }
    }
}

#[tokio::test]
async fn a_returning_client_types_nothing_twice() {
    let session =
        Session::shell("stty -echo; echo on; while read -r l; do echo \"<$l>\"; done").await;
    let name = [7; 16];
    let identify = async |conn: &mut Connection| {
        conn.sender.send(Request::Identify { name }).await.unwrap();
        until(conn, |event| match event {
            Event::Identified { newest } => Some(newest),
            _ => None,
        })
        .await
    };
    let mut first = session.attach(Some(0)).await;
    output_until(&mut first, "on").await;
    assert_eq!(identify(&mut first).await, 0);
    type_in(&first, 1, "one\n").await;
    type_in(&first, 2, "two\n").await;
    output_until(&mut first, "<two>").await;
    drop(first);
    let mut again = session.attach(Some(0)).await;
    assert_eq!(identify(&mut again).await, 2);
    type_in(&again, 2, "two\n").await;
    type_in(&again, 3, "three\n").await;
    let taken = async |conn: &mut Connection| {
        until(conn, |event| match event {
            Event::Output(Output::InputTaken { seq }) => Some(seq),
            _ => None,
        })
        .await
    };
    assert_eq!(taken(&mut again).await, 2, "it is in the PTY");
    let mut whole = session.attach(Some(0)).await;
    let output = output_until(&mut whole, "<three>").await;
    assert_eq!(output.matches("<two>").count(), 1, "{output}");
    // Another client has separate numbers.
    let mut other = session.attach(Some(0)).await;
    type_in(&other, 2, "two\n").await;
    output_until(&mut other, "<three>\r\n<two>").await;
}

#[tokio::test]
async fn a_name_used_twice_loses_no_input() {
    let session = Session::shell("stty -echo; while read -r line; do echo \"<$line>\"; done").await;
    let mut older = session.attach(Some(0)).await;
    let mut newer = session.attach(Some(0)).await;
    let name = [7; 16];
    for conn in [&mut older, &mut newer] {
        conn.sender.send(Request::Identify { name }).await.unwrap();
        until(conn, |event| match event {
            Event::Identified { newest: 0 } => Some(()),
            Event::Identified { newest } => panic!("the newest input is {newest}"),
            _ => None,
        })
        .await;
    }
    type_in(&newer, 1, "of the newer\n").await;
    output_until(&mut newer, "<of the newer>").await;
    // No repetition of the other client's first input.
    type_in(&older, 1, "of the older\n").await;
    let reason = until(&mut older, |event| match event {
        Event::Output(Output::InputTaken { .. }) => panic!("it was not typed"),
        Event::Output(Output::InputRefused { seq: 1, reason }) => Some(reason),
        _ => None,
    })
    .await;
    assert!(
        reason.contains("another connection uses this client's name"),
        "{reason}"
    );
    // The older connection continues after the other.
    older.sender.send(Request::Identify { name }).await.unwrap();
    let newest = until(&mut older, |event| match event {
        Event::Identified { newest } => Some(newest),
        _ => None,
    })
    .await;
    assert_eq!(newest, 1);
    type_in(&older, 2, "of the older\n").await;
    output_until(&mut older, "<of the older>").await;
}

/// A client leaves while output flows to it: the holder notices the end at a write.
#[tokio::test]
async fn the_last_input_before_leaving_arrives() {
    const ROUNDS: usize = 50;
    let script = format!(
        "stty -echo; yes & for round in $(seq {ROUNDS}); do read -r line; echo \"$line\" >> typed; done; kill $!"
    );
    let session = Session::shell(&script).await;
    for round in 0..ROUNDS {
        let mut conn = session.attach(None).await;
        until(&mut conn, |event| match event {
            Event::Output(Output::Output { .. }) => Some(()),
            _ => None,
        })
        .await;
        type_in(&conn, 1, &format!("{round}\n")).await;
    }
    session.exit().await;
    let typed = std::fs::read_to_string(session.tmp.path().join("typed")).unwrap();
    let mut rounds: Vec<usize> = typed.lines().map(|line| line.parse().unwrap()).collect();
    rounds.sort_unstable();
    assert_eq!(rounds, (0..ROUNDS).collect::<Vec<_>>());
}

//! The input lock: a single connection types for a while, and no other input is lost.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use bytes::Bytes;
use support::*;
use wxcode_holder::client::{Connection, Event, Request};
use wxcode_protocol::Output;

/// A raw agent with its input on the screen.
const SHOW: &str = "stty raw -echo; echo on; cat -v";

async fn lock(conn: &mut Connection, lock: u64, for_ms: u32) -> Result<(), String> {
    conn.sender
        .send(Request::Lock { lock, for_ms })
        .await
        .unwrap();
    until(conn, |event| match event {
        Event::Locked { lock: given } if given == lock => Some(Ok(())),
        Event::Unlocked { lock: not, reason } if not == lock => Some(Err(reason)),
        _ => None,
    })
    .await
}

async fn type_locked(conn: &Connection, lock: u64, seq: u64, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let input = Request::LockedInput { lock, seq, bytes };
    conn.sender.send(input).await.unwrap();
}

async fn deliver(conn: &Connection, lock: u64, text: &str) {
    let (key, bytes) = ("k".to_owned(), Bytes::copy_from_slice(text.as_bytes()));
    let deliver = Request::LockedDeliver { lock, key, bytes };
    conn.sender.send(deliver).await.unwrap();
}

/// Waits until the holder has processed everything sent on this connection.
async fn heard(conn: &mut Connection) {
    conn.sender.send(Request::Info).await.unwrap();
    until(conn, |event| matches!(event, Event::Info(_)).then_some(())).await;
}

async fn unlocked(conn: &mut Connection) -> (u64, String) {
    until(conn, |event| match event {
        Event::Unlocked { lock, reason } => Some((lock, reason)),
        _ => None,
    })
    .await
}

async fn refused(conn: &mut Connection) -> u64 {
    until(conn, |event| match event {
        Event::Output(Output::InputRefused { seq, .. }) => Some(seq),
        Event::Output(Output::InputTaken { seq }) => panic!("{seq} was typed"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn other_input_follows_the_lock() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(lock(&mut owner, 7, 10_000).await, Ok(()));
    type_in(&other, 1, "x").await;
    type_in(&other, 2, "y").await;
    heard(&mut other).await;
    deliver(&owner, 7, "<paste>").await;
    type_locked(&owner, 7, 1, "<enter>").await;
    assert!(lock(&mut other, 1, 10).await.is_err(), "one at a time");
    let release = Request::Unlock { lock: 7 };
    owner.sender.send(release).await.unwrap();
    output_until(&mut owner, "<paste><enter>xy").await;
    type_locked(&owner, 7, 2, "late").await;
    assert_eq!(refused(&mut owner).await, 2);
    assert_eq!(lock(&mut other, 2, 10_000).await, Ok(()), "free again");
}

#[tokio::test]
async fn the_lock_expires() {
    let session = Session::shell(SHOW).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(lock(&mut owner, 1, 50).await, Ok(()));
    type_in(&other, 1, "waited").await;
    assert_eq!(unlocked(&mut owner).await.0, 1);
    output_until(&mut owner, "waited").await;
    deliver(&owner, 1, "late").await;
    until(&mut owner, |event| match event {
        Event::DeliverRefused { key, .. } => Some(key),
        Event::Delivered { .. } => panic!("typed without the lock"),
        _ => None,
    })
    .await;
    // The refused key was not typed, and is free again.
    assert_eq!(lock(&mut owner, 2, 10_000).await, Ok(()));
    deliver(&owner, 2, "once").await;
    output_until(&mut owner, "once").await;
}

#[tokio::test]
async fn a_closed_connection_loses_the_lock() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.connect().await, session.attach(Some(0)).await);
    output_until(&mut other, "on").await;
    assert_eq!(lock(&mut owner, 1, 10_000).await, Ok(()));
    type_in(&other, 1, "waited").await;
    heard(&mut other).await;
    drop(owner);
    output_until(&mut other, "waited").await;
}

#[tokio::test]
async fn ctrl_c_ends_the_lock() {
    let session = Session::shell(SHOW).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(lock(&mut owner, 1, 10_000).await, Ok(()));
    type_locked(&owner, 1, 1, "text").await;
    output_until(&mut owner, "text").await;
    type_in(&other, 1, "x").await;
    type_in(&other, 2, "\x03").await;
    let (lock, reason) = unlocked(&mut owner).await;
    assert!(lock == 1 && reason.contains("Ctrl+C"), "{reason}");
    type_locked(&owner, 1, 2, "\r").await;
    assert_eq!(refused(&mut owner).await, 2, "no Enter behind it");
    let mut whole = session.attach(Some(0)).await;
    output_until(&mut whole, "text^Cx").await;
}

#[tokio::test]
async fn the_lock_waits_for_unread_input() {
    let script = "stty raw -echo; echo on; while [ ! -e go ]; do sleep 0.05; done; head -c 3 >/dev/null; echo read; cat";
    let session = Session::shell(script).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    type_in(&other, 1, "abc").await;
    let mut other = other;
    until(&mut other, |event| {
        matches!(event, Event::Output(Output::InputTaken { .. })).then_some(())
    })
    .await;
    let reason = lock(&mut owner, 1, 10_000).await.unwrap_err();
    assert!(reason.contains("not read"), "{reason}");
    std::fs::write(session.tmp.path().join("go"), "").unwrap();
    output_until(&mut owner, "read").await;
    assert_eq!(lock(&mut owner, 2, 10_000).await, Ok(()));
}

#[tokio::test]
async fn the_lock_waits_for_an_open_paste() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    type_in(&other, 1, "\x1b[200~one ").await;
    heard(&mut other).await;
    assert!(lock(&mut owner, 1, 10_000).await.is_err());
    type_in(&other, 2, "two\x1b[201~").await;
    output_until(&mut owner, "two^[[201~").await;
    assert_eq!(lock(&mut owner, 2, 10_000).await, Ok(()));
}

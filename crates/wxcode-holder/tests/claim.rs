//! Who has the keyboard for itself types alone, for a while, and nothing of the others is lost.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use bytes::Bytes;
use support::*;
use wxcode_holder::client::{Connection, Event, Request};

/// A raw agent that shows its input.
const SHOW: &str = "stty raw -echo; echo on; cat -v";

async fn claim(conn: &mut Connection, claim: u64, for_ms: u32) -> Result<(), String> {
    conn.sender
        .send(Request::Claim { claim, for_ms })
        .await
        .unwrap();
    until(conn, |event| match event {
        Event::Claimed { claim: given } if given == claim => Some(Ok(())),
        Event::Unclaimed { claim: not, reason } if not == claim => Some(Err(reason)),
        _ => None,
    })
    .await
}

async fn type_claimed(conn: &Connection, claim: u64, seq: u64, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let input = Request::ClaimedInput { claim, seq, bytes };
    conn.sender.send(input).await.unwrap();
}

async fn deliver(conn: &Connection, claim: u64, text: &str) {
    let (key, bytes) = ("k".to_owned(), Bytes::copy_from_slice(text.as_bytes()));
    let deliver = Request::ClaimedDeliver { claim, key, bytes };
    conn.sender.send(deliver).await.unwrap();
}

/// Waits until the holder has processed everything sent on this connection.
async fn heard(conn: &mut Connection) {
    conn.sender.send(Request::Info).await.unwrap();
    until(conn, |event| matches!(event, Event::Info(_)).then_some(())).await;
}

async fn unclaimed(conn: &mut Connection) -> (u64, String) {
    until(conn, |event| match event {
        Event::Unclaimed { claim, reason } => Some((claim, reason)),
        _ => None,
    })
    .await
}

async fn refused(conn: &mut Connection) -> u64 {
    until(conn, |event| match event {
        Event::InputRefused { seq, .. } => Some(seq),
        Event::InputTaken { seq } => panic!("{seq} was typed"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn what_others_type_comes_behind_the_claim_in_order() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(claim(&mut owner, 7, 10_000).await, Ok(()));
    type_in(&other, 1, "x").await;
    type_in(&other, 2, "y").await;
    heard(&mut other).await;
    deliver(&owner, 7, "<paste>").await;
    type_claimed(&owner, 7, 1, "<enter>").await;
    assert!(claim(&mut other, 1, 10).await.is_err(), "one at a time");
    let release = Request::Release { claim: 7 };
    owner.sender.send(release).await.unwrap();
    output_until(&mut owner, "<paste><enter>xy").await;
    type_claimed(&owner, 7, 2, "late").await;
    assert_eq!(refused(&mut owner).await, 2);
    assert_eq!(claim(&mut other, 2, 10_000).await, Ok(()), "free again");
}

#[tokio::test]
async fn the_time_of_a_claim_ends_it() {
    let session = Session::shell(SHOW).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(claim(&mut owner, 1, 50).await, Ok(()));
    type_in(&other, 1, "waited").await;
    assert_eq!(unclaimed(&mut owner).await.0, 1);
    output_until(&mut owner, "waited").await;
    deliver(&owner, 1, "late").await;
    until(&mut owner, |event| match event {
        Event::DeliverRefused { key, .. } => Some(key),
        Event::Delivered { .. } => panic!("typed without a claim"),
        _ => None,
    })
    .await;
    // The refused key was not typed, and is free again.
    assert_eq!(claim(&mut owner, 2, 10_000).await, Ok(()));
    deliver(&owner, 2, "once").await;
    output_until(&mut owner, "once").await;
}

#[tokio::test]
async fn a_connection_that_is_gone_has_no_claim() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.connect().await, session.attach(Some(0)).await);
    output_until(&mut other, "on").await;
    assert_eq!(claim(&mut owner, 1, 10_000).await, Ok(()));
    type_in(&other, 1, "waited").await;
    heard(&mut other).await;
    drop(owner);
    output_until(&mut other, "waited").await;
}

#[tokio::test]
async fn ctrl_c_ends_a_claim_and_comes_first() {
    let session = Session::shell(SHOW).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    assert_eq!(claim(&mut owner, 1, 10_000).await, Ok(()));
    type_claimed(&owner, 1, 1, "text").await;
    output_until(&mut owner, "text").await;
    type_in(&other, 1, "x").await;
    type_in(&other, 2, "\x03").await;
    let (claim, reason) = unclaimed(&mut owner).await;
    assert!(claim == 1 && reason.contains("Ctrl+C"), "{reason}");
    type_claimed(&owner, 1, 2, "\r").await;
    assert_eq!(refused(&mut owner).await, 2, "no Enter behind it");
    let mut whole = session.attach(Some(0)).await;
    output_until(&mut whole, "text^Cx").await;
}

#[tokio::test]
async fn a_claim_waits_until_the_agent_has_read_what_was_typed() {
    let script = "stty raw -echo; echo on; while [ ! -e go ]; do sleep 0.05; done; head -c 3 >/dev/null; echo read; cat";
    let session = Session::shell(script).await;
    let (mut owner, other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    type_in(&other, 1, "abc").await;
    let mut other = other;
    until(&mut other, |event| {
        matches!(event, Event::InputTaken { .. }).then_some(())
    })
    .await;
    let reason = claim(&mut owner, 1, 10_000).await.unwrap_err();
    assert!(reason.contains("not read"), "{reason}");
    std::fs::write(session.tmp.path().join("go"), "").unwrap();
    output_until(&mut owner, "read").await;
    assert_eq!(claim(&mut owner, 2, 10_000).await, Ok(()));
}

#[tokio::test]
async fn nobody_gets_between_the_messages_of_a_paste() {
    let session = Session::shell(SHOW).await;
    let (mut owner, mut other) = (session.attach(Some(0)).await, session.connect().await);
    output_until(&mut owner, "on").await;
    type_in(&other, 1, "\x1b[200~one ").await;
    heard(&mut other).await;
    assert!(claim(&mut owner, 1, 10_000).await.is_err());
    type_in(&other, 2, "two\x1b[201~").await;
    output_until(&mut owner, "two^[[201~").await;
    assert_eq!(claim(&mut owner, 2, 10_000).await, Ok(()));
}

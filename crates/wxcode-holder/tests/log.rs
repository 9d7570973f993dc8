//! The log on disk: its content after every kind of end, and the end of the log on a full disk.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{path::Path, process::Command, time::Instant};
use wxcode_protocol::Output;

use rustix::process::Signal;
use support::*;
use wxcode_holder::{
    client::{Event, Request},
    log::{self, Item, Reader, Record, What},
};
use wxcode_terminal::{Screen, Size};

fn records(dir: &Path) -> Vec<Record> {
    let items = Reader::open(dir).unwrap();
    let record = |item| match item {
        Item::Record(record) => record,
        Item::Gap { from, to } => panic!("a gap from {from} to {to}"),
    };
    items.map(record).collect()
}

/// The output in the log, which must have no gap.
fn logged(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for record in records(dir) {
        if let What::Output(bytes) = record.what {
            assert_eq!(record.offset, all.len() as u64);
            all.extend_from_slice(&bytes);
        }
    }
    all
}

async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "not in time: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_log_of_an_ended_session_is_whole() {
    let script =
        "echo begin; read -r; head -c 300000 /dev/zero | tr '\\0' y; echo; read -r; exit 7";
    let session = Session::shell(script).await;
    let mut conn = session.attach(Some(0)).await;
    let begin = output_until(&mut conn, "begin\r\n").await;
    let size = Size::new(100, 30).unwrap();
    conn.sender.send(Request::Resize { size }).await.unwrap();
    until(&mut conn, |event| {
        matches!(event, Event::Output(Output::Resized { .. })).then_some(())
    })
    .await;
    type_in(&conn, 1, "\n\n").await;
    let (rest, exit) = to_the_end(&mut conn, begin.len() as u64).await;
    assert_eq!(session.exit().await, exit);
    assert_eq!(
        logged(&session.dir),
        [begin.as_bytes(), rest.as_slice()].concat()
    );
    let records = records(&session.dir);
    let sizes: Vec<_> = records
        .iter()
        .filter_map(|record| match record.what {
            What::Resized(size) => Some((record.offset, size.cols, size.rows)),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [(0, 80, 24), (begin.len() as u64, 100, 30)]);
    assert_eq!(records.last().unwrap().what, What::Exited(exit));
    assert!(records.is_sorted_by_key(|record| record.at_ms));
    assert_eq!(log::last_size(&session.dir), Some(size));
}

#[tokio::test]
async fn a_killed_holder_keeps_written_batches() {
    let session = Session::shell("trap '' HUP; echo first; read -r; seq 1 10000000").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "first\r\n").await;
    eventually("a batch is written though no more comes", || {
        logged(&session.dir).ends_with(b"first\r\n")
    })
    .await;
    type_in(&conn, 1, "\n").await;
    let mut seen = 0;
    until(&mut conn, |event| {
        if let Event::Output(Output::Output { offset, bytes })
        | Event::Output(Output::Snapshot { offset, bytes, .. }) = event
        {
            seen = offset + bytes.len() as u64;
        }
        (seen > 2 << 20).then_some(())
    })
    .await;
    kill(session.file.pid, Signal::KILL);
    wait_gone(session.file.pid);
    let logged = logged(&session.dir);
    // Everything that a client received is in the log, except for one batch.
    assert!(
        logged.len() as u64 + (64 << 10) >= seen,
        "{} of {seen}",
        logged.len()
    );
    let text = String::from_utf8(logged).unwrap();
    let (_, numbers) = text.split_once("1\r\n2\r\n").unwrap();
    // The last line may be cut.
    let (whole, _) = numbers.rsplit_once("\r\n").unwrap();
    for (n, line) in (3..).zip(whole.lines()) {
        assert_eq!(line, n.to_string());
    }
    assert!(log::screen(&session.dir).unwrap().text().contains('9'));
}

/// A small private file system, unmounted on drop.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let options = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "none"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_ends_only_the_log() {
    let mount = tempfile::tempdir().unwrap();
    let at = mount.path().join("small");
    let Some(_disk) = SmallDisk::mount(&at, "6m") else {
        wxcode_testbed::skip("a small file system cannot be mounted here: run as root");
        return;
    };
    let tmp = tempfile::tempdir().unwrap();
    let script = "stty -echo; echo on; read -r; head -c 20000000 /dev/zero | tr '\\0' z; echo; echo flooded; read -r; \
        echo goes on; read -r; exit 4";
    let dir = at.join("session");
    let file = try_start(&dir, &spec(&["/bin/bash", "-c", script], tmp.path()))
        .await
        .unwrap();
    let session = Session { tmp, dir, file };
    let mut conn = session.attach(Some(0)).await;
    assert_eq!(conn.welcome.info.log_off, None);
    output_until(&mut conn, "on\r\n").await;
    type_in(&conn, 1, "\n").await;
    output_until(&mut conn, "flooded").await;
    conn.sender.send(Request::Info).await.unwrap();
    let info = until(&mut conn, |event| match event {
        Event::Info(info) => Some(info),
        _ => None,
    })
    .await;
    let off = info.log_off.unwrap();
    assert!(
        off.contains("No space left") && off.contains("free space"),
        "{off}"
    );
    assert!(info.end > 20_000_000);
    type_in(&conn, 2, "\n").await;
    output_until(&mut conn, "goes on").await;
    type_in(&conn, 3, "\n").await;
    assert_eq!(session.exit().await.code, Some(4), "there was room for it");
    let kept: u64 = records(&session.dir)
        .iter()
        .map(|record| record.end() - record.offset)
        .sum();
    assert!(kept > 1 << 20, "{kept} of what came before is there");
}

/// Waits on a connection until the agent has written `end` bytes and is quiet.
async fn rest_behind(session: &Session, end: u64) {
    let mut watch = session.connect().await;
    watch
        .sender
        .send(Request::Events { since: 1 })
        .await
        .unwrap();
    until(&mut watch, |event| {
        matches!(event, Event::Quiet { offset, .. } if offset >= end).then_some(())
    })
    .await;
}

#[tokio::test]
async fn dropped_output_is_replayed_from_the_log() {
    let script = "stty -echo -opost; echo on; read -r; seq 1 200000; echo half; read -r; \
        seq 200001 1000000; echo over; read -r";
    let session = Session::shell(script).await;
    let mut live = session.attach(Some(0)).await;
    output_until(&mut live, "on\n").await;
    type_in(&live, 1, "\n").await;
    output_until(&mut live, "half\n").await;
    let size = Size::new(90, 33).unwrap();
    live.sender.send(Request::Resize { size }).await.unwrap();
    until(&mut live, |event| {
        matches!(event, Event::Output(Output::Resized { .. })).then_some(())
    })
    .await;
    type_in(&live, 2, "\n").await;
    drop(live);
    rest_behind(&session, 6_888_896).await;
    // From offset 0, and from within a segment and a record.
    let whole = collect(&session, 0, "over\n").await;
    let text = String::from_utf8(whole.0).unwrap();
    let numbers: Vec<u32> = text.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(
        numbers.iter().copied().eq(1..=1_000_000),
        "{}",
        numbers.len()
    );
    let resized = (text.find("half\n").unwrap()..text.len()).contains(&(whole.1[0].0 as usize));
    assert!(
        resized && whole.1.len() == 1 && whole.1[0].1 == size,
        "{:?}",
        whole.1
    );
    let since = 5_000_001;
    let (rest, sizes) = collect(&session, since, "over\n").await;
    assert!(rest == text.as_bytes()[since as usize..]);
    assert!(sizes.is_empty(), "{sizes:?}");
}

/// The bytes from an offset until they end with `end`, and the sizes between them.
async fn collect(session: &Session, since: u64, end: &str) -> (Vec<u8>, Vec<(u64, Size)>) {
    let mut conn = session.attach(Some(since)).await;
    let (mut bytes, mut sizes) = (Vec::new(), Vec::new());
    until(&mut conn, |event| {
        match event {
            Event::Output(Output::Output { offset, bytes: new }) => {
                assert_eq!(offset, since + bytes.len() as u64, "a gap");
                bytes.extend_from_slice(&new);
            }
            Event::Output(Output::Resized { offset, size }) => {
                assert_eq!(offset, since + bytes.len() as u64);
                sizes.push((offset, size));
            }
            Event::Output(Output::Snapshot { .. }) => panic!("a snapshot where bytes were due"),
            _ => {}
        }
        bytes.ends_with(end.as_bytes()).then_some(())
    })
    .await;
    (bytes, sizes)
}

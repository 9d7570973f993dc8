//! Damaged session folders, as after a power loss or on a failing disk: each file cut at every
//! length, and garbage.

#![allow(clippy::unwrap_used)] // also in what the tests share

mod support;

use std::{fs, path::Path};

use rustix::process::Signal;
use support::*;
use wxcode_holder::{
    folder::{self, DAMAGED, Exit, FolderError, HOLDER_LOST, State},
    log, repair,
};

/// An ended session with output, a change of size and hooks.
async fn ended() -> Session {
    let session = running().await;
    kill(session.file.pid, Signal::TERM);
    session.exit().await;
    session
}

async fn running() -> Session {
    let session = Session::shell("seq 100; echo ready; read -r x").await;
    let mut conn = session.attach(Some(0)).await;
    output_until(&mut conn, "ready").await;
    let hook = session.dir.join("hook.json");
    for n in 0..3 {
        let (hook, payload) = (hook.clone(), format!("{{\"n\":{n}}}"));
        let report = move || wxcode_holder::hook::report(&hook, payload.as_bytes());
        tokio::task::spawn_blocking(report).await.unwrap().unwrap();
    }
    session
}

/// The folder after a kill of holder and guardian: no end is recorded.
fn as_if_lost(dir: &Path) {
    for name in ["exit.json", "screen.snapshot"] {
        fs::remove_file(dir.join(name)).unwrap();
    }
}

/// Cuts a file at every shorter length, and replaces it by garbage of that length.
fn damages(path: &Path) -> impl Iterator<Item = Vec<u8>> + use<> {
    let whole = fs::read(path).unwrap();
    let mut state = 1_u64;
    let garbage = move |len: usize| {
        std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .take(len)
        .collect()
    };
    let lengths = 0..whole.len();
    let mut garbage = garbage;
    lengths.flat_map(move |len| [whole[..len].to_vec(), garbage(len + 1)])
}

/// The only file of a folder.
fn only(folder: &Path) -> std::path::PathBuf {
    let mut all = fs::read_dir(folder).unwrap();
    let first = all.next().unwrap().unwrap().path();
    assert!(all.next().is_none());
    first
}

#[tokio::test]
async fn a_damaged_exit_is_recorded_again() {
    let session = ended().await;
    let path = session.dir.join("exit.json");
    let whole = fs::read(&path).unwrap();
    for bytes in damages(&path).collect::<Vec<_>>() {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(
            folder::inspect(&session.dir).unwrap(),
            State::Lost(session.file.clone()),
            "{bytes:?}"
        );
        fs::write(&path, &whole).unwrap();
    }
    fs::write(&path, b"{").unwrap();
    let exit = folder::mark_lost(&session.dir, &session.file, HOLDER_LOST).unwrap();
    assert_eq!(exit.reason, HOLDER_LOST);
    let State::Exited(Some(_), read) = folder::inspect(&session.dir).unwrap() else {
        panic!()
    };
    assert_eq!(read, exit);
}

#[tokio::test]
async fn a_damaged_holder_file_hides_no_exit() {
    let session = ended().await;
    let path = session.dir.join("holder.json");
    let all: Vec<_> = damages(&path).collect();
    for bytes in &all {
        fs::write(&path, bytes).unwrap();
        let state = folder::inspect(&session.dir).unwrap();
        assert!(matches!(state, State::Exited(None, _)), "{state:?}");
    }
    as_if_lost(&session.dir);
    for bytes in &all {
        fs::write(&path, bytes).unwrap();
        let error = folder::inspect(&session.dir).unwrap_err();
        assert!(matches!(error, FolderError::Damaged { .. }), "{error}");
    }
    // As after a power loss that kept the log and lost the folder's entry.
    fs::remove_file(&path).unwrap();
    let error = folder::inspect(&session.dir).unwrap_err();
    assert!(matches!(error, FolderError::Missing(_)), "{error}");
    let State::Exited(None, Exit { reason, .. }) = repair(&session.dir).await.unwrap() else {
        panic!()
    };
    assert_eq!(reason, DAMAGED);
}

#[tokio::test]
async fn a_running_holder_repairs_its_file() {
    let session = running().await;
    let path = session.dir.join("holder.json");
    for bytes in [&b""[..], b"{\"version\": 1", b"\0\0\0\0", b"[]"] {
        fs::write(&path, bytes).unwrap();
        assert!(folder::inspect(&session.dir).is_err());
        let State::Live(file) = repair(&session.dir).await.unwrap() else {
            panic!()
        };
        let mut expected = session.file.clone();
        expected.started_at.clone_from(&file.started_at);
        assert_eq!(file, expected);
    }
    // A damaged record of the end does not hide the running holder.
    fs::write(session.dir.join("exit.json"), b"{").unwrap();
    let state = folder::inspect(&session.dir).unwrap();
    assert!(matches!(state, State::Live(_)), "{state:?}");
}

#[tokio::test]
async fn a_damaged_spec_is_named() {
    let session = ended().await;
    let path = session.dir.join("spec.json");
    let all: Vec<_> = damages(&path).collect();
    for bytes in &all {
        fs::write(&path, bytes).unwrap();
        let error = folder::read_spec(&session.dir).unwrap_err();
        assert!(error.to_string().contains("spec.json"), "{error}");
        let state = folder::inspect(&session.dir).unwrap();
        assert!(matches!(state, State::Exited(Some(_), _)), "{state:?}");
    }
    as_if_lost(&session.dir);
    fs::write(&path, b"").unwrap();
    let state = folder::inspect(&session.dir).unwrap();
    assert!(matches!(state, State::Lost(_)), "{state:?}");
}

#[tokio::test]
async fn hooks_before_damage_are_read() {
    let session = ended().await;
    let path = only(&session.dir.join("hooks"));
    let whole = folder::hooks_since(&session.dir, 0).unwrap();
    assert_eq!(whole.len(), 3);
    let record = fs::metadata(&path).unwrap().len() / 3;
    for bytes in damages(&path).collect::<Vec<_>>() {
        fs::write(&path, &bytes).unwrap();
        let read = folder::hooks_since(&session.dir, 0).unwrap();
        assert!(whole.starts_with(&read), "{read:?}");
        let is_cut = bytes.starts_with(&[0, 0, 0, 0, 0, 0, 0, 1]);
        let expected = if is_cut {
            bytes.len() as u64 / record
        } else {
            0
        };
        assert_eq!(read.len() as u64, expected);
    }
}

#[tokio::test]
async fn a_damaged_log_still_draws_a_screen() {
    let session = ended().await;
    let path = only(&session.dir.join("log"));
    let whole: Vec<_> = log::Reader::open(&session.dir).unwrap().collect();
    assert!(whole.len() > 2);
    for bytes in damages(&path).collect::<Vec<_>>() {
        fs::write(&path, &bytes).unwrap();
        let read: Vec<_> = log::Reader::open(&session.dir).unwrap().collect();
        assert!(whole.starts_with(&read), "{read:?}");
        let size = log::last_size(&session.dir);
        assert_eq!(size.is_some(), !read.is_empty());
        assert_eq!(log::screen(&session.dir).is_some(), !read.is_empty());
    }
}

#[tokio::test]
async fn an_empty_screen_file_is_ignored() {
    let session = ended().await;
    assert!(folder::last_screen(&session.dir).is_some());
    fs::write(session.dir.join("screen.snapshot"), b"").unwrap();
    assert_eq!(folder::last_screen(&session.dir), None);
}

//! An attached terminal through crashes, floods and pastes.

use std::fs;

use rustix::{
    process::{Pid, Signal, kill_process},
    termios::Action,
};
use serde_json::Value;

use super::{SIZE, idle, read, recorder, until_same};
use crate::support::{Attached, Server, eventually, kill};

#[tokio::test]
async fn reattaching_types_nothing_twice() {
    let (mut server, project) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    attached.keys("a");
    attached.until_shows("❯ a");
    // The server receives these two bytes, as far as the test can see, and does nothing with them.
    let file: Value =
        serde_json::from_slice(&fs::read(server.data_dir().join("server.json")).unwrap()).unwrap();
    let pid = i32::try_from(file["pid"].as_i64().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap();
    attached.keys("b");
    attached.keys("c");
    server.crash().await;
    attached.until_shows("the server is away, connecting again: Ctrl+] leaves, keys wait");
    attached.keys("d");
    server.up().await;
    let shown = attached.until_shows("❯ abcd");
    assert!(!shown.contains("is away"), "{shown}");
    attached.keys("\r");
    attached.until_shows("last: abcd");
    // Input accepted before the next crash is not typed again either.
    server.crash().await;
    attached.until_shows("is away");
    server.up().await;
    attached.until(|shown| !shown.contains("is away"));
    attached.keys("e");
    attached.until_shows("❯ e\n");
    let session = server.session(&project).await;
    assert_eq!(session["clients"], 1);

    server.crash().await;
    attached.until_shows("is away");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn unsent_input_dies_with_its_session() {
    let (mut server, project) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    let session = server.session(&project).await;
    server.crash().await;
    attached.until_shows("is away");
    attached.keys("rm -rf");
    let dir = server.session_dirs().remove(0);
    kill(i32::try_from(session["pid"].as_i64().unwrap()).unwrap());
    eventually("the holder writes the exit", || {
        dir.join("exit.json").exists()
    })
    .await;
    server.up().await;
    let shown = attached.until_shows("what was typed last did not reach the agent that ended");
    assert!(!shown.contains("is away"), "{shown}");
    attached.keys("new");
    let shown = attached.until_shows("❯ new\n");
    assert!(!shown.contains("rm"), "{shown}");
    assert_ne!(server.session(&project).await["pid"], session["pid"]);
}

#[tokio::test]
async fn a_large_paste_arrives_whole_through_a_crash() {
    let mut server = Server::start(recorder("")).await;
    server.project("p").await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("ready");
    attached.keys("!");
    attached.until_shows("begun");
    let mut paste = String::from("\x1b[200~");
    for line in 0..40_000 {
        paste.push_str(&format!(
            "line {line} of the paste, with the key \x1d in it\r"
        ));
    }
    paste.push_str("\x1b[201~");
    assert!(paste.len() > 1 << 20);
    let (half, rest) = paste.split_at(paste.len() / 2);
    attached.keys(half);
    eventually("it begins", || !read(&server).is_empty()).await;
    server.crash().await;
    attached.keys(rest);
    server.up().await;
    eventually("all of it", || read(&server).ends_with(b"\x1b[201~")).await;
    // The key is a control character, so no paste contains it.
    let typed = paste.replace('\x1d', "");
    assert!(read(&server) == typed.as_bytes(), "it is not the same");
}

#[tokio::test]
async fn a_flood_is_drawn_in_few_frames() {
    let (server, project) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    let flood = 8 << 20;
    attached.keys(&format!("fake:flood {flood}"));
    attached.until_shows(&format!("❯ fake:flood {flood}\n"));
    attached.keys("\r");
    attached.until(|shown| shown.contains("last: fake:flood") && shown.contains("❯"));
    until_same(&server, &project, &attached).await;
    let drawn = attached.terminal.output().len();
    assert!(drawn < flood / 4, "{drawn} bytes were drawn");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn a_stopped_terminal_catches_up() {
    let (server, project) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    let flood = 8 << 20;
    attached.keys(&format!("fake:flood {flood}"));
    attached.until_shows(&format!("❯ fake:flood {flood}\n"));
    attached.flow(Action::OOff).await;
    attached.keys("\r");
    let screen = format!("/output-projects/{project}/screen");
    server
        .until(&screen, "the end of the flood", |screen| {
            screen.as_str().unwrap().contains("last: fake:flood")
        })
        .await;
    assert!(!attached.screen().contains("last: fake:flood"));
    attached.flow(Action::OOn).await;
    until_same(&server, &project, &attached).await;
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

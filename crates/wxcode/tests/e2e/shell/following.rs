//! Commands that follow a project, in a terminal and through a pipe.

use std::{ffi::OsString, os::unix::process::ExitStatusExt as _, path::Path};

use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};
use wxcode_testbed::Terminal;

use super::{begun, outcome, ready};
use crate::support::{PATIENCE, Server};

/// `wxcode ARGUMENTS` in a terminal.
fn in_a_terminal(server: &Server, arguments: &[&str]) -> Terminal {
    let mut env: Vec<(OsString, OsString)> = vec![("TERM".into(), "xterm-256color".into())];
    let command = server.command(&[]);
    for (name, value) in command.as_std().get_envs() {
        env.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    let program = Path::new(env!("CARGO_BIN_EXE_wxcode"));
    let arguments = arguments.iter().map(|word| OsString::from(*word));
    Terminal::start(program, arguments, env, server.data_dir(), (100, 30)).unwrap()
}

async fn say(server: &Server, text: &str) {
    let (code, _, err) = outcome(server, &["send", "p", text, "--until", "idle"]).await;
    assert_eq!(code, 0, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_follow_the_conversation_in_a_terminal() {
    let (server, project) = ready().await;
    say(&server, "first words").await;
    let mut logs = in_a_terminal(&server, &["logs", "p", "--follow"]);
    logs.wait_text("first words");
    logs.wait_text("done");
    say(&server, "second words").await;
    logs.wait_text("second words");
    // Another conversation is followed too.
    let before = server.idle(&project).await["claude_session_id"].clone();
    let path = format!("/output-projects/{project}/terminal");
    server.socket(&path).await.submit("/clear").await;
    server
        .session_until(&project, "another conversation", |session| {
            session["claude_session_id"] != before
        })
        .await;
    say(&server, "third words").await;
    logs.wait_text("third words");
    logs.signal(Signal::TERM);
    assert_eq!(logs.wait_exit().signal(), Some(Signal::TERM.as_raw()));
    let text = String::from_utf8_lossy(&logs.output()).into_owned();
    assert_eq!(text.matches("first words").count(), 1, "{text}");
    assert_eq!(text.matches("second words").count(), 1, "{text}");
    assert!(text.contains("\x1b[1mYou\x1b[0m"), "{text}");
    assert!(text.contains("\x1b[1mClaude\x1b[0m"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_follow_over_a_restarted_server() {
    let (mut server, _) = ready().await;
    let logs = in_a_terminal(&server, &["logs", "p", "--follow"]);
    say(&server, "first words").await;
    logs.wait_text("first words");
    server.crash().await;
    server.up().await;
    say(&server, "second words").await;
    logs.wait_text("second words");
}

#[tokio::test]
async fn logs_are_text_or_json() {
    let (server, _) = ready().await;
    let (code, out, err) = outcome(&server, &["logs", "p"]).await;
    assert_eq!((code, out.trim()), (0, ""), "{err}");
    say(&server, "first words").await;
    let (code, out, err) = outcome(&server, &["logs", "p"]).await;
    assert_eq!(code, 0, "{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("You  20"), "{out}");
    assert!(lines[3].starts_with("Claude  20"), "{out}");
    assert_eq!((lines[1], lines[4]), ("first words", "done"), "{out}");
    let (_, out, _) = outcome(&server, &["logs", "p", "--json"]).await;
    let turns: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[1]["role"], "assistant");
}

#[tokio::test]
async fn events_follow_as_json_lines() {
    let (server, project) = ready().await;
    let (mut child, _errors) = begun(&server, &["events", "p", "--follow", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = async || -> Value {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap();
        serde_json::from_str(&line.unwrap().unwrap()).unwrap()
    };
    assert_eq!(next().await["type"], "state");
    let delivery = server.deliver(&project, "hello").await;
    loop {
        let event = next().await;
        if event["type"] == "delivery.state" && event["state"] == "submitted" {
            assert_eq!(event["delivery_id"], delivery["id"]);
            break;
        }
    }
    let (code, out, _) = outcome(&server, &["events", "p"]).await;
    assert_eq!(code, 0);
    assert_eq!(out.lines().count(), 1, "{out}");
    assert!(out.contains("  state "), "{out}");
}

//! `wxcode attach`: the session in the user's terminal.

mod keyboard;
mod looking;
mod paste;
mod survival;

use std::{fs, process::Stdio};

use rustix::process::Signal;
use serde_json::json;
use wxcode_terminal::{Screen, Size, Terminal};

use crate::support::{Agent, Attached, Server, eventually, real};

const SIZE: (u16, u16) = (90, 20);

/// A server with an idle fake agent in project `p`, and the project's id.
async fn idle() -> (Server, String) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    (server, project)
}

async fn until_size(server: &Server, project: &str, (cols, rows): (u16, u16)) {
    server
        .session_until(project, "its size", |session| {
            (&session["cols"], &session["rows"]) == (&json!(cols), &json!(rows))
        })
        .await;
}

/// Waits until the terminal and the session show the same text.
async fn until_same(server: &Server, project: &str, attached: &Attached) {
    let screen = format!("/output-projects/{project}/screen");
    server
        .until(&screen, "the same screen", |screen| {
            attached.screen().trim_end() == screen.as_str().unwrap().trim_end()
        })
        .await;
}

async fn run(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let output = server
        .command(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), text)
}

#[tokio::test]
async fn attach_starts_shows_types_and_detaches() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("shop").await;
    let attached = Attached::start(&server, &["sho"], SIZE);
    let shown = attached.until_shows("❯");
    assert!(
        shown.ends_with("this is shop: Ctrl+] leaves, the agent goes on"),
        "{shown}"
    );
    until_size(&server, &project, SIZE).await;
    server.idle(&project).await;
    attached.keys("hello");
    let shown = attached.until_shows("❯ hello");
    assert!(
        !shown.contains("Ctrl+]"),
        "a key takes the hint away: {shown}"
    );
    let modes = attached.modes();
    assert!(modes.alternate_screen && modes.bracketed_paste && modes.mouse && modes.focus);
    attached.keys("\r");
    attached.until_shows("last: hello");
    until_same(&server, &project, &attached).await;
    assert!(attached.screen().contains("fake mode on"));

    let before = server.session(&project).await;
    attached.keys("typed last\x1dnot typed");
    let ended = attached.ended();
    assert_eq!(ended.code, 0);
    assert!(ended.text.contains("the agent goes on"), "{}", ended.text);
    assert!(!ended.text.contains("fake"), "{}", ended.text);
    let after = server.session(&project).await;
    assert_eq!(
        (&after["status"], &after["pid"]),
        (&json!("running"), &before["pid"])
    );
    // Text typed before the detach key arrives, text after it does not.
    let again = Attached::start(&server, &[&project[..20]], SIZE);
    again.until_shows("❯ typed last\n");
    again.keys("\x1b[93;5u");
    assert_eq!(again.ended().code, 0);
}

#[tokio::test]
async fn the_newest_window_or_typist_drives() {
    let (server, project) = idle().await;
    let (wide, narrow) = ((100, 30), (60, 12));
    let mut first = Attached::start(&server, &["p"], wide);
    until_size(&server, &project, wide).await;
    let second = Attached::start(&server, &["p"], narrow);
    until_size(&server, &project, narrow).await;
    first
        .terminal
        .wait_text("another window sets the size now: type to have this one's");
    // The first window shows the smaller session, with dots around the session.
    let rule = format!("{}·", "─".repeat(60));
    let dots = "·".repeat(100);
    first.until(|shown| {
        shown.lines().any(|row| row.starts_with(&rule)) && shown.lines().nth(20) == Some(&dots)
    });
    first.keys("a");
    until_size(&server, &project, wide).await;
    // The second window shows the part around the cursor.
    second.until(|shown| shown.contains("❯ a") && shown.lines().count() == 12);
    let third = Attached::start(&server, &["p", "--viewer"], (70, 25));
    third.until_shows("❯ a");
    until_size(&server, &project, wide).await;
    first.resize((80, 24));
    until_size(&server, &project, (80, 24)).await;
    first.until(|shown| shown.contains(&"─".repeat(80)) && shown.lines().count() == 24);
    third.keys("b");
    until_size(&server, &project, (70, 25)).await;
    for window in [&first, &second, &third] {
        window.until_shows("❯ ab");
        window.keys("\x1d");
    }
    for window in [first, second, third] {
        assert_eq!(window.ended().code, 0);
    }
}

#[tokio::test]
async fn a_growing_window_shows_earlier_scrollback() {
    let server = Server::start(Agent::script("seq 1 200; cat")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let screen = format!("/output-projects/{project}/screen");
    server
        .until(&screen, "the numbers", |screen| {
            screen.as_str().unwrap().contains("200")
        })
        .await;
    let mut attached = Attached::start(&server, &["p"], SIZE);
    attached.until(|shown| shown.starts_with("182\n"));
    attached.resize((90, 50));
    let numbers: Vec<String> = (152..=200).map(|number| number.to_string()).collect();
    attached.until(|shown| shown.lines().take(49).eq(&numbers));
}

#[tokio::test]
async fn the_agents_exit_ends_attach() {
    let agent = Agent::script("echo working; read word; echo \"last words: $word\"; exit 3");
    let server = Server::start(agent).await;
    server.project("p").await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("working");
    attached.keys("bye\r");
    let ended = attached.ended();
    assert_eq!(ended.code, 0);
    for text in [
        "last words: bye",
        "the agent ended (code 3)",
        "`wxcode attach p` starts it again",
    ] {
        assert!(ended.text.contains(text), "{}", ended.text);
    }
    assert!(!ended.text.contains("goes on"), "{}", ended.text);
}

#[tokio::test]
async fn stopping_the_session_ends_attach() {
    let (server, project) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let ended = attached.ended();
    assert_eq!(ended.code, 0);
    assert!(ended.text.contains("the agent ended ("), "{}", ended.text);
}

#[tokio::test]
async fn a_viewer_neither_types_nor_resizes() {
    let (server, project) = idle().await;
    let reader = Attached::start(&server, &["p", "--read-only"], SIZE);
    reader.until_shows("this shows p: Ctrl+] leaves");
    reader.keys("x");
    reader.keys("\r");
    let writer = Attached::start(&server, &["p", "--viewer"], (120, 40));
    writer.until_shows("❯");
    writer.keys("y");
    // Text from the viewer would appear before this text.
    reader.until_shows("❯ y");
    writer.until_shows("❯ y\n");
    until_size(&server, &project, (120, 40)).await;
    reader.keys("\x1d");
    assert_eq!(reader.ended().code, 0);
}

/// An agent in raw mode: the agent waits for a start signal, prints given queries, and records its
/// input.
fn recorder(asks: &str) -> Agent {
    let script = "stty raw -echo; printf 'ready '; head -c 1 > \"$HOME/begun\"";
    Agent::script(&format!(
        "{script}; printf '{asks}begun'; cat > \"$HOME/read\""
    ))
}

fn read(server: &Server) -> Vec<u8> {
    fs::read(server.agent.home.path().join("read")).unwrap_or_default()
}

#[tokio::test]
async fn queries_are_answered_once() {
    let asks = "\x1b[c\x1b[6n\x1b[>q\x1b[5n\x1b[?2026$p";
    let server = Server::start(recorder(&asks.replace('\x1b', "\\033"))).await;
    server.project("p").await;
    // The size of a new session, so that no snapshot replaces the queries.
    let size = (120, 40);
    let attached = Attached::start(&server, &["p"], size);
    let other = Attached::start(&server, &["p"], size);
    attached.until_shows("ready");
    other.until_shows("ready");
    attached.keys("!");
    attached.until_shows("begun");
    other.until_shows("begun");
    // The replies of an equal screen.
    let mut screen = Terminal::new(Size::new(size.0, size.1).unwrap());
    let mut wanted = Vec::new();
    screen.feed(format!("ready {asks}").as_bytes(), &mut wanted);
    assert!(wanted.len() > 20);
    eventually("the answers", || read(&server).len() >= wanted.len()).await;
    attached.keys("\x03");
    wanted.push(3);
    eventually("Ctrl+C", || read(&server).len() >= wanted.len()).await;
    attached.keys("\x1a\x1c\x04.");
    wanted.extend(b"\x1a\x1c\x04.");
    eventually("the last key", || read(&server).ends_with(b".")).await;
    assert_eq!(
        String::from_utf8_lossy(&read(&server)),
        String::from_utf8_lossy(&wanted)
    );
    // The queries do not reach the user's terminal.
    let drawn = attached.terminal.output();
    for query in asks.split_inclusive(['c', 'n', 'q', 'p']) {
        let asked = drawn.windows(query.len()).any(|w| w == query.as_bytes());
        assert!(!asked, "{query:?}");
    }
}

#[tokio::test]
async fn signals_restore_the_terminal() {
    let (server, project) = idle().await;
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let attached = Attached::start(&server, &["p"], SIZE);
        attached.until_shows("❯");
        attached.signal(signal).await;
        let ended = attached.ended();
        assert_eq!(ended.code, 1);
        assert!(
            ended.text.contains(&format!("left after {name}")),
            "{}",
            ended.text
        );
    }
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    attached.signal(Signal::HUP).await;
    assert_eq!(attached.ended().code, 1);
    assert_eq!(server.session(&project).await["status"], "running");
}

#[tokio::test]
async fn suspending_and_resuming_keeps_the_screen() {
    let (server, _) = idle().await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("❯");
    attached.keys("a");
    attached.until_shows("❯ a");
    attached.terminal.wait_text("\x1b[?1000h");
    let drawings = |bytes: &[u8]| bytes.windows(4).filter(|w| w == b"\x1b[2J").count();
    let before = drawings(&attached.terminal.output());
    attached.signal(Signal::STOP).await;
    attached.signal(Signal::CONT).await;
    attached
        .terminal
        .wait_output(|bytes| drawings(bytes) > before);
    attached.until_shows("❯ a");
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn attach_failures_name_their_reason() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.project("pq").await;
    server.project("pr").await;
    let fails = |arguments: &[&str], code: i32, text: &str| {
        let ended = Attached::start(&server, arguments, (160, 20)).ended();
        assert_eq!(ended.code, code, "{}", ended.text);
        assert!(ended.text.contains(text), "{}", ended.text);
    };
    fails(&["nope"], 1, "there is no project `nope`: `wxcode ls`");
    let wrong = server.agent.home.path().join("wrong");
    fs::write(&wrong, "wrong-token").unwrap();
    let wrong = ["--token-file", wrong.to_str().unwrap(), "p"];
    fails(&wrong, 1, "wxcode token");
    fails(&["p", "--detach-key", "x"], 2, "such as ctrl-]");
    fails(
        &["p", "--server", "https://localhost:1"],
        2,
        "needs a token",
    );
    fails(&[], 2, "<PROJECT>");
    // Standard input is no terminal.
    let (code, text) = run(&server, &["attach", "p"]).await;
    assert_eq!(code, Some(2));
    assert!(text.contains("wxcode send"), "{text}");
    assert_eq!(server.session(&project).await["status"], "none");

    let workspace = server.workspace(&project).await;
    fs::remove_dir_all(&workspace).unwrap();
    fails(&["p"], 1, "(4003)");
}

#[tokio::test]
async fn the_detach_key_is_configurable() {
    let (server, _) = idle().await;
    let attached = Attached::start(&server, &["p", "--detach-key", "ctrl-q"], SIZE);
    attached.until_shows("Ctrl+Q leaves");
    attached.keys("\x11");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn attach_works_with_the_real_claude_code() {
    let Some(agent) = real() else {
        return;
    };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let attached = Attached::start(&server, &["p"], (100, 30));
    server.idle(&project).await;
    attached.keys("what is attached");
    attached.until_shows("what is attached");
    let modes = attached.modes();
    assert!(modes.bracketed_paste && modes.focus);
    attached.keys("\r");
    let stub = server.agent.stub.as_ref().expect("it has one");
    eventually("the model is asked", || {
        let asked = stub.requests();
        let mut turns = asked.iter().filter(|request| request.is_turn());
        turns.any(|turn| turn.user_texts().iter().any(|t| t == "what is attached"))
    })
    .await;
    server.idle(&project).await;
    until_same(&server, &project, &attached).await;
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
    assert_eq!(server.session(&project).await["status"], "running");
}

//! The keyboard protocols and the clipboard of the terminal around `wxcode attach`.

use std::fs;

use rustix::process::Signal;

use super::{SIZE, idle};
use crate::support::{Agent, Attached, Server, eventually, real};

/// Asks for both protocols, and records the input.
const ASKS: &str = "stty raw -echo; printf '\\033[>1u\\033[>4;2mready'; cat > typed";
/// Copies each line unchanged, after its echo.
const COPIES: &str = "stty -echo; echo up; while read -r line; do \
    printf '<%s>\\n\\033]52;%s\\007' \"$line\" \"$line\"; done";

fn count(attached: &Attached, sequence: &[u8]) -> usize {
    let output = attached.terminal.output();
    let found = output.windows(sequence.len());
    found.filter(|window| *window == sequence).count()
}

fn until_count(attached: &Attached, sequence: &'static [u8], wanted: usize) {
    attached.terminal.wait_output(|output| {
        let found = output.windows(sequence.len());
        found.filter(|window| *window == sequence).count() == wanted
    });
}

/// Counts of pushes and pops, and of level 2 and the reset of modifyOtherKeys.
fn protocols(attached: &Attached) -> [usize; 4] {
    [
        b"\x1b[>1u".as_slice(),
        b"\x1b[<u",
        b"\x1b[>4;2m",
        b"\x1b[>4m",
    ]
    .map(|sequence| count(attached, sequence))
}

#[tokio::test]
async fn keyboard_protocols_come_and_go() {
    let server = Server::start(Agent::script(ASKS)).await;
    let project = server.project("p").await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("ready");
    assert_eq!(protocols(&attached), [1, 0, 1, 0]);
    // Shift+Enter as the terminal sends the keys now.
    attached.keys("a\x1b[13;2ub");
    let typed = server.workspace(&project).await.join("typed");
    let read = || fs::read_to_string(&typed).unwrap_or_default();
    eventually("the key arrives unchanged", || read() == "a\x1b[13;2ub").await;

    // The shell gets its own keys back while the program is stopped.
    attached.signal(Signal::TSTP).await;
    until_count(&attached, b"\x1b[?1049l", 1);
    assert_eq!(protocols(&attached), [1, 1, 1, 1]);
    attached.signal(Signal::CONT).await;
    until_count(&attached, b"\x1b[?1049h", 2);
    attached.until_shows("ready");
    assert_eq!(protocols(&attached), [2, 1, 2, 1]);
    attached.keys("c\x1b[93:125;69:1u");
    assert_eq!(attached.ended().code, 0);
    eventually("keys before the detach key", || read().ends_with("bc")).await;

    // A screen sets the protocols for a later terminal, and a signal resets the protocols as well.
    let later = Attached::start(&server, &["p"], SIZE);
    later.until_shows("ready");
    assert_eq!(protocols(&later), [1, 0, 1, 0]);
    later.signal(Signal::TERM).await;
    until_count(&later, b"\x1b[<u", 1);
    assert_eq!(protocols(&later), [1, 1, 1, 1]);
    assert_eq!(later.ended().code, 1);
}

#[tokio::test]
async fn the_detach_key_leaves_in_each_encoding() {
    let (server, _) = idle().await;
    for key in ["\x1d", "\x1b[93;5u", "\x1b[93;133:1u", "\x1b[27;5;93~"] {
        let attached = Attached::start(&server, &["p"], SIZE);
        attached.until_shows("❯");
        attached.keys(key);
        assert_eq!(attached.ended().code, 0, "{key:?}");
    }
}

#[tokio::test]
async fn copies_reach_the_drivers_terminal_once() {
    let server = Server::start(Agent::script(COPIES)).await;
    server.project("p").await;
    let driver = Attached::start(&server, &["p"], SIZE);
    driver.until_shows("up");
    let viewer = Attached::start(&server, &["p", "--viewer"], SIZE);
    viewer.until_shows("up");
    driver.keys("c;b25l\r");
    until_count(&driver, b"\x1b]52;c;b25l\x07", 1);
    // Without a selection, the clipboard is meant.
    driver.keys(";dHdv\r");
    until_count(&driver, b"\x1b]52;c;dHdv\x07", 1);
    driver.keys("c;?\r");
    driver.until_shows("<c;?>");
    driver.keys("c;dGhyZWU=\r");
    until_count(&driver, b"\x1b]52;c;dGhyZWU=\x07", 1);
    assert_eq!(count(&driver, b"\x1b]52;"), 3, "a request to read");

    viewer.until_shows("<c;dGhyZWU=>");
    assert_eq!(count(&viewer, b"\x1b]52;"), 0, "a second client");
    let later = Attached::start(&server, &["p"], SIZE);
    later.until_shows("<c;dGhyZWU=>");
    assert_eq!(count(&later, b"\x1b]52;"), 0, "a screen");
    for attached in [driver, viewer, later] {
        attached.keys("\x1d");
        assert_eq!(attached.ended().code, 0);
    }
}

#[tokio::test]
async fn a_replay_copies_nothing() {
    let script = "echo up; until [ -e go ]; do sleep 0.1; done; printf '\\033]52;c;b25l\\007'; \
        echo replayed; until [ -e on ]; do sleep 0.1; done; printf '\\033]52;c;dHdv\\007'; cat";
    let mut server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    let attached = Attached::start(&server, &["p"], SIZE);
    attached.until_shows("up");
    let workspace = server.workspace(&project).await;
    let dir = server.session_dirs().remove(0);
    server.crash().await;
    fs::write(workspace.join("go"), "").unwrap();
    let logged = || {
        let segments = fs::read_dir(dir.join("log")).into_iter().flatten();
        let mut logs = segments.map(|segment| fs::read(segment.unwrap().path()).unwrap());
        logs.any(|log| log.windows(8).any(|window| window == b"replayed"))
    };
    eventually("the agent writes without a server", logged).await;
    server.up().await;
    attached.until_shows("replayed");
    attached.until(|screen| !screen.contains("is away"));
    assert_eq!(count(&attached, b"\x1b]52;"), 0);
    // Driving again, the window copies live output.
    attached.keys("x");
    attached.until_shows("x");
    fs::write(workspace.join("on"), "").unwrap();
    until_count(&attached, b"\x1b]52;c;dHdv\x07", 1);
    attached.keys("\x1d");
    assert_eq!(attached.ended().code, 0);
}

#[tokio::test]
async fn shift_enter_is_a_new_line_for_the_real_claude() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let attached = Attached::start(&server, &["p"], (100, 30));
    server.idle(&project).await;
    // The real agent asks for a protocol once the holder answers the agent's query.
    attached.terminal.wait_output(|output| {
        let asks = |sequence: &[u8]| output.windows(sequence.len()).any(|seen| seen == sequence);
        asks(b"\x1b[>1u") || asks(b"\x1b[>5u") || asks(b"\x1b[>4;2m")
    });
    attached.keys("first line\x1b[13;2usecond line");
    attached.until_shows("second line");
    attached.keys("\r");
    let stub = server.agent.stub.as_ref().expect("it has one");
    eventually("both lines are one prompt", || {
        let asked = stub.requests();
        let mut turns = asked.iter().filter(|request| request.is_turn());
        turns.any(|turn| {
            let texts = turn.user_texts();
            texts.iter().any(|text| text == "first line\nsecond line")
        })
    })
    .await;
    server.idle(&project).await;
    attached.keys("\x1b[93;5u");
    assert_eq!(attached.ended().code, 0);
}

//! The server dies at each step of a delivery: the agent takes the command exactly once, and the
//! delivery says so.

use std::sync::{
    Arc,
    atomic::{AtomicI32, Ordering::SeqCst},
};
use wxcode_protocol::Output;

use rustix::process::{Pid, Signal, kill_process};
use wxcode_holder::client::{Event, Request};

use crate::support::{Agent, Frame, Proxy, Server, Stop, is_stopped};

const TEXT: &str = "only once";
const ENTER: &[u8] = b"\r";
const STASH: &[u8] = b"\x13";

fn types(keys: &'static [u8], frame: &Frame) -> bool {
    matches!(frame, Frame::Request(Request::LockedInput { bytes, .. }) if bytes[..] == *keys)
}

fn is_report(frame: &Frame) -> bool {
    match frame {
        Frame::Event(Event::Hook { payload, .. }) => {
            String::from_utf8_lossy(payload).contains("UserPromptSubmit")
        }
        _ => false,
    }
}

/// The steps by name. The store writes lie between them: `written` before the text is sent, the
/// attempt after the Enter, `submitted` after the hook.
const STEPS: &[(&str, Stop)] = &[
    ("asks for the keyboard", |frame| {
        matches!(frame, Frame::Request(Request::Lock { .. }))
    }),
    ("has the keyboard", |frame| {
        matches!(frame, Frame::Event(Event::Locked { .. }))
    }),
    (
        "looks at the prompt",
        |frame| matches!(frame, Frame::Request(Request::Screen { id }) if *id >= 1 << 63),
    ),
    ("puts the draft aside", |frame| types(STASH, frame)),
    ("types the text", |frame| {
        matches!(frame, Frame::Request(Request::LockedDeliver { .. }))
    }),
    ("hears that it is typed", |frame| {
        matches!(frame, Frame::Event(Event::Delivered { .. }))
    }),
    ("presses Enter", |frame| types(ENTER, frame)),
    ("hears that Enter is typed", |frame| {
        matches!(
            frame,
            Frame::Event(Event::Output(Output::InputTaken { .. }))
        )
    }),
    ("hears that it is submitted", is_report),
    ("gives the keyboard back", |frame| {
        matches!(frame, Frame::Request(Request::Unlock { .. }))
    }),
];

/// Delivers with a draft in the prompt; the server dies before or after a step.
async fn dies_at(name: &str, stop: Stop, behind: bool) {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let idle = |session: &serde_json::Value| session["agent_state"] == "idle";
    server.session_until(&project, "idle", idle).await;
    let terminal = format!("/output-projects/{project}/terminal");
    let mut socket = server.socket(&terminal).await;
    socket.input("half a thought").await;
    socket.until("❯ half a thought").await;
    socket.drop_connection();
    server.crash().await;

    let dir = server.session_dirs().remove(0);
    let mut proxy = Proxy::new(&dir, stop, behind);
    server.up().await;
    let delivery = server.deliver(&project, TEXT).await;
    proxy.stopped().await;
    server.crash().await;
    proxy.take_away();
    server.up().await;

    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert!(done["error"].is_null(), "{name}: {done}");
    let screen = format!("/output-projects/{project}/screen");
    let shown = server
        .until(&screen, "the draft is back", |screen| {
            screen
                .as_str()
                .is_some_and(|screen| screen.contains("❯ half a thought"))
        })
        .await;
    let shown = shown.as_str().unwrap();
    let once = "fake: 1 user message; last: only once";
    assert!(shown.contains(once), "{name}, behind: {behind}:\n{shown}");
}

#[tokio::test]
async fn a_server_dying_before_each_step() {
    for (name, stop) in STEPS {
        dies_at(name, *stop, false).await;
    }
}

#[tokio::test]
async fn a_server_dying_after_each_step() {
    for (name, stop) in STEPS {
        dies_at(name, *stop, true).await;
    }
}

/// Sends a signal, and waits for the effect of a stop.
fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    while signal == Signal::STOP && !is_stopped(pid) {
        std::thread::yield_now();
    }
}

/// The last report before the holder's end counts, even when later frames could not be sent.
#[tokio::test]
async fn a_holder_lost_after_the_report_confirms() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let idle = |session: &serde_json::Value| session["agent_state"] == "idle";
    server.session_until(&project, "idle", idle).await;
    server.crash().await;

    let dir = server.session_dirs().remove(0);
    let pid = Arc::new(AtomicI32::new(0));
    let stopping = Arc::clone(&pid);
    // The server sees the report and the end of the connection together, so the server cannot
    // release the input lock.
    let mut proxy = Proxy::breaking(&dir, is_report, move || {
        signal(stopping.load(SeqCst), Signal::STOP);
    });
    server.up().await;
    pid.store(server.pid(), SeqCst);
    let delivery = server.deliver(&project, TEXT).await;
    proxy.stopped().await;
    proxy.take_away();
    signal(server.pid(), Signal::CONT);
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert!(done["error"].is_null(), "{done}");
}

//! The binary protocol: offsets, sizes and roles, credit, and input typed exactly once.

use std::fs;

use tokio_tungstenite::tungstenite::Message;
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{CREDIT, ClientFrame, Role, ServerFrame};

use crate::support::{Agent, Server, Wire, eventually, is_alive};

const NAME: &str = "client=00112233445566778899aabbccddeeff";

/// An agent with an echo of each line in angle brackets.
const LINES: &str = "stty -echo; echo up; while read -r line; do echo \"<$line>\"; done";

async fn start(script: &str) -> (Server, String) {
    let server = Server::start(Agent::script(script)).await;
    let project = server.project("p").await;
    (server, project)
}

#[tokio::test]
async fn the_screen_precedes_history() {
    let (server, project) = start("seq 1 500; echo up; exec cat").await;
    let mut first = Wire::attach(&server, &project, "").await;
    first.until_shown("up").await;
    let mut wire = Wire::attach(&server, &project, "").await;
    assert!(wire.status.resumed && !wire.status.read_only);
    wire.until_shown("up").await;
    assert_eq!((wire.snapshots, wire.received), (1, 0));
    assert_eq!(wire.size(), Some((120, 40)));
    let bare = wire.screen.as_ref().unwrap().snapshot_with_history(1 << 20);
    assert!(!String::from_utf8_lossy(&bare).contains("\n101\r"));
    let offset = wire.offset;
    wire.send(ClientFrame::Redraw { history: 1 << 20 }).await;
    wire.until("redrawn", |wire| wire.snapshots == 2).await;
    assert_eq!(wire.offset, offset);
    let whole = wire.screen.as_ref().unwrap().snapshot_with_history(1 << 20);
    assert!(String::from_utf8_lossy(&whole).contains("\n101\r"));
}

#[tokio::test]
async fn resuming_continues_at_the_byte() {
    let (mut server, project) = start(LINES).await;
    let mut wire = Wire::attach(&server, &project, NAME).await;
    wire.until_shown("up").await;
    assert_eq!(wire.input("one\n").await, 1);
    wire.until_shown("<one>").await;
    server.crash().await;
    server.up().await;
    let mut again = Wire::resume(&server, &project, wire, NAME).await;
    assert_eq!(again.status.input, 1);
    // Input sent again after a possibly lost acknowledgement is not typed again.
    again.type_as(1, "one\n").await;
    assert_eq!(again.input("two\n").await, 2);
    again.until_shown("<two>").await;
    assert_eq!(again.snapshots, 1, "no screen but the first");
    assert_eq!(again.text().matches("<one>").count(), 1);
    again
        .until("both are answered", |wire| {
            let taken = |n| {
                wire.frames
                    .contains(&ServerFrame::Output(Output::InputTaken { seq: n }))
            };
            taken(1) && taken(2)
        })
        .await;
    // An offset of another session means nothing.
    let query = "session=0123456789abcdef01234567&since=3";
    let mut other = Wire::attach(&server, &project, query).await;
    other.until_shown("<two>").await;
    assert_eq!((other.snapshots, other.received), (1, 0));
    // Without a session the offset is one of the present session.
    let mut bare = Wire::attach(&server, &project, "since=0").await;
    loop {
        match bare.read().await.expect("output") {
            ServerFrame::Output(Output::Output { offset, .. }) => break assert_eq!(offset, 0),
            ServerFrame::Output(Output::Snapshot { .. }) => panic!("a snapshot"),
            _ => {}
        }
    }
    assert_eq!(bare.snapshots, 0);
}

#[tokio::test]
async fn one_client_drives_and_viewers_know() {
    let (server, project) = start(LINES).await;
    let mut desk = Wire::attach(&server, &project, "").await;
    desk.until_shown("up").await;
    assert_eq!(desk.role, Some(Role::Viewer), "nobody drives yet");
    desk.resize(100, 30).await;
    desk.until("it drives", |wire| wire.role == Some(Role::Driver))
        .await;
    desk.until("resized", |wire| wire.size() == Some((100, 30)))
        .await;
    let mut phone = Wire::attach(&server, &project, "").await;
    phone.until_shown("up").await;
    phone.resize(44, 20).await;
    // Reports of focus and of the mouse are not typing.
    phone.input("\x1b[I\x1b[<0;1;1M").await;
    phone.input("hello\n").await;
    phone
        .until("it drives", |wire| wire.role == Some(Role::Driver))
        .await;
    phone
        .until("resized", |wire| wire.size() == Some((44, 20)))
        .await;
    desk.until("it looks", |wire| wire.role == Some(Role::Viewer))
        .await;
    desk.until("told of it", |wire| wire.size() == Some((44, 20)))
        .await;
    // The viewer's own window does not matter until the viewer asks to drive.
    desk.resize(90, 30).await;
    desk.send(ClientFrame::Drive).await;
    desk.until("it drives", |wire| wire.role == Some(Role::Driver))
        .await;
    desk.until("resized", |wire| wire.size() == Some((90, 30)))
        .await;
    phone
        .until("told of it", |wire| wire.size() == Some((90, 30)))
        .await;
    let session = server.session(&project).await;
    assert_eq!(
        (&session["cols"], &session["clients"]),
        (&90.into(), &2.into())
    );
    drop(desk);
    server
        .session_until(&project, "it left", |session| session["clients"] == 1)
        .await;
    phone.resize(50, 25).await;
    server
        .session_until(&project, "the next window", |session| session["cols"] == 50)
        .await;
}

#[tokio::test]
async fn focus_and_mouse_reports_make_no_driver() {
    let (server, project) = start(LINES).await;
    let mut desk = Wire::attach(&server, &project, "").await;
    desk.resize(100, 30).await;
    desk.until("resized", |wire| wire.size() == Some((100, 30)))
        .await;
    let mut phone = Wire::attach(&server, &project, "").await;
    phone.until_shown("up").await;
    phone.resize(44, 20).await;
    let number = phone.input("\x1b[I\x1b[<0;1;1M").await;
    phone
        .until("typed", |wire| {
            wire.frames
                .contains(&ServerFrame::Output(Output::InputTaken { seq: number }))
        })
        .await;
    assert_eq!(
        (phone.role, phone.size()),
        (Some(Role::Viewer), Some((100, 30)))
    );
}

#[tokio::test]
async fn a_read_only_client_changes_nothing() {
    let (server, project) = start(LINES).await;
    server.start_session(&project).await;
    let mut wire = Wire::attach(&server, &project, "read_only=true").await;
    assert!(wire.status.read_only);
    wire.until_shown("up").await;
    wire.input("typed\n").await;
    wire.resize(44, 20).await;
    wire.send(ClientFrame::Drive).await;
    wire.send(ClientFrame::Signal(
        wxcode_holder::client::Signal::Terminate,
    ))
    .await;
    let refusals = |wire: &Wire| {
        let refused = |frame: &&ServerFrame| match frame {
            ServerFrame::Output(Output::Error { code, .. }) => code == "READ_ONLY",
            _ => false,
        };
        wire.frames.iter().filter(refused).count()
    };
    wire.until("all are refused", |wire| refusals(wire) == 4)
        .await;
    assert!(wire.frames.iter().any(
        |frame| matches!(frame, ServerFrame::Output(Output::InputRefused { seq: 1, reason }) if !reason.is_empty())
    ));
    let mut other = Wire::attach(&server, &project, "").await;
    other.input("mine\n").await;
    wire.until_shown("<mine>").await;
    assert!(!wire.text().contains("typed"));
    assert_eq!(wire.size(), Some((120, 40)));
}

#[tokio::test]
async fn an_unacknowledging_client_gets_only_its_credit() {
    let script = "stty -echo; echo up; read -r line; seq 1 400000; echo the end; exec cat";
    let (server, project) = start(script).await;
    let mut stuck = Wire::attach(&server, &project, "").await;
    stuck.acknowledges = false;
    let mut swift = Wire::attach(&server, &project, "").await;
    swift.until_shown("up").await;
    swift.input("\n").await;
    // On a busy machine the client also falls behind the ring buffer and gets the newest screen.
    swift.until_shown("the end").await;
    // The count includes all sent bytes, with the first screen and the last frame.
    let most = (CREDIT + (64 << 10)) as u64;
    while stuck.received + (64 << 10) < CREDIT as u64 {
        assert!(stuck.next().await);
    }
    // No output comes before an acknowledgement; answers to other requests do.
    for answers in 1..=5 {
        stuck
            .send_raw(Message::Binary(vec![6, 0, 0, 0, 0].into()))
            .await;
        stuck
            .until("it is answered", |wire| wire.frames.len() == answers)
            .await;
    }
    assert!(stuck.received < most, "{}", stuck.received);
    stuck.acknowledges = true;
    let offset = stuck.offset;
    stuck.send(ClientFrame::Ack(offset)).await;
    stuck.until_shown("the end").await;
    assert_eq!(stuck.snapshots, 2);
    assert_eq!(stuck.offset, swift.offset);
    assert!(stuck.drawn() == swift.drawn(), "it ends up exact");
}

#[tokio::test]
async fn the_exit_follows_the_last_byte() {
    let (server, project) = start("echo up; read -r line; seq 1 5000; exit 3").await;
    let mut wire = Wire::attach(&server, &project, "").await;
    wire.until_shown("up").await;
    wire.input("\n").await;
    assert_eq!(wire.until_closed().await, 1000);
    assert!(wire.text().contains("5000"), "{}", wire.text());
    let Some(ServerFrame::Output(Output::Exited(exit))) = wire.frames.last() else {
        panic!("{:?}", wire.frames);
    };
    assert_eq!((exit.code, exit.signal), (Some(3), None));
    assert_eq!(exit.offset, wire.offset);
}

/// A client without credit; the client's agent has written this much more and ended.
async fn behind_at_the_end(server: &Server, project: &str) -> Wire {
    let mut wire = Wire::attach(server, project, "").await;
    wire.until_shown("up").await;
    wire.acknowledges = false;
    wire.input("\n").await;
    server
        .session_until(project, "ended", |session| session["status"] == "exited")
        .await;
    // The holder exits once its clients have all output on its way, or after a bounded wait.
    let holder = Server::pids(&server.session_dirs()[0]).unwrap().0;
    eventually("the holder is gone", || !is_alive(holder)).await;
    wire
}

async fn ends(wire: &mut Wire) {
    wire.acknowledges = true;
    let offset = wire.offset;
    wire.send(ClientFrame::Ack(offset)).await;
    assert_eq!(wire.until_closed().await, 1000);
    let Some(ServerFrame::Output(Output::Exited(exit))) = wire.frames.last() else {
        panic!("{:?}", wire.frames);
    };
    assert_eq!(exit.offset, wire.offset);
    assert!(wire.text().contains("the end"), "{}", wire.text());
}

#[tokio::test]
async fn typing_after_the_exit_loses_nothing() {
    let script = "stty -echo; echo up; read -r line; seq 1 50000; echo the end";
    let (server, project) = start(script).await;
    let mut wire = behind_at_the_end(&server, &project).await;
    // No agent reads the input.
    wire.input("too late").await;
    wire.heard().await;
    ends(&mut wire).await;
    assert_eq!(wire.snapshots, 1, "it goes on at the byte");
}

#[tokio::test]
async fn a_slow_client_gets_the_last_screen() {
    let script = "stty -echo; echo up; read -r line; seq 1 200000; echo the end";
    let (server, project) = start(script).await;
    let mut wire = behind_at_the_end(&server, &project).await;
    ends(&mut wire).await;
}

#[tokio::test]
async fn bad_messages_and_queries_are_refused() {
    let (server, project) = start(LINES).await;
    let mut wire = Wire::attach(&server, &project, "").await;
    let bad: [&[u8]; 5] = [b"", b"\x04\0", b"\x06\0\0\0\x10", b"\x07\x63", b"\x10"];
    for (n, message) in bad.into_iter().enumerate() {
        wire.send_raw(Message::Binary(message.to_vec().into()))
            .await;
        wire.until("it is answered", |wire| wire.frames.len() == n + 1)
            .await;
    }
    wire.send_raw(Message::text("{}")).await;
    wire.send_raw(Message::Binary(
        b"\xee of a later version".as_slice().into(),
    ))
    .await;
    let mut large = vec![0; 9 + (4 << 20) + 1];
    large[0] = 4;
    wire.send_raw(Message::Binary(large.into())).await;
    wire.until("all are answered", |wire| wire.frames.len() == 7)
        .await;
    let code = |frame: &ServerFrame| match frame {
        ServerFrame::Output(Output::Error { code, .. }) => code.clone(),
        other => panic!("{other:?}"),
    };
    let codes: Vec<String> = wire.frames.iter().map(code).collect();
    assert!(codes[..6].iter().all(|code| code == "VALIDATION"));
    assert_eq!(codes[6], "TOO_LARGE");
    wire.input("still here\n").await;
    wire.until_shown("<still here>").await;
    for query in ["since=x", "client=12", "read_only=perhaps"] {
        let path = format!("/output-projects/{project}/terminal?{query}");
        let mut socket = server.socket(&path).await;
        assert_eq!(socket.message("error").await["code"], "VALIDATION");
        assert_eq!(socket.close_code().await, 1008, "{query}");
    }
}

#[tokio::test]
async fn ctrl_c_overtakes_a_paste() {
    // The agent is raw, writes much, and reads only on request; the client's socket is full of
    // unread output.
    let script = "stty raw -echo; echo up; seq 1 200000; touch written; \
        while [ ! -e go ]; do sleep 0.02; done; cat >typed";
    let (server, project) = start(script).await;
    let mut wire = Wire::attach(&server, &project, "").await;
    let workspace = server.workspace(&project).await;
    eventually("all is written", || workspace.join("written").exists()).await;
    let paste = "x".repeat(1 << 20);
    wire.acknowledges = false;
    wire.input(&format!("\x1b[200~{paste}\x1b[201~")).await;
    wire.input("\x03").await;
    wire.input("end").await;
    // The answer to a bad message comes after all earlier input went to the holder; the holder then
    // acknowledges the input.
    wire.send_raw(Message::Binary(Vec::new().into())).await;
    wire.until("it is answered", |wire| !wire.frames.is_empty())
        .await;
    let dirs = server.session_dirs();
    let holder = wxcode_holder::client::connect(&dirs[0]).await.unwrap();
    assert!(holder.welcome.info.input_waiting > 512 << 10);
    fs::write(workspace.join("go"), "").unwrap();
    let typed = workspace.join("typed");
    eventually("all is typed", || {
        fs::read(&typed).is_ok_and(|typed| typed.ends_with(b"end"))
    })
    .await;
    let typed = fs::read_to_string(typed).unwrap();
    assert!(typed.find('\x03').unwrap() < 512 << 10, "not behind it");
    let whole = typed.replace("\x1b[201~\x03\x1b[200~", "");
    assert!(whole == format!("\x1b[200~{paste}\x1b[201~end"));
}

/// A client leaves while output flows to it: its socket breaks with unread bytes.
#[tokio::test]
async fn the_last_input_before_leaving_arrives() {
    const FLOOD: &str =
        "stty -echo; echo up; yes & while read -r line; do echo \"$line\" >> typed; done";
    const ROUNDS: usize = 40;
    let (server, project) = start(FLOOD).await;
    let typed = server.workspace(&project).await.join("typed");
    for round in 0..ROUNDS {
        let mut wire = Wire::attach(&server, &project, "").await;
        let before = wire.offset;
        wire.until("output flows", |wire| wire.offset > before + 100_000)
            .await;
        wire.input(&format!("{round}\n")).await;
        wire.disconnect();
    }
    // Clients do not wait for one another.
    let rounds = || {
        let typed = fs::read_to_string(&typed).unwrap_or_default();
        let mut rounds: Vec<usize> = typed.lines().map(|line| line.parse().unwrap()).collect();
        rounds.sort_unstable();
        rounds
    };
    let wanted: Vec<usize> = (0..ROUNDS).collect();
    eventually("each last input arrives", || rounds() == wanted).await;
}

//! A holder of the first version of the protocol, as a build of that time was recorded: the server of today serves its session.
//!
//! The recording is `fixtures/holder-1`. `WXCODE_OLD_PROGRAM=… cargo test -p wxcode --test e2e -- --ignored upgrade::recorded`
//! makes it again with such a program, and runs that program itself under the server of today.

mod double;
mod tool;

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use wxcode_terminal::Screen as _;
use wxcode_wire::ServerFrame;

use crate::support::{Agent, Server, Wire};
use double::{Double, Recording};

/// What is delivered in the recording, and what is typed.
const TEXT: &str = "hello from the recording";
const KEYS: &str = "a draft";

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/fixtures/holder-1");
    fs::read(folder.join(name)).unwrap()
}

/// Makes the folder of the recorded session, as if this server's predecessor had started it for the project.
fn make_session(server: &Server, project: &str, double: &Double) -> std::path::PathBuf {
    let mut spec: Value = serde_json::from_slice(&fixture("spec.json")).unwrap();
    let id = spec["session_id"].as_str().unwrap().to_owned();
    spec["note"]["project_id"] = json!(project);
    spec["note"]["config_dir"] = json!(server.agent.home.path());
    let mut holder: Value = serde_json::from_slice(&fixture("holder.json")).unwrap();
    assert_eq!(
        (&holder["protocol_min"], &holder["protocol_max"]),
        (&json!(1), &json!(1))
    );
    double.stand_in(&mut holder);
    let dir = server.data_dir().join("sessions").join(id);
    fs::create_dir_all(&dir).unwrap();
    for (name, value) in [("spec.json", spec), ("holder.json", holder)] {
        fs::write(dir.join(name), value.to_string()).unwrap();
    }
    dir
}

#[tokio::test]
async fn the_session_of_a_holder_of_the_first_protocol_is_adopted_shown_typed_into_and_ended() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("old").await;
    server.terminate().await;
    let recording = Recording::parse(&String::from_utf8(fixture("conversation")).unwrap());
    let mut double = Double::new(recording);
    let dir = make_session(&server, &project, &double);
    double.listen(&dir);
    server.up().await;

    // Adopted, by its recorded hooks and its recorded screen.
    let idle = |session: &Value| session["agent_state"] == "idle";
    let session = server.session_until(&project, "idle", idle).await;
    assert_eq!(session["status"], "running");
    assert_eq!(session["pid"], double.agent_pid());
    let note: Value = serde_json::from_slice(&fixture("spec.json")).unwrap();
    assert_eq!(
        session["claude_session_id"],
        note["note"]["claude_session_id"]
    );

    // The screen is what it sent, to the byte.
    let mut wire = Wire::attach(&server, &project, "").await;
    let (offset, size, bytes) = double.recording().snapshot();
    loop {
        match wire.read().await.unwrap() {
            ServerFrame::Snapshot {
                offset: at,
                size: now,
                bytes: drawn,
            } => {
                assert_eq!((at, now), (offset, size));
                assert_eq!(drawn, bytes);
                break;
            }
            ServerFrame::Role(_) => {}
            other => panic!("{other:?}"),
        }
    }
    let mut screen = wxcode_terminal::Terminal::new(size);
    screen.feed(&bytes, &mut Vec::new());
    wire.screen = Some(screen);
    wire.offset = offset;

    // A delivery by the rules of that time: the text with its key, a look, Enter as a key.
    let delivery = server.deliver(&project, TEXT).await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    wire.until_shown(&format!("1 user message; last: {TEXT}"))
        .await;
    server.session_until(&project, "idle again", idle).await;
    wire.input(KEYS).await;
    wire.until_shown(KEYS).await;
    wire.until("the input is taken", |wire| {
        wire.frames.contains(&ServerFrame::InputTaken(1))
    })
    .await;
    assert_eq!(wire.offset, double.recording().end());
    assert_eq!(double.typed(), [TEXT, "\r", KEYS]);

    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    let after = server.session(&project).await;
    assert_eq!(
        (&after["status"], &after["exit"]["reason"]),
        (&json!("exited"), &json!("stopped"))
    );
    let newer = double.asked().into_iter().filter(|code| *code > 13);
    assert_eq!(
        newer.collect::<Vec<_>>(),
        [0; 0],
        "that holder knows nothing of these"
    );
}

/// The real thing, by hand: a program of that time under the server of today.
#[tokio::test]
#[ignore = "needs a program of an older build in WXCODE_OLD_PROGRAM"]
async fn the_session_of_a_program_of_before_goes_on_under_the_server_of_today() {
    let old = std::env::var_os("WXCODE_OLD_PROGRAM").expect("WXCODE_OLD_PROGRAM");
    let mut server = Server::start(Agent::fake("")).await;
    server.terminate().await;
    let new = std::mem::replace(&mut server.program, vec![old]);
    server.up().await;
    let project = server.project("old").await;
    let session = server.start_session(&project).await;
    let idle = |session: &Value| session["agent_state"] == "idle";
    server.session_until(&project, "idle", idle).await;
    let before = server.deliver(&project, "before").await;
    server.delivery_until(&project, &before, "submitted").await;
    assert_eq!(server.terminate().await, Some(0));

    server.program = new;
    server.up().await;
    let dir = server.session_dirs().remove(0);
    let holder: Value =
        serde_json::from_slice(&fs::read(dir.join("holder.json")).unwrap()).unwrap();
    println!("an old holder: {holder:#}");
    let adopted = server.session_until(&project, "idle", idle).await;
    for key in ["status", "session_id", "pid", "claude_session_id"] {
        assert_eq!(adopted[key], session[key], "{key}");
    }
    let mut wire = Wire::attach(&server, &project, "client=00112233445566778899aabbccddeeff").await;
    wire.until_shown("last: before").await;
    let after = server.deliver(&project, "after").await;
    server.delivery_until(&project, &after, "submitted").await;
    wire.until_shown("fake: 2 user messages; last: after").await;
    wire.input("typed").await;
    wire.until_shown("typed").await;
    server.crash().await;
    server.up().await;
    let mut wire = Wire::resume(&server, &project, wire, "").await;
    wire.input(" more").await;
    wire.until_shown("typed more").await;
    let said = Command::new("grep")
        .arg("-c")
        .arg("WARN")
        .arg(server.data_dir().join("server.log"))
        .output();
    println!(
        "warnings: {}",
        String::from_utf8_lossy(&said.unwrap().stdout)
    );
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    assert_eq!(server.session(&project).await["exit"]["reason"], "stopped");
}

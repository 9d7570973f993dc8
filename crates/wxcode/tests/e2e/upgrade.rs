//! A newer build, a second server, a crashing server: the agents go on.

mod holder;
mod removed;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use wxcode_testbed::other_build;

use crate::support::{Agent, Server, eventually, holder_program, is_alive};

/// The build names of the older and the newer programs.
const BUILDS: (&str, &str) = (
    concat!("wxcode ", env!("CARGO_PKG_VERSION")),
    "wxcode 9.9.9",
);

/// Makes the programs of an upgrade: the same, with another build name.
fn newer(path: &Path) {
    let (old, new) = BUILDS;
    let wxcode = Path::new(env!("CARGO_BIN_EXE_wxcode"));
    install(path, &other_build(wxcode, old, new));
    let holder = path.with_file_name("wxcode-holder");
    install(&holder, &other_build(holder_program(), old, new));
}

/// Makes the server run replaceable copies of the programs; returns the path of `wxcode`.
async fn own_program(server: &mut Server) -> PathBuf {
    server.terminate().await;
    let program: PathBuf = server.data_dir().join("wxcode");
    install(&program, &fs::read(env!("CARGO_BIN_EXE_wxcode")).unwrap());
    let holder = program.with_file_name("wxcode-holder");
    install(&holder, &fs::read(holder_program()).unwrap());
    server.program = vec![program.clone().into()];
    server.up().await;
    program
}

/// Like a package manager: write next to the target, then rename.
fn install(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(beside, path).unwrap();
}

fn holder_of(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("holder.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_newer_build_adopts_older_sessions() {
    let mut agent = Agent::fake("");
    agent.config.push_str("[holder]\nupgrade = false\n");
    let mut server = Server::start(agent).await;
    let program = own_program(&mut server).await;
    let project = server.project("old").await;
    let session = server.start_session(&project).await;
    server.idle(&project).await;

    // The old program's file is gone while the old holder and the old server run.
    newer(&program);
    let hello = server.deliver(&project, "between the builds").await;
    server.delivery_until(&project, &hello, "submitted").await;
    assert_eq!(server.terminate().await, Some(0));
    server.up().await;
    let after = server.session(&project).await;
    for key in ["status", "session_id", "pid", "claude_session_id"] {
        assert_eq!(after[key], session[key], "{key}");
    }
    let dir = server.session_dirs().remove(0);
    assert_eq!(holder_of(&dir)["build"], BUILDS.0);
    let doctor = server.command(&["doctor"]).output().await.unwrap();
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let (old, new) = BUILDS;
    for build in [old, new] {
        assert!(doctor.contains(build), "{doctor}");
    }
    // The old holder types the text, the agent's own hook reports the text, the new server confirms
    // the delivery.
    server
        .session_until(&project, "idle again", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    let hello = server.deliver(&project, "after the upgrade").await;
    server.delivery_until(&project, &hello, "submitted").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket
        .until("fake: 2 user messages; last: after the upgrade")
        .await;

    let other = server.project("new").await;
    server.start_session(&other).await;
    let newest = server
        .session_dirs()
        .into_iter()
        .find(|found| *found != dir);
    assert_eq!(holder_of(&newest.unwrap())["build"], BUILDS.1);
    // The new server ends the old holder's session.
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    assert!(!is_alive(pid));
}

#[tokio::test]
async fn agents_survive_any_server_crash() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    // A panic with abort, a wild pointer, a stack overflow, and a closed terminal.
    for signal in [Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::HUP] {
        let own = Pid::from_raw(server.pid()).unwrap();
        kill_process(own, signal).unwrap();
        server.crash().await;
        assert!(is_alive(pid), "{signal:?}");
        server.up().await;
        assert_eq!(server.session(&project).await["pid"], session["pid"]);
    }
    server.idle(&project).await;
    let hello = server.deliver(&project, "still here").await;
    server.delivery_until(&project, &hello, "submitted").await;
}

#[tokio::test]
async fn a_second_server_changes_nothing() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = server.start_session(&project).await;
    let found = fs::read(server.data_dir().join("server.json")).unwrap();
    let second = server
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .await
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(second.stdout.is_empty());
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    let folder = server.data_dir().to_str().unwrap();
    assert!(
        text.contains(folder) && text.contains("end it first") && text.contains("--data-dir"),
        "{text}"
    );
    assert_eq!(
        fs::read(server.data_dir().join("server.json")).unwrap(),
        found,
        "the first one is still found"
    );
    assert_eq!(server.session(&project).await["pid"], session["pid"]);
}

#[tokio::test]
async fn a_stale_server_file_misleads_nobody() {
    let mut server = Server::start(Agent::fake("")).await;
    server.crash().await;
    // The pid in server.json may belong to another process: here, to this test.
    let stale = json!({ "address": "http://127.0.0.1:9", "pid": std::process::id() });
    fs::write(server.data_dir().join("server.json"), stale.to_string()).unwrap();
    let list = server.command(&["ls"]).output().await.unwrap();
    assert_eq!(list.status.code(), Some(1));
    server.up().await;
    let list = server.command(&["ls"]).output().await.unwrap();
    assert_eq!(list.status.code(), Some(0));
    eventually("the new one is named", || {
        fs::read_to_string(server.data_dir().join("server.json"))
            .is_ok_and(|text| text.contains(&server.base))
    })
    .await;
}

//! Process records of Claude Code: a second owner is reported, a difference is a warning, the
//! version is kept.

use std::fs;

use serde_json::{Value, json};
use wxcode_testbed::Terminal;

use super::{foreign, running, say};
use crate::support::{Agent, Server};

/// A foreign claude in the project's folder with the project's conversation.
pub(super) async fn by_hand(server: &Server, project: &str, conversation: &Value) -> Terminal {
    let terminal = Terminal::start(
        &server.agent.claude,
        ["--resume", conversation.as_str().unwrap()],
        server.agent.home.env(),
        &server.workspace(project).await,
        (80, 24),
    )
    .unwrap();
    terminal.wait_text("\u{1b}[?2004h");
    let record = server.agent.home.config_dir().join("sessions");
    let record = record.join(format!("{}.json", terminal.pid()));
    crate::support::eventually("it says what it runs", || record.exists()).await;
    terminal
}

#[tokio::test]
async fn a_second_conversation_owner_is_reported() {
    let (server, project, before) = running(Agent::fake("")).await;
    let path = format!("/output-projects/{project}/session");
    say(&server, &project, "words").await;
    let other = by_hand(&server, &project, &before.0).await;
    let named = format!("(process {})", other.pid());
    server
        .session_until(&project, "the warning", |session| {
            session["warning"]
                .as_str()
                .is_some_and(|warning| warning.contains(&named) && warning.contains("end that one"))
        })
        .await;
    server.delete(&path).await.expect(204);
    assert_eq!(server.session(&project).await["warning"], Value::Null);

    let detail = server.post(&path, json!({})).await.problem(409);
    assert!(detail.contains(&named), "{detail}");
    assert_eq!(server.session(&project).await["status"], "exited");
    // A killed claude leaves its record, without owning anything.
    drop(other);
    let again = server.post(&path, json!({})).await.expect(201);
    assert_eq!(again["claude_session_id"], before.0);
}

#[tokio::test]
async fn hooks_and_process_disagreeing_is_a_warning() {
    let (server, project, _) = running(Agent::fake("")).await;
    let session = server.session(&project).await;
    assert_eq!(session["warning"], Value::Null);
    let record = server.agent.home.config_dir().join("sessions");
    let record = record.join(format!("{}.json", session["pid"]));
    let mut said: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    said["sessionId"] = json!("11111111-1111-4111-8111-111111111111");
    fs::write(&record, said.to_string()).unwrap();
    server
        .session_until(&project, "the warning", |session| {
            session["warning"]
                .as_str()
                .is_some_and(|warning| warning.contains("11111111-1111-4111-8111-111111111111"))
        })
        .await;
    assert!(server.log().contains("but its hooks reported"));
    // The agent rewrites the record with each turn.
    say(&server, &project, "words").await;
    server
        .session_until(&project, "they agree again", |session| {
            session["warning"].is_null()
        })
        .await;
}

#[tokio::test]
async fn the_version_survives_agent_and_server() {
    let (mut server, project, _) = running(Agent::fake("")).await;
    let version = wxcode_testbed::claude::VERSION;
    let known = |session: &Value| session["claude_version"] == version;
    server.session_until(&project, "the version", known).await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    assert_eq!(server.session(&project).await["claude_version"], version);
    server.crash().await;
    server.up().await;
    let session = server.session(&project).await;
    assert_eq!(
        (&session["status"], &session["claude_version"]),
        (&json!("exited"), &json!(version))
    );
    assert!(!server.log().contains("another version"));
}

#[tokio::test]
async fn a_wrapper_hides_neither_version_nor_esc() {
    let (server, project, _) = running(super::wrapped()).await;
    let version = wxcode_testbed::claude::VERSION;
    server
        .session_until(&project, "the version", |session| {
            session["claude_version"] == version
        })
        .await;
    // A claude of another conversation does not matter.
    let workspace = server.workspace(&project).await;
    foreign(&server, &workspace, &["-p", "foreign words"]);
    let fifo = server.data_dir().join("hold");
    crate::support::make_fifo(&fifo);
    let delivery = server
        .deliver(&project, &format!("fake:hold {}", fifo.display()))
        .await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.input("\u{1b}").await;
    server
        .session_until(&project, "the turn was broken off", |session| {
            session["agent_state"] == "idle"
        })
        .await;
}

#[tokio::test]
async fn an_untested_version_is_reported_once() {
    let mut agent = Agent::fake("");
    agent
        .env
        .push(("FAKE_CLAUDE_VERSION".into(), "9.9.9".into()));
    let passed = "pass_env = ['FAKE_CLAUDE_VERSION', ";
    agent.config = agent.config.replace("pass_env = [", passed);
    let (server, project, _) = running(agent).await;
    server
        .session_until(&project, "the version", |session| {
            session["claude_version"] == "9.9.9"
        })
        .await;
    let second = server.project("q").await;
    server.start_session(&second).await;
    server
        .session_until(&second, "the version", |session| {
            session["claude_version"] == "9.9.9"
        })
        .await;
    assert_eq!(server.log().matches("another version").count(), 1);
    let doctor = server.command(&["doctor"]).output().await.unwrap();
    let printed = String::from_utf8_lossy(&doctor.stdout);
    assert!(doctor.status.success(), "{printed}");
    assert!(
        printed.contains("note    claude: wxcode was tested with 2."),
        "{printed}"
    );
}

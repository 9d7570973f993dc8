//! The main use case on the real Claude Code against a stub of the Messages API.

mod identity;
mod left_arrow;
mod moved;
mod status;
mod transcripts;

use std::{fs, path::PathBuf};

use futures_util::future::join_all;
use serde_json::{Value, json};
use wxcode_protocol::Output;
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};
use wxcode_terminal::{Size, Terminal};
use wxcode_testbed::Stub;

use crate::support::{Server, Wire, eventually, is_alive, kill, real};

async fn start() -> Option<(Server, String)> {
    let server = Server::start(real()?).await;
    let project = server.project("p").await;
    let commands = server
        .workspace(&project)
        .await
        .join(".claude/commands/gsd");
    fs::create_dir_all(&commands).unwrap();
    for command in ["new-project", "new-milestone"] {
        fs::write(
            commands.join(format!("{command}.md")),
            format!("Carry out {command} for $ARGUMENTS.\n"),
        )
        .unwrap();
    }
    Some((server, project))
}

fn stub(server: &Server) -> &Stub {
    server.agent.stub.as_ref().expect("the real one has a stub")
}

fn pid(session: &Value) -> i32 {
    i32::try_from(session["pid"].as_i64().expect("it runs")).unwrap()
}

/// Sends a text and waits until the agent has accepted, answered and stored the text.
async fn say(server: &Server, project: &str, text: &str) {
    let path = format!("/output-projects/{project}/deliveries");
    let delivery = server
        .post(&path, json!({ "text": text }))
        .await
        .expect(202);
    server.delivery_until(project, &delivery, "submitted").await;
    let session = server
        .session_until(project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    let history = session["claude_session_history"].as_array().unwrap();
    let transcript = PathBuf::from(history.last().unwrap()["transcript_path"].as_str().unwrap());
    // Claude stores a turn shortly after reporting the turn; a SIGKILL in between loses the turn.
    eventually("the transcript holds the turn", || {
        let lines = fs::read_to_string(&transcript).unwrap_or_default();
        lines
            .lines()
            .skip_while(|line| !line.contains(text))
            .any(|line| line.contains("\"type\":\"assistant\""))
    })
    .await;
}

/// The user's texts in the last turn.
fn last_turn(server: &Server) -> Vec<String> {
    stub(server)
        .requests()
        .iter()
        .rev()
        .find(|request| request.is_turn())
        .expect("a turn")
        .user_texts()
}

#[tokio::test]
async fn real_milestones_share_one_conversation() {
    let Some((server, project)) = start().await else {
        return;
    };
    let (one, two) = (
        server.milestone(&project, "one").await,
        server.milestone(&project, "two").await,
    );
    let first = server
        .post(&format!("/milestones/{one}/start"), json!({}))
        .await
        .expect(202);
    assert_eq!(
        first["text"],
        format!("/gsd:new-project .milestones/{one}/MILESTONE-CONTEXT.md")
    );
    server.delivery_until(&project, &first, "submitted").await;
    let session = server
        .session_until(&project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    assert_eq!(session["claude_version"], wxcode_testbed::claude::VERSION);
    assert_eq!(
        server.get(&format!("/milestones/{one}")).await.expect(200)["status"],
        "in_progress"
    );
    assert!(
        last_turn(&server)
            .iter()
            .any(|text| text.contains("Carry out new-project for .milestones/"))
    );

    let second = server
        .post(&format!("/milestones/{two}/start"), json!({}))
        .await
        .expect(202);
    assert_eq!(
        second["text"],
        format!("/gsd:new-milestone .milestones/{two}/MILESTONE-CONTEXT.md")
    );
    server.delivery_until(&project, &second, "submitted").await;
    let after = server
        .session_until(&project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    assert_eq!(
        (pid(&after), &after["claude_session_id"]),
        (pid(&session), &session["claude_session_id"])
    );
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("new-project for") && texts.contains("new-milestone for"),
        "one conversation: {texts}"
    );
    assert_eq!(
        texts.matches("Carry out new-milestone").count(),
        1,
        "submitted once"
    );
    let transcript = after["claude_session_history"][0]["transcript_path"]
        .as_str()
        .unwrap();
    assert!(fs::metadata(transcript).unwrap().len() > 0);
}

#[tokio::test]
async fn a_killed_claude_resumes_with_its_messages() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "the word is marmalade").await;
    let before = server.session(&project).await;
    kill(pid(&before));
    let ended = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(ended["exit"]["signal"], 9);

    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    let status = socket.message("status").await;
    assert_eq!(
        (&status["resumed"], &status["claude_session_id"]),
        (&json!(true), &before["claude_session_id"])
    );
    say(&server, &project, "which word").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("marmalade") && texts.contains("which word"),
        "{texts}"
    );
    let after = server.session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_ne!(after["session_id"], before["session_id"]);
}

#[tokio::test]
async fn claude_outlives_the_server() {
    let Some((mut server, project)) = start().await else {
        return;
    };
    say(&server, &project, "before the crash").await;
    let before = server.session(&project).await;
    server.crash().await;
    assert!(is_alive(pid(&before)));
    server.up().await;
    let after = server.idle(&project).await;
    assert_eq!(
        (pid(&after), &after["claude_session_id"]),
        (pid(&before), &before["claude_session_id"])
    );
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    assert_eq!(socket.message("status").await["resumed"], true);
    socket.until("before the crash").await;
    say(&server, &project, "after the crash").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("before the crash") && texts.contains("after the crash"),
        "{texts}"
    );
}

#[tokio::test]
async fn twenty_concurrent_connections_start_one_claude() {
    let Some((server, project)) = start().await else {
        return;
    };
    let path = format!("/output-projects/{project}/terminal");
    let mut sockets = join_all((0..20).map(|_| server.socket(&path))).await;
    let mut ids = Vec::new();
    for socket in &mut sockets {
        ids.push(socket.message("status").await["session_id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(server.session_dirs().len(), 1);
    server
        .session_until(&project, "idle", |session| {
            session["agent_state"] == "idle" && session["clients"] == 20
        })
        .await;
}

#[tokio::test]
async fn real_clear_rotates_the_id() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "before the clear").await;
    let before = server.session(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.message("status").await;
    socket.submit("/clear").await;
    let after = server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != before["claude_session_id"]
        })
        .await;
    assert_eq!(pid(&after), pid(&before));
    let history = after["claude_session_history"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(
        (&history[0]["id"], &history[0]["reason"]),
        (&before["claude_session_id"], &json!("clear"))
    );
    assert_eq!(
        (&history[1]["id"], &history[1]["source"]),
        (&after["claude_session_id"], &json!("clear"))
    );
    say(&server, &project, "after the clear").await;
    assert!(!last_turn(&server).join("\n").contains("before the clear"));

    // After a kill, the conversation after the clear is resumed.
    kill(pid(&after));
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    server.start_session(&project).await;
    say(&server, &project, "and on").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("after the clear") && !texts.contains("before the clear"),
        "{texts}"
    );
}

#[tokio::test]
async fn an_untrusted_folder_waits_for_the_user() {
    let Some(agent) = real() else { return };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(agent).await;
    let project = server
        .post(
            "/output-projects",
            json!({ "name": "p", "workspace_path": folder.path() }),
        )
        .await
        .expect(201);
    let project = project["id"].as_str().unwrap();
    let milestone = server.milestone(project, "one").await;
    let delivery = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    let path = format!(
        "/output-projects/{project}/deliveries/{}",
        delivery["id"].as_str().unwrap()
    );
    let waits = server
        .until(&path, "the dialog is named", |delivery| {
            delivery["error"] == "trust_folder"
        })
        .await;
    assert_eq!(waits["state"], "queued");
    assert_eq!(
        server.session(project).await["agent_state"],
        "blocked_dialog"
    );
    assert!(
        is_alive(pid(&server.session(project).await)),
        "nobody pressed Enter"
    );
}

#[tokio::test]
async fn query_replies_never_reach_the_prompt() {
    let Some((server, project)) = start().await else {
        return;
    };
    server.start_session(&project).await;
    server
        .session_until(&project, "it waits for the first command", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    // Clients connect, request the screen, resize, and resume at the first byte, before all
    // queries.
    let mut desk = Wire::attach(&server, &project, "").await;
    desk.resize(100, 30).await;
    desk.until("resized", |wire| wire.size() == Some((100, 30)))
        .await;
    desk.send(ClientFrame::Redraw { history: 1 << 20 }).await;
    let mut phone = Wire::attach(&server, &project, "").await;
    phone.resize(50, 24).await;
    phone.send(ClientFrame::Drive).await;
    phone
        .until("resized", |wire| wire.size() == Some((50, 24)))
        .await;
    let since = format!("session={}&since=0", desk.status.session_id);
    let mut late = Wire::attach(&server, &project, &since).await;
    late.screen = Size::new(120, 40).map(Terminal::new);
    let now = phone.offset;
    late.until("all again", |wire| wire.offset >= now).await;
    assert_eq!(late.snapshots, 0);
    let number = phone.input("only this").await;
    phone.until_shown("only this").await;
    phone
        .until("typed", |wire| {
            wire.frames
                .iter()
                .any(|frame| matches!(frame, ServerFrame::Output(Output::InputTaken { seq: n }) if *n == number))
        })
        .await;
    phone.input("\r").await;
    stub(&server)
        .wait_for(|request| {
            request.is_turn() && request.user_texts().iter().any(|t| t.contains("only this"))
        })
        .await;
    let texts = last_turn(&server);
    assert!(texts.iter().any(|text| text == "only this"), "{texts:?}");
}

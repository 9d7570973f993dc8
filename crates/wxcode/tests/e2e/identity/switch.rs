//! Switching to an older conversation while a session runs.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use super::{identity, say, two_conversations};
use crate::support::{Events, Server};

fn wish(conversation: &Value) -> Value {
    json!({ "claude_session_id": conversation })
}

/// The transcript of the project's first conversation.
fn first_transcript(session: &Value) -> PathBuf {
    let path = &session["claude_session_history"][0]["transcript_path"];
    path.as_str().unwrap().into()
}

#[tokio::test]
async fn an_older_conversation_replaces_the_running_one() {
    let (server, project, first, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    let before = server.session(&project).await;
    let mut events = Events::follow(&server, &project).await;
    let switched = server.post(&path, wish(&first)).await.expect(201);
    assert_eq!(switched["claude_session_id"], first);
    assert_eq!(switched["status"], "running");
    assert_ne!(switched["session_id"], before["session_id"]);
    let exited = events.named("session.exited").await.data;
    assert_eq!(exited["session_id"], before["session_id"]);
    let rotated = events.named("session.rotated").await.data;
    assert_eq!(
        (&rotated["claude_session_id"], &rotated["from"]),
        (&first, &second)
    );
    let started = events.named("session.started").await.data;
    assert_eq!(
        (&started["claude_session_id"], &started["resumed"]),
        (&first, &json!(true))
    );
    say(&server, &project, "third words").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket
        .until("fake: 2 user messages; last: third words")
        .await;
}

/// Checks that the switch is refused with these words and the running session is untouched.
async fn is_refused(server: &Server, project: &str, conversation: &Value, words: &str) {
    let before = server.session(project).await;
    assert_eq!(before["status"], "running");
    let path = format!("/output-projects/{project}/session");
    let detail = server.post(&path, wish(conversation)).await.problem(409);
    assert!(detail.contains(words), "{detail}");
    let after = server.session(project).await;
    for key in ["status", "pid", "session_id"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(identity(&after), identity(&before));
}

#[tokio::test]
async fn an_unresumable_conversation_ends_no_session() {
    let (server, project, first, second) = two_conversations().await;
    server.without_copy(&project).await;
    let transcript = first_transcript(&server.session(&project).await);
    let kept = fs::read(&transcript).unwrap();
    fs::write(&transcript, "{\"type\":\"mode\",\"mode\":\"normal\"}\n").unwrap();
    is_refused(&server, &project, &first, "is empty").await;
    fs::remove_file(&transcript).unwrap();
    is_refused(&server, &project, &first, "is gone").await;
    fs::write(&transcript, kept).unwrap();

    // Another process runs the conversation.
    let other = Other::running(&server, first.as_str().unwrap());
    let words = format!("process {}", other.0.id());
    is_refused(&server, &project, &first, &words).await;
    drop(other);

    // A cause for a failing start.
    let workspace = server.workspace(&project).await;
    let moved = workspace.with_extension("moved");
    fs::rename(&workspace, &moved).unwrap();
    let folder = workspace.to_str().unwrap();
    is_refused(&server, &project, &first, folder).await;
    fs::rename(&moved, &workspace).unwrap();

    say(&server, &project, "still here").await;
    assert_eq!(identity(&server.session(&project).await).0, second);
}

/// A process with a record that claims a conversation.
struct Other(Child);

impl Other {
    fn running(server: &Server, conversation: &str) -> Self {
        let child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let started = fields.split_whitespace().nth(19).unwrap();
        let record = json!({ "sessionId": conversation, "procStart": started, "status": "idle" });
        let sessions = server.agent.home.config_dir().join("sessions");
        fs::create_dir_all(&sessions).unwrap();
        let file = sessions.join(format!("{pid}.json"));
        fs::write(file, record.to_string()).unwrap();
        Self(child)
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

//! Claude Code refuses to start: the ended session shows the reason and the remedy.

use serde_json::Value;

use crate::support::{Agent, Server};

/// The session of an agent that prints a text and exits, once it has ended.
async fn ended(text: &str, code: u8) -> Value {
    let agent = Agent::script(&format!("printf '%s\\n' '{text}'; exit {code}"));
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    server.post(&path, serde_json::json!({})).await;
    server
        .session_until(&project, "the end", |session| session["status"] == "exited")
        .await
}

#[tokio::test]
async fn refused_starts_have_a_remedy() {
    let held = "That session is running in the background (e696c113). Run `claude attach e696c113` \
                to open it, or `claude stop e696c113` first to resume it here.";
    let gone = "The current directory no longer exists (it was deleted or moved). Start Claude Code \
                from an existing directory.";
    let root = "--dangerously-skip-permissions cannot be used with root/sudo privileges for \
                security reasons";
    let invalid = "Claude configuration file at /home/user/.claude.json is corrupted: JSON Parse \
                   error: Unexpected EOF";
    for (text, remedy) in [
        (held, "claude stop"),
        (gone, "Restore it"),
        (root, "permission_mode"),
        (invalid, "backups"),
    ] {
        let session = ended(text, 1).await;
        let warning = session["warning"].as_str().unwrap_or_default();
        assert!(warning.contains(remedy), "{text}: {session}");
    }
}

#[tokio::test]
async fn other_ends_have_no_warning() {
    let told = "The current directory no longer exists";
    for (text, code) in [("an end without a known reason", 1), (told, 0)] {
        let session = ended(text, code).await;
        assert_eq!(session["warning"], Value::Null, "{session}");
    }
}

//! Conversation identity on the real Claude Code: nested and foreign processes change nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use serde_json::{Value, json};
use wxcode_testbed::Terminal;

use super::{last_turn, pid, say};
use crate::support::{Events, Server, eventually, kill, real};

/// A session with tools that need no permission.
async fn start() -> Option<(Server, String)> {
    let mut agent = real()?;
    agent.config.push_str(
        "[claude]\nargs = ['--allowedTools', 'Bash(*)']\npermission_mode = 'acceptEdits'\n",
    );
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    Some((server, project))
}

fn settings(server: &Server) -> PathBuf {
    server.session_dirs()[0].join("claude-settings.json")
}

/// Runs claude in a folder as another user would.
fn foreign(server: &Server, folder: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(&server.agent.claude)
        .args(arguments)
        .env_clear()
        .envs(server.agent.home.env())
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn identity(session: &Value) -> (&Value, usize) {
    let history = session["claude_session_history"].as_array().unwrap();
    (&session["claude_session_id"], history.len())
}

#[tokio::test]
async fn a_real_nested_claude_changes_nothing() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "outer words").await;
    let before = server.session(&project).await;
    let mut events = Events::follow(&server, &project).await;
    let workspace = server.workspace(&project).await;
    let script = format!(
        "'{}' -p --settings '{}' 'inner words' </dev/null >inner.out 2>&1\n",
        server.agent.claude.display(),
        settings(&server).display()
    );
    fs::write(workspace.join("nest.sh"), script).unwrap();
    say(&server, &project, "stub:bash sh nest.sh").await;
    let inner = fs::read_to_string(workspace.join("inner.out")).unwrap();
    assert!(inner.contains("inner words"), "the nested one ran: {inner}");
    say(&server, &project, "after it").await;
    let after = server.session(&project).await;
    assert_eq!(identity(&after), identity(&before));
    assert_eq!(after["warning"], Value::Null);
    let log = server.log();
    assert_eq!(
        log.matches("ignoring a hook from a foreign process")
            .count(),
        1,
        "{log}"
    );
    let is_last = |told: &crate::support::Told| told.data["prompt"] == "after it";
    events.until("the last prompt", is_last).await;
    for told in &events.seen {
        assert_ne!(told.data["prompt"], "inner words");
        assert_ne!(told.name, "session.rotated");
    }

    // The server still follows the agent's own rotation.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let cleared = server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != before["claude_session_id"]
        })
        .await;
    assert_eq!(identity(&cleared).1, 2);
}

#[tokio::test]
async fn real_foreign_claudes_change_nothing() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "the word is marmalade").await;
    let before = server.session(&project).await;
    let workspace = server.workspace(&project).await;
    let stolen = settings(&server);
    let stolen = stolen.to_str().unwrap();
    for arguments in [
        &["-p", "--settings", stolen, "foreign words"][..],
        &["-p", "newest words"],
    ] {
        let output = foreign(&server, &workspace, arguments);
        assert!(output.status.success(), "{output:?}");
    }
    say(&server, &project, "after it").await;
    let after = server.session(&project).await;
    assert_eq!(identity(&after), identity(&before));

    // The project's own conversation is resumed, although other conversations in the folder are
    // newer.
    kill(pid(&after));
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    server.start_session(&project).await;
    say(&server, &project, "which word").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("marmalade") && !texts.contains("newest words"),
        "{texts}"
    );

    let id = before["claude_session_id"].as_str().unwrap();
    let other = Terminal::start(
        &server.agent.claude,
        ["--resume", id],
        server.agent.home.env(),
        &workspace,
        (100, 30),
    )
    .unwrap();
    let named = format!("(process {})", other.pid());
    server
        .session_until(&project, "the second claimer is told", |session| {
            session["warning"]
                .as_str()
                .is_some_and(|warning| warning.contains(&named))
        })
        .await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let detail = server.post(&path, json!({})).await.problem(409);
    assert!(detail.contains(&named), "{detail}");
    let claimer = i32::try_from(other.pid()).unwrap();
    drop(other);
    eventually("it is gone", || !crate::support::is_alive(claimer)).await;
    let again = server.post(&path, json!({})).await.expect(201);
    assert_eq!(again["claude_session_id"], id);
}

#[tokio::test]
async fn an_older_conversation_is_resumed_with_its_messages() {
    let Some((server, project)) = start().await else {
        return;
    };
    say(&server, &project, "the word is marmalade").await;
    let first = server.session(&project).await["claude_session_id"].clone();
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != first && session["agent_state"] == "idle"
        })
        .await;
    say(&server, &project, "another matter").await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let wish = json!({ "claude_session_id": first });
    let resumed = server.post(&path, wish).await.expect(201);
    assert_eq!(resumed["claude_session_id"], first);
    say(&server, &project, "which word").await;
    let texts = last_turn(&server).join("\n");
    assert!(
        texts.contains("marmalade") && !texts.contains("another matter"),
        "{texts}"
    );
    assert_eq!(server.session(&project).await["claude_session_id"], first);
}

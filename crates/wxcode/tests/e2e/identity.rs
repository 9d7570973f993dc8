//! Conversation identity: reports and files of other processes change nothing.

mod crosscheck;
mod elsewhere;
mod older;
mod switch;
mod transcripts;

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, eventually, holder_program};

/// The folder of the only session.
fn folder(server: &Server) -> PathBuf {
    let dirs = server.session_dirs();
    assert_eq!(dirs.len(), 1);
    dirs[0].clone()
}

/// Reports a hook with the session's secret from a process outside the agent's tree.
fn forge(server: &Server, payload: &Value) {
    let file = folder(server).join("hook.json");
    let mut hook = std::process::Command::new(holder_program())
        .arg("hook")
        .arg(file)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = hook.stdin.take().unwrap();
    stdin.write_all(payload.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = hook.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "it is taken");
}

/// The command line of a nested claude with the agent's settings.
fn nested(server: &Server, prompt: &str) -> String {
    format!(
        "'{}' -p --settings '{}' '{prompt}'",
        server.agent.claude.display(),
        folder(server).join("claude-settings.json").display()
    )
}

/// Delivers a text and waits for the end of the text's turn, so that the server has read all
/// earlier hooks.
async fn say(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server
        .session_until(project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
}

fn identity(session: &Value) -> (Value, usize) {
    let history = session["claude_session_history"].as_array().unwrap();
    (session["claude_session_id"].clone(), history.len())
}

/// Counts the log's warnings about foreign hooks.
fn warnings(server: &Server) -> usize {
    server
        .log()
        .matches("ignoring a hook from a foreign process")
        .count()
}

async fn running(agent: Agent) -> (Server, String, (Value, usize)) {
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let session = server.idle(&project).await;
    (server, project, identity(&session))
}

/// Reports of the nested claude are not published as the agent's.
async fn nothing_of_others_was_told(events: &mut Events, own: &Value) {
    events.named("prompt.submitted").await;
    let id = events.seen.last().unwrap().id.unwrap();
    for told in events.up_to(id).await {
        assert_ne!(told.name, "session.rotated", "{told:?}");
        if told.name != "state" && told.data["claude_session_id"].is_string() {
            assert_eq!(&told.data["claude_session_id"], own, "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_nested_claude_changes_nothing() {
    let (server, project, before) = running(Agent::fake("")).await;
    let mut events = Events::follow(&server, &project).await;
    let words = nested(&server, "inner words");
    say(&server, &project, &format!("fake:run {words}")).await;
    let wrapped = format!("fake:run sh -c \"{words}; :\"; exec {words}");
    say(&server, &project, &wrapped).await;
    say(&server, &project, "after it").await;
    assert_eq!(identity(&server.session(&project).await), before);
    assert_eq!(warnings(&server), 1, "one is enough:\n{}", server.log());
    let last = |told: &crate::support::Told| told.data["prompt"] == "after it";
    events.until("the last prompt", last).await;
    let id = events.seen.last().unwrap().id.unwrap();
    let prompts: Vec<_> = events.up_to(id).await;
    let prompts = prompts
        .iter()
        .filter(|told| told.name == "prompt.submitted")
        .count();
    assert_eq!(prompts, 3, "those of the agent");

    // The server still follows the agent's own hooks.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let after = server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != before.0
        })
        .await;
    assert_eq!(identity(&after).1, 2);
}

#[tokio::test]
async fn a_stolen_secret_proves_nothing() {
    let (server, project, before) = running(Agent::fake("")).await;
    let mut events = Events::follow(&server, &project).await;
    let other = "11111111-1111-4111-8111-111111111111";
    let report = |name: &str, more: Value| {
        let mut payload = json!({ "session_id": other, "hook_event_name": name, "cwd": "/", "transcript_path": "/t" });
        payload
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        forge(&server, &payload);
    };
    report("SessionStart", json!({ "source": "clear" }));
    report("UserPromptSubmit", json!({ "prompt": "forged" }));
    report(
        "PermissionRequest",
        json!({ "tool_name": "Bash", "tool_input": {} }),
    );
    say(&server, &project, "own words").await;
    let session = server.session(&project).await;
    assert_eq!(identity(&session), before);
    assert_eq!(warnings(&server), 1);
    nothing_of_others_was_told(&mut events, &before.0).await;
    assert!(
        !events
            .seen
            .iter()
            .any(|told| told.name == "permission.requested"
                || told.data["state"] == "waiting_permission"),
        "{:#?}",
        events.seen
    );
}

#[tokio::test]
async fn a_foreign_hook_confirms_no_delivery() {
    // The agent swallows the first Enter, so the text stays in the prompt until the second.
    let (server, project, before) = running(Agent::fake("swallow-cr")).await;
    let delivery = server.deliver(&project, "the same words").await;
    server.delivery_until(&project, &delivery, "written").await;
    forge(
        &server,
        &json!({ "session_id": before.0, "hook_event_name": "UserPromptSubmit", "prompt": "the same words",
                 "cwd": "/", "transcript_path": "/t" }),
    );
    let submitted = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(submitted["attempts"], 2, "only the agent confirms");
}

#[tokio::test]
async fn the_hook_filter_survives_the_server() {
    let (mut server, project, before) = running(Agent::fake("")).await;
    let words = nested(&server, "inner words");
    server.crash().await;
    // The holder keeps 16 MiB of reports, so the agent's own start drops out.
    let big = json!({ "session_id": before.0, "hook_event_name": "Notification", "message": "x".repeat(3 << 20) });
    for _ in 0..7 {
        forge(&server, &big);
    }
    let kept = wxcode_holder::folder::hooks_since(&folder(&server), 0).unwrap();
    assert!(kept[0].seq > 1, "the first is gone");
    server.up().await;
    say(&server, &project, &format!("fake:run {words}")).await;
    say(&server, &project, "after it").await;
    assert_eq!(identity(&server.session(&project).await), before);
}

/// The fake agent below a waiting shell script.
fn wrapped() -> Agent {
    let mut agent = Agent::fake("");
    let wrapper = agent.home.path().join("wrapper");
    let script = format!("#!/bin/sh\n'{}' \"$@\"\nexit $?\n", agent.claude.display());
    fs::write(&wrapper, script).unwrap();
    fs::set_permissions(
        &wrapper,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    agent.claude = wrapper;
    agent
}

#[tokio::test]
async fn a_wrapper_script_keeps_hooks_apart() {
    let (server, project, before) = running(wrapped()).await;
    say(
        &server,
        &project,
        &format!("fake:run {}", nested(&server, "inner words")),
    )
    .await;
    say(&server, &project, "after it").await;
    let session = server.session(&project).await;
    assert_eq!(identity(&session), before);
    assert_eq!(warnings(&server), 1);
}

#[tokio::test]
async fn a_foreign_claude_changes_nothing() {
    let (server, project, before) = running(Agent::fake("")).await;
    say(&server, &project, "the word is marmalade").await;
    let workspace = server.workspace(&project).await;
    foreign(&server, &workspace, &["-p", "foreign words"]);
    let settings = folder(&server).join("claude-settings.json");
    let settings = settings.to_str().unwrap();
    foreign(&server, &workspace, &["-p", "--settings", settings, "more"]);
    say(&server, &project, "after it").await;
    let session = server.session(&project).await;
    assert_eq!(identity(&session), before);

    // The project's conversation is resumed, although the foreign transcripts are newer.
    let pid = i32::try_from(session["pid"].as_i64().unwrap()).unwrap();
    foreign(&server, &workspace, &["-p", "newest words"]);
    crate::support::kill(pid);
    server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    let again = server.start_session(&project).await;
    assert_eq!(again["claude_session_id"], before.0);
    say(&server, &project, "and on").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("fake: 3 user messages; last: and on").await;
}

/// Runs the agent's program in a folder, as another user's claude would.
fn foreign(server: &Server, folder: &Path, arguments: &[&str]) {
    let status = std::process::Command::new(&server.agent.claude)
        .args(arguments)
        .env_clear()
        .envs(server.agent.home.env())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

/// A project without a session and with two conversations, the second being current.
async fn two_conversations() -> (Server, String, Value, Value) {
    let (server, project, (first, _)) = running(Agent::fake("")).await;
    say(&server, &project, "first words").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let cleared = server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != first && session["agent_state"] == "idle"
        })
        .await;
    say(&server, &project, "second words").await;
    (server, project, first, cleared["claude_session_id"].clone())
}

#[tokio::test]
async fn old_reports_do_not_switch_the_conversation() {
    let (mut server, project, _, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    let earlier = server.session_dirs().remove(0);
    server.delete(&path).await.expect(204);
    eventually("it is settled", || earlier.join("settled").exists()).await;
    server.start_session(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let third = server
        .session_until(&project, "the id changed again", |session| {
            session["claude_session_id"] != second && session["agent_state"] == "idle"
        })
        .await;
    server.terminate().await;
    // As after a full disk at the first session's end: the marker of processing is missing.
    fs::remove_file(earlier.join("settled")).unwrap();
    server.up().await;
    eventually("it was accounted for", || earlier.join("settled").exists()).await;
    let after = server.session(&project).await;
    for key in ["session_id", "claude_session_id", "claude_session_history"] {
        assert_eq!(after[key], third[key], "{key}");
    }
}

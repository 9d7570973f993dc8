//! The right conversation: what other processes report, and what they do in the folder, changes nothing.

mod crosscheck;
mod elsewhere;
mod switch;

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

/// Reports a hook with the session's secret, from outside of the agent's tree.
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

/// The command line of a nested claude that has the agent's own settings.
fn nested(server: &Server, prompt: &str) -> String {
    format!(
        "'{}' -p --settings '{}' '{prompt}'",
        server.agent.claude.display(),
        folder(server).join("claude-settings.json").display()
    )
}

/// Delivers a text, and waits until its turn is over: all hooks before it were read then.
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

/// How often the log says that a report was not the agent's.
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
    let session = server
        .session_until(&project, "idle", |session| session["agent_state"] == "idle")
        .await;
    (server, project, identity(&session))
}

/// Nothing that a nested claude reports is told as if the agent had done it.
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
async fn a_nested_claude_with_the_agents_settings_changes_nothing() {
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

    // The agent's own start is followed as before.
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
async fn a_stolen_secret_is_no_proof() {
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
async fn a_foreign_report_confirms_no_delivery() {
    // The agent swallows the first Enter, so the text stands in its prompt until the second one.
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
async fn where_the_agents_hooks_stand_outlives_the_server_and_the_report_that_taught_it() {
    let (mut server, project, before) = running(Agent::fake("")).await;
    let words = nested(&server, "inner words");
    server.crash().await;
    // The holder keeps 16 MiB of reports: the agent's own start gives way.
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

/// The fake agent, started by a shell script that waits for it.
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
async fn a_wrapper_that_stays_is_no_obstacle() {
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
async fn a_foreign_claude_in_the_same_folder_changes_nothing() {
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

    // And what is resumed is ours, though the foreign transcripts are newer.
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

/// Runs the agent's program in a folder as somebody else would.
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

/// A project with two conversations that spoke, the second one current, and no session.
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
async fn what_an_earlier_session_reported_does_not_turn_the_conversation_back() {
    let (mut server, project, _, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    let earlier = server.session_dirs().remove(0);
    server.delete(&path).await.expect(204);
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
    // As where the disk was full when the first session ended: nothing says that its end was accounted for.
    fs::remove_file(earlier.join("settled")).unwrap();
    server.up().await;
    eventually("it was accounted for", || earlier.join("settled").exists()).await;
    let after = server.session(&project).await;
    for key in ["session_id", "claude_session_id", "claude_session_history"] {
        assert_eq!(after[key], third[key], "{key}");
    }
}

#[tokio::test]
async fn an_older_conversation_is_resumed_on_request() {
    let (server, project, first, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    let wish = |id: &Value| json!({ "claude_session_id": id });

    // The current one is as without a wish.
    let same = server.post(&path, wish(&second)).await.expect(200);
    assert_eq!(same["claude_session_id"], second);
    server.delete(&path).await.expect(204);

    let mut events = Events::follow(&server, &project).await;
    let unknown = json!("11111111-1111-4111-8111-111111111111");
    let detail = server.post(&path, wish(&unknown)).await.problem(422);
    assert!(detail.contains("claude_session_history"), "{detail}");
    server
        .post(&path, wish(&json!("no uuid")))
        .await
        .problem(422);
    server
        .post(&path, json!({ "claude_session": 1 }))
        .await
        .problem(422);
    assert_eq!(server.session(&project).await["status"], "exited");

    let resumed = server.post(&path, wish(&first)).await.expect(201);
    assert_eq!(resumed["claude_session_id"], first);
    let history = resumed["claude_session_history"].as_array().unwrap();
    let told: Vec<_> = history
        .iter()
        .map(|entry| (&entry["id"], &entry["source"], &entry["reason"]))
        .collect();
    assert_eq!(
        told,
        [
            (&first, &json!("startup"), &json!("clear")),
            (&second, &json!("clear"), &json!("resume")),
            (&first, &json!("resume"), &Value::Null),
        ]
    );
    assert_eq!(history[2]["transcript_path"], history[0]["transcript_path"]);
    let rotated = events.named("session.rotated").await.data;
    assert_eq!(
        (
            &rotated["claude_session_id"],
            &rotated["from"],
            &rotated["source"]
        ),
        (&first, &second, &json!("resume"))
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

    // And back, without any body the current one.
    server.delete(&path).await.expect(204);
    server.post(&path, wish(&second)).await.expect(201);
    server.delete(&path).await.expect(204);
    let request = server
        .request(reqwest::Method::POST, &format!("/api/v1{path}"))
        .bearer_auth(&server.token);
    let again = server.answer(request).await.expect(201);
    assert_eq!(again["claude_session_id"], second);
    assert_eq!(again["claude_session_history"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn a_conversation_without_messages_is_not_resumed() {
    let (server, project, first, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let session = server.session(&project).await;
    let transcript = session["claude_session_history"][0]["transcript_path"]
        .as_str()
        .unwrap();
    fs::write(transcript, "{\"type\":\"mode\",\"mode\":\"normal\"}\n").unwrap();
    let wish = json!({ "claude_session_id": first });
    let empty = server.post(&path, wish.clone()).await.problem(409);
    fs::remove_file(transcript).unwrap();
    let gone = server.post(&path, wish).await.problem(409);
    assert!(
        empty.contains("empty") && gone.contains("gone"),
        "{empty} {gone}"
    );
    let session = server.session(&project).await;
    assert_eq!(identity(&session), (second, 2), "nothing has changed");
    assert_eq!(session["status"], "exited");
}

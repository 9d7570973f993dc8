//! Troubles shown by a session while the troubles last: hooks that do not run, invalid settings, a
//! missing transcript, slow starts.

use std::fs;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::support::{Agent, Server, real};
use wxcode_testbed::fake_agent;

/// Waits for a warning with all these words.
async fn warned(server: &Server, project: &str, words: &[&str]) -> Value {
    server
        .session_until(project, &format!("a warning of {words:?}"), |session| {
            let warning = session["warning"].as_str().unwrap_or_default();
            words.iter().all(|word| warning.contains(word))
        })
        .await
}

/// Waits until a delivery's error has all these words.
async fn hindered(server: &Server, project: &str, delivery: &Value, state: &str, words: &[&str]) {
    let id = delivery["id"].as_str().unwrap();
    let path = format!("/output-projects/{project}/deliveries/{id}");
    server
        .until(&path, &format!("{state} for {words:?}"), |delivery| {
            let error = delivery["error"].as_str().unwrap_or_default();
            delivery["state"] == state && words.iter().all(|word| error.contains(word))
        })
        .await;
}

/// A session with a delivery, and with an agent whose hooks `off` turns off.
async fn without_hooks(agent: Agent, off: impl FnOnce(&Server, &std::path::Path) -> String) {
    let server = Server::start(agent.with_config("[delivery]\nready_timeout_s = 12\n")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let file = off(&server, &workspace);
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    let words = [file.as_str(), "disableAllHooks"];
    warned(&server, &project, &words).await;
    hindered(&server, &project, &delivery, "queued", &words).await;
    hindered(&server, &project, &delivery, "failed", &words).await;
}

const OFF: &str = "{\"disableAllHooks\":true}";

fn off_in(folder: &std::path::Path, name: &str) -> String {
    fs::create_dir_all(folder).unwrap();
    let file = folder.join(name);
    fs::write(&file, OFF).unwrap();
    file.to_string_lossy().into_owned()
}

#[tokio::test]
async fn missing_hooks_are_named_with_their_file() {
    let agent = Agent::fake("mute");
    without_hooks(agent, |server, _| {
        off_in(&server.agent.home.config_dir(), "settings.json")
    })
    .await;
}

#[tokio::test]
async fn real_user_settings_without_hooks_are_named() {
    let Some(agent) = real() else { return };
    without_hooks(agent, |server, _| {
        off_in(&server.agent.home.config_dir(), "settings.json")
    })
    .await;
}

#[tokio::test]
async fn real_local_settings_without_hooks_are_named() {
    let Some(agent) = real() else { return };
    without_hooks(agent, |_, workspace| {
        off_in(&workspace.join(".claude"), "settings.local.json")
    })
    .await;
}

#[tokio::test]
async fn real_invalid_settings_are_named() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let folder = server.workspace(&project).await.join(".claude");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("settings.json"),
        "{\"permissions\":{\"allow\":5}}",
    )
    .unwrap();
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    let words = [".claude/settings.json", "permissions.allow"];
    let session = warned(&server, &project, &words).await;
    assert_eq!(session["agent_state"], "blocked_dialog");
    assert_eq!(session["dialog"], "settings_error");
    hindered(&server, &project, &delivery, "queued", &words).await;
    let answer = json!({ "option": "Continue without these settings" });
    let path = format!("/output-projects/{project}/answer");
    server.post(&path, answer).await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = server.idle(&project).await;
    assert!(session["warning"].is_null(), "{session:#}");
}

#[tokio::test]
async fn missing_transcript_is_told() {
    let server = Server::start(Agent::fake("no-transcript")).await;
    let project = server.project("p").await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    warned(&server, &project, &["keeps no transcript", ".jsonl"]).await;
}

#[tokio::test]
async fn a_turn_before_clear_is_kept() {
    /// More than the time that a turn's records have.
    const LOOKS: Duration = Duration::from_secs(14);
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let before = server.idle(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    server
        .session_until(&project, "another conversation", |session| {
            session["claude_session_id"] != before["claude_session_id"]
        })
        .await;
    let until = Instant::now() + LOOKS;
    while Instant::now() < until {
        let session = server.session(&project).await;
        assert!(session["warning"].is_null(), "{session:#}");
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn real_missing_transcript_is_told() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    // No folder can be made in the place of this file.
    let projects = server.agent.home.config_dir().join("projects");
    let _ = fs::remove_dir_all(&projects);
    fs::write(&projects, "").unwrap();
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    warned(&server, &project, &["transcript"]).await;
}

#[tokio::test]
async fn busy_start_does_not_fail_the_delivery() {
    let fake = fake_agent::path();
    let script = format!(
        "i=0; while [ $i -lt 30 ]; do printf 'reading %s\\r\\n' $i; sleep 0.3; i=$((i+1)); done; exec '{}' \"$@\"",
        fake.display()
    );
    let agent = Agent::script(&script).with_config("[delivery]\nready_timeout_s = 3\n");
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn prompt_of_a_wakeup_confirms_nothing() {
    let server = Server::start(Agent::fake("wakes")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    hindered(&server, &project, &delivery, "failed", &["did not take"]).await;
}

//! Prompts refused by a hook of the user, with the real Claude Code.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Agent, Server, eventually, real};

/// A hook of the user for refusing prompts with the word "forbidden".
async fn start(refusal: &str) -> Option<(Server, String)> {
    let agent = real()?;
    refuse(&agent, refusal);
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    Some((server, project))
}

fn refuse(agent: &Agent, refusal: &str) {
    let command = format!("if grep -q forbidden; then {refusal}; fi");
    let hook = json!({ "hooks": [{ "type": "command", "command": command }] });
    let settings = json!({ "hooks": { "UserPromptSubmit": [hook] } });
    agent.home.settings(&settings).unwrap();
}

/// Delivers a refused text and a text afterwards.
async fn refused_and_next(refusal: &str) -> Option<Value> {
    let (server, project) = start(refusal).await?;
    let refused = server.deliver(&project, "a forbidden text").await;
    let next = server.deliver(&project, "a harmless text").await;
    let refused = server.delivery_until(&project, &refused, "failed").await;
    server.delivery_until(&project, &next, "submitted").await;
    server.idle(&project).await;
    let stub = server.agent.stub.as_ref().unwrap();
    let asked = stub.requests();
    let asked = |text: &str| {
        let has = |request: &&wxcode_testbed::stub::Request| {
            request.is_turn() && request.user_texts().iter().any(|said| said.contains(text))
        };
        asked.iter().filter(has).count()
    };
    assert_eq!(asked("forbidden"), 0);
    assert_eq!(asked("harmless"), 1);
    Some(refused)
}

#[track_caller]
fn names(refused: &Value, message: &str) {
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains(message) && error.contains("hook"), "{error}");
}

#[tokio::test]
async fn real_hook_with_exit_2_fails_the_delivery() {
    if let Some(refused) = refused_and_next("echo 'policy says no' >&2; exit 2").await {
        names(&refused, "policy says no");
    }
}

#[tokio::test]
async fn real_slow_refusal_fails_the_delivery() {
    let refusal = "sleep 20; echo 'slow policy says no' >&2; exit 2";
    if let Some(refused) = refused_and_next(refusal).await {
        names(&refused, "slow policy says no");
    }
}

#[tokio::test]
async fn real_json_decision_fails_the_delivery() {
    let refusal = r#"echo '{"decision":"block","reason":"json policy says no"}'"#;
    if let Some(refused) = refused_and_next(refusal).await {
        names(&refused, "json policy says no");
    }
}

/// The server does not see the decision itself.
#[tokio::test]
async fn real_refusal_counts_after_a_restart() {
    let Some((mut server, project)) = start("sleep 6; echo 'late no' >&2; exit 2").await else {
        return;
    };
    let refused = server.deliver(&project, "a forbidden text").await;
    let path = format!("/output-projects/{project}/session");
    server
        .until(&path, "the prompt is reported", |session| {
            session["agent_state"] == "working"
        })
        .await;
    server.crash().await;
    // The refusal stands in the transcript before a server looks.
    let projects = server.agent.home.config_dir().join("projects");
    eventually("the hook has refused", || {
        let folders = fs::read_dir(&projects).into_iter().flatten().flatten();
        let mut files =
            folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten());
        files.any(|file| {
            fs::read_to_string(file.unwrap().path()).is_ok_and(|text| text.contains("late no"))
        })
    })
    .await;
    server.up().await;
    let refused = server.delivery_until(&project, &refused, "failed").await;
    names(&refused, "late no");
}

#[tokio::test]
async fn real_refused_milestone_does_not_begin() {
    let Some(agent) = real() else { return };
    let command = "echo 'no milestones' >&2; exit 2";
    let hook = json!({ "hooks": [{ "type": "command", "command": command }] });
    let settings = json!({ "hooks": { "UserPromptSubmit": [hook] } });
    agent.home.settings(&settings).unwrap();
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let path = format!("/milestones/{milestone}");
    let first = server.post(&format!("{path}/start"), json!({})).await;
    let refused = first.expect(202);
    let refused = server.delivery_until(&project, &refused, "failed").await;
    names(&refused, "no milestones");
    assert_ne!(server.get(&path).await.expect(200)["status"], "in_progress");
}

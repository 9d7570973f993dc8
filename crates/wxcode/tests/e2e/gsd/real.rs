//! The real GSD with the real Claude Code: two milestones through each form, with GSD's hooks and
//! status line.

use serde_json::json;
use wxcode_testbed::{
    gsd::{RealGsd, Scope},
    skip,
};

use crate::support::{Server, eventually, real};

/// The server and a project with GSD installed in this scope; `None`, with the reason printed,
/// without GSD.
async fn start(scope: Scope) -> Option<(Server, String)> {
    let Some(gsd) = RealGsd::locate() else {
        skip("the real GSD is not installed: run scripts/install-gsd");
        return None;
    };
    // GSD checks for a newer version in the background.
    let offline =
        "[agent.env]\nnpm_config_registry = 'http://127.0.0.1:9'\nnpm_config_fetch_retries = '0'\n";
    let server = Server::start(real()?.without_gsd().with_config(offline)).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    if scope == Scope::Local {
        // GSD sets its status line only for a user.
        let script = workspace.join(".claude/hooks/gsd-statusline.js");
        let line = json!({ "type": "command", "command": format!("node '{}'", script.display()) });
        let settings = json!({ "statusLine": line });
        server.agent.home.settings(&settings).unwrap();
    }
    let home = server.agent.home.path().to_owned();
    tokio::task::spawn_blocking(move || gsd.install(scope, &home, &workspace))
        .await
        .unwrap();
    Some((server, project))
}

/// Starts a milestone by `command` and waits until the model gets GSD's expansion of the command.
async fn carry_out(server: &Server, project: &str, element: &str, command: &str, sent: &str) {
    let milestone = server.milestone(project, element).await;
    let delivery = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    let path = format!(".milestones/{milestone}/MILESTONE-CONTEXT.md");
    assert_eq!(delivery["text"], format!("{command} {path}"));
    server.delivery_until(project, &delivery, "submitted").await;
    server
        .session_until(project, "the turn is over", |session| {
            session["agent_state"] == "idle"
        })
        .await;
    let stub = server.agent.stub.as_ref().unwrap();
    let requests = stub.requests();
    let turn = requests.iter().rev().find(|request| request.is_turn());
    let texts = turn.unwrap().user_texts().join("\n");
    assert!(
        texts.contains(sent) && texts.contains(&path),
        "{command}: {texts}"
    );
}

async fn two_milestones(scope: Scope, separator: char) {
    let Some((server, project)) = start(scope).await else {
        return;
    };
    let first = format!("/gsd{separator}new-project");
    carry_out(&server, &project, "one", &first, "Initialize a new project").await;
    let before = server.session(&project).await;
    let second = format!("/gsd{separator}new-milestone");
    carry_out(&server, &project, "two", &second, "Start a new milestone").await;
    let after = server.session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_eq!(after["warning"], json!(null));

    // GSD's hook of `SessionStart` stores its findings; the status line names the folder.
    let kept = server.agent.home.path().join(".cache/gsd");
    eventually("the hook of GSD ran", || kept.is_dir()).await;
    let workspace = server.workspace(&project).await;
    let folder = workspace.file_name().unwrap().to_str().unwrap();
    let line = format!("│ {folder}");
    let screen = format!("/output-projects/{project}/screen");
    server
        .until(&screen, "the status line of GSD", |text| {
            text.as_str().is_some_and(|text| text.contains(&line))
        })
        .await;
}

#[tokio::test]
async fn user_skills_carry_two_milestones() {
    two_milestones(Scope::Global, '-').await;
}

#[tokio::test]
async fn folder_commands_carry_two_milestones() {
    two_milestones(Scope::Local, ':').await;
}

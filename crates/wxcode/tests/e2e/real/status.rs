//! The state of the real Claude Code from the agent's reports in the terminal (OSC 7501).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, Wire, real};

/// Time for a state to be seen; on an idle machine a report takes half a second.
const SOON: Duration = Duration::from_secs(30);

async fn submitted(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
}

#[tokio::test]
async fn a_real_trust_dialog_is_known_soon() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let folder = tempfile::tempdir().unwrap();
    let body = json!({ "name": "p", "workspace_path": folder.path() });
    let project = server.post("/output-projects", body).await.expect(201);
    let project = project["id"].as_str().unwrap();
    let begun = Instant::now();
    server.start_session(project).await;
    let mut events = Events::since(&server, project, 0).await;
    let state = events.state("blocked_dialog").await.data;
    let after = begun.elapsed();
    println!("the trust dialog is known after {after:?}");
    assert_eq!(state["dialog"], Value::Null, "before the screen was read");
    assert!(after < SOON, "{after:?}");
    let session = server
        .session_until(project, "the dialog's name", |session| {
            session["dialog"] == "trust_folder"
        })
        .await;
    assert_eq!(session["agent_state"], "blocked_dialog");
}

/// A session with a question before each command.
fn asking() -> Option<Agent> {
    let agent = real()?;
    agent
        .home
        .settings(&json!({ "permissions": { "ask": ["Bash"] } }))
        .unwrap();
    Some(agent)
}

#[tokio::test]
async fn real_esc_is_known_soon() {
    let Some(agent) = asking() else { return };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let mut wire = Wire::attach(&server, &project, "").await;
    let mut events = Events::follow(&server, &project).await;
    for (prompt, state) in [
        ("stub:slow", "working"),
        ("stub:bash echo hi", "waiting_permission"),
        ("stub:ask", "waiting_question"),
    ] {
        submitted(&server, &project, prompt).await;
        server
            .session_until(&project, state, |session| {
                let is_read = session["asks"]["options"][0].is_string();
                session["agent_state"] == state && (state == "working" || is_read)
            })
            .await;
        events.state(state).await;
        let begun = Instant::now();
        wire.input("\x1b").await;
        loop {
            let next = events.named("agent.state").await.data;
            if next["state"] == "idle" {
                break;
            }
            assert_eq!(next["state"], state, "no other state in between");
        }
        let after = begun.elapsed();
        println!("{state}: Esc is known after {after:?}");
        assert!(after < SOON, "{after:?}");
    }
}

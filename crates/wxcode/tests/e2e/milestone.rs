//! Milestones delivered into the single session of their project.

mod edit;
mod line;

use serde_json::{Value, json};

use crate::support::{Agent, Server};

#[tokio::test]
async fn the_second_milestone_is_typed_in() {
    let agent = Agent::fake("").with_config(
        "[commands]\nnew_project = 'begin {context_path}'\nnew_milestone = 'next {context_path}'\n",
    );
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let (first, second) = (
        server.milestone(&project, "one").await,
        server.milestone(&project, "two").await,
    );

    let start = format!("/milestones/{first}/start");
    let delivery = server.post(&start, json!({})).await.expect(202);
    assert_eq!(
        delivery["text"],
        format!("begin .milestones/{first}/MILESTONE-CONTEXT.md")
    );
    assert_eq!(
        server.post(&start, json!({})).await.expect(202)["id"],
        delivery["id"],
        "repeating it gives the same one"
    );
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(
        server
            .get(&format!("/milestones/{first}"))
            .await
            .expect(200)["status"],
        "in_progress"
    );
    assert_eq!(
        server
            .get(&format!("/output-projects/{project}"))
            .await
            .expect(200)["status"],
        "initialized"
    );
    let session = server.session(&project).await;

    let delivery = server
        .post(&format!("/milestones/{second}/start"), json!({}))
        .await
        .expect(202);
    assert_eq!(
        delivery["text"],
        format!("next .milestones/{second}/MILESTONE-CONTEXT.md")
    );
    let submitted = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(submitted["error"], Value::Null);
    let after = server.session(&project).await;
    assert_eq!(
        (&after["pid"], &after["claude_session_id"]),
        (&session["pid"], &session["claude_session_id"])
    );
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("fake: 2 user messages").await;

    let path = format!("/milestones/{first}");
    assert_eq!(
        server
            .patch(&path, json!({ "status": "completed" }))
            .await
            .expect(200)["status"],
        "completed"
    );
    assert!(server.get(&path).await.expect(200)["completed_at"].is_string());
    assert_eq!(
        server
            .get(&format!("/output-projects/{project}"))
            .await
            .expect(200)["status"],
        "active"
    );
    let mut socket = server.socket(&format!("{path}/terminal")).await;
    assert_eq!(socket.close_code().await, 4009);
}

#[tokio::test]
async fn opening_a_pending_milestones_terminal_starts_it() {
    let server = Server::start(
        Agent::fake("").with_config("[commands]\nnew_project = 'begin {context_path}'\n"),
    )
    .await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let mut socket = server
        .socket(&format!("/milestones/{milestone}/terminal"))
        .await;
    assert_eq!(socket.message("status").await["resumed"], false);
    socket.until("fake: 1 user message; last: begin").await;
    server
        .until(
            &format!("/milestones/{milestone}"),
            "in progress",
            |milestone| milestone["status"] == "in_progress",
        )
        .await;
    let mut again = server
        .socket(&format!("/milestones/{milestone}/terminal"))
        .await;
    assert_eq!(again.message("status").await["resumed"], true);
    let deliveries = server
        .get(&format!("/output-projects/{project}/deliveries"))
        .await
        .expect(200);
    assert_eq!(deliveries["total"], 1);
}

#[tokio::test]
async fn an_open_session_gets_the_new_project_command() {
    let agent = Agent::fake("").with_config(
        "[commands]\nnew_project = 'begin {context_path}'\nnew_milestone = 'next {context_path}'\n",
    );
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let milestone = server.milestone(&project, "one").await;
    let delivery = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    assert!(
        delivery["text"].as_str().unwrap().starts_with("begin "),
        "whoever opened the session"
    );
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn deleting_a_milestone_cancels_its_delivery() {
    let server = Server::start(
        Agent::fake("trust").with_config("[commands]\nnew_project = 'begin {context_path}'\n"),
    )
    .await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server
        .session_until(&project, "blocked", |session| {
            session["agent_state"] == "blocked_dialog"
        })
        .await;
    let milestone = server.milestone(&project, "one").await;
    let delivery = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    server
        .delete(&format!("/milestones/{milestone}"))
        .await
        .expect(204);
    server.delivery_until(&project, &delivery, "failed").await;
}

//! The conversation of runs: `/clear`, and a lost transcript.

use std::fs;

use serde_json::{Value, json};

use super::{begin, over};
use crate::support::{Agent, Events, Server};

#[tokio::test]
async fn clear_in_a_run_rotates_the_id() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let first = over(&server, &begin(&server, &project, "hello").await).await;
    let cleared = over(&server, &begin(&server, &project, "/clear").await).await;
    assert_eq!(cleared["state"], "succeeded");
    assert_ne!(cleared["claude_session_id"], first["claude_session_id"]);
    let rotated = events.named("session.rotated").await.data;
    assert_eq!(
        (
            &rotated["from"],
            &rotated["claude_session_id"],
            &rotated["source"],
            &rotated["session_id"]
        ),
        (
            &first["claude_session_id"],
            &cleared["claude_session_id"],
            &json!("headless"),
            &Value::Null
        )
    );
    let next = over(&server, &begin(&server, &project, "anew").await).await;
    assert_eq!(next["result"], "fake: 1 user message; last: anew");
    assert_eq!(next["claude_session_id"], cleared["claude_session_id"]);
    let session = server.session(&project).await;
    let history = session["claude_session_history"].as_array().unwrap();
    assert_eq!(history.len(), 2);

    // A conversation without transcript and copy is lost for a run as for a session.
    server.without_copy(&project).await;
    fs::remove_file(history[1]["transcript_path"].as_str().unwrap()).unwrap();
    let lost = over(&server, &begin(&server, &project, "where am I").await).await;
    assert_eq!(lost["state"], "succeeded");
    let told = events.named("session.lost").await.data;
    assert_eq!(
        (&told["from"], &told["claude_session_id"]),
        (&next["claude_session_id"], &lost["claude_session_id"])
    );
}

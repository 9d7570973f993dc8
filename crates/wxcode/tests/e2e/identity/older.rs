//! Resuming an older conversation of a project on request.

use std::fs;

use serde_json::{Value, json};

use super::{identity, say, two_conversations};
use crate::support::Events;

#[tokio::test]
async fn an_older_conversation_is_resumed_on_request() {
    let (server, project, first, second) = two_conversations().await;
    let path = format!("/output-projects/{project}/session");
    let wish = |id: &Value| json!({ "claude_session_id": id });

    // Naming the current conversation equals naming none.
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

    // A start without a body resumes the current conversation.
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
    server.without_copy(&project).await;
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

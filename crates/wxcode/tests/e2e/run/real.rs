//! Runs of the real Claude Code against a stub of the Messages API.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{begin, over, path};
use crate::support::{Events, Server, is_alive, real};

#[tokio::test]
async fn a_run_and_a_session_are_one_conversation() {
    let Some(claude) = real() else { return };
    let server = Server::start(claude).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let first = over(
        &server,
        &begin(&server, &project, "the word is marmalade").await,
    )
    .await;
    assert_eq!(
        (&first["state"], &first["error"], &first["exit"]["code"]),
        (&json!("succeeded"), &Value::Null, &json!(0))
    );
    assert!(
        first["result"]
            .as_str()
            .unwrap()
            .contains("1 user message; last: the word is marmalade")
    );
    let said = events.named("run.message").await.data;
    assert_eq!(said["text"], first["result"]);
    let finished = events.named("run.finished").await.data;
    assert!(finished["turns"].as_u64() == Some(1) && finished["cost_usd"].as_f64().is_some());
    let session = server.session(&project).await;
    let history = session["claude_session_history"].as_array().unwrap();
    assert_eq!(
        (history.len(), &history[0]["source"]),
        (1, &json!("headless"))
    );
    assert!(Path::new(history[0]["transcript_path"].as_str().unwrap()).exists());

    // A session continues the conversation, and no run starts next to the session.
    let session = server.start_session(&project).await;
    assert_eq!(session["claude_session_id"], first["claude_session_id"]);
    events.state("idle").await;
    server
        .post(&path(&project), json!({ "prompt": "x" }))
        .await
        .problem(409);
    let delivery = server.deliver(&project, "and honey").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    events.state("working").await;
    events.state("idle").await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);

    // A run continues the session's conversation.
    let second = over(&server, &begin(&server, &project, "which words").await).await;
    assert_eq!(
        (&second["state"], &second["claude_session_id"]),
        (&json!("succeeded"), &first["claude_session_id"])
    );
    let stub = server.agent.stub.as_ref().unwrap();
    let requests = stub.requests();
    let texts = requests
        .iter()
        .rev()
        .find(|request| request.is_turn())
        .unwrap()
        .user_texts()
        .join("\n");
    for word in ["marmalade", "honey", "which words"] {
        assert!(texts.contains(word), "{word}: {texts}");
    }
    assert_eq!(
        server.session(&project).await["claude_session_history"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn tools_and_errors_are_published() {
    let Some(claude) = real() else { return };
    let server =
        Server::start(claude.with_config("[claude]\npermission_mode = 'acceptEdits'\n")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let file = server.workspace(&project).await.join("made");
    let run = over(
        &server,
        &begin(&server, &project, &format!("stub:write {}", file.display())).await,
    )
    .await;
    assert_eq!(run["state"], "succeeded", "{run:#}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "written by the stub\n");
    events.named("run.finished").await;
    for name in ["tool.started", "tool.finished"] {
        let all: Vec<_> = events
            .seen
            .iter()
            .filter(|told| told.name == name)
            .collect();
        assert_eq!(all.len(), 1, "{name} is told once");
        let tool = &all[0].data;
        assert_eq!(
            (&tool["tool_name"], &tool["file_path"], &tool["run_id"]),
            (&json!("Write"), &json!(file), &run["id"])
        );
    }
    let wrong = over(&server, &begin(&server, &project, "stub:error 500").await).await;
    assert_eq!(
        (&wrong["state"], &wrong["exit"]["code"]),
        (&json!("failed"), &json!(1))
    );
    assert!(
        wrong["error"].as_str().unwrap().contains("API Error: 500"),
        "{wrong:#}"
    );
}

#[tokio::test]
async fn a_stopped_run_can_be_continued() {
    let Some(claude) = real() else { return };
    let mut server = Server::start(claude).await;
    let project = server.project("p").await;
    let first = over(&server, &begin(&server, &project, "before the clear").await).await;
    let cleared = over(&server, &begin(&server, &project, "/clear").await).await;
    assert_eq!(cleared["state"], "succeeded", "{cleared:#}");
    assert_ne!(cleared["claude_session_id"], first["claude_session_id"]);

    // The next server stops a turn that was under way at the kill.
    let slow = begin(&server, &project, "stub:slow").await;
    server.agent.stub.as_ref().unwrap().wait_held(1).await;
    let pid = Server::pids(&server.run_dirs().into_iter().max().unwrap())
        .unwrap()
        .1;
    server.crash().await;
    assert!(is_alive(pid));
    server.up().await;
    let one = format!("{}/{}", path(&project), slow["id"].as_str().unwrap());
    server.delete(&one).await.expect(204);
    assert!(!is_alive(pid));
    assert_eq!(server.get(&one).await.expect(200)["state"], "stopped");
    let last = over(&server, &begin(&server, &project, "and on").await).await;
    assert_eq!(last["state"], "succeeded", "{last:#}");
    let result = last["result"].as_str().unwrap();
    assert!(!result.contains("before the clear"), "{result}");
}

//! New turns as events, and conversations whose transcript is gone.

use std::{fs, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, eventually, real};

/// Says something, and waits for the answer.
async fn say(server: &Server, project: &str, text: &str) -> Value {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    server.idle(project).await;
    delivery
}

/// The next turn's event.
async fn turn(events: &mut Events) -> Value {
    events.named("conversation.turn").await.data
}

#[tokio::test]
async fn each_turn_is_an_event_once() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let mut events = Events::follow(&server, &project).await;
    say(&server, &project, "first words").await;
    let (prompt, answer) = (turn(&mut events).await, turn(&mut events).await);
    assert_eq!(
        (&prompt["role"], &prompt["text"]),
        (&json!("user"), &json!("first words"))
    );
    assert_eq!(answer["role"], "assistant");
    let path = format!("/output-projects/{project}/conversation");
    let page = server.get(&path).await.expect(200);
    for (number, event) in [&prompt, &answer].into_iter().enumerate() {
        assert_eq!(page["turns"][number]["id"], event["id"]);
        assert_eq!(page["claude_session_id"], event["claude_session_id"]);
        assert_eq!(event["milestone_id"], Value::Null);
    }
    // After an absence the server tells the turns of that time, each once.
    server.crash().await;
    server.up().await;
    let last = answer["seq"].as_u64().unwrap();
    say(&server, &project, "more words").await;
    let mut events = Events::since(&server, &project, last).await;
    assert_eq!(turn(&mut events).await["text"], "more words");
    assert_eq!(turn(&mut events).await["role"], "assistant");
    // A resumed conversation goes on.
    let session = format!("/output-projects/{project}/session");
    server.delete(&session).await.expect(204);
    server.start_session(&project).await;
    say(&server, &project, "last words").await;
    assert_eq!(turn(&mut events).await["text"], "last words");
    assert_eq!(turn(&mut events).await["role"], "assistant");
    // Another conversation has its own turns.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    server
        .session_until(&project, "the id changed", |session| {
            session["claude_session_id"] != page["claude_session_id"]
                && session["agent_state"] == "idle"
        })
        .await;
    say(&server, &project, "new words").await;
    let new = turn(&mut events).await;
    assert_eq!(new["text"], "new words");
    assert_ne!(new["claude_session_id"], page["claude_session_id"]);
}

#[tokio::test]
async fn a_real_turn_names_its_delivery() {
    let Some(agent) = real() else {
        return;
    };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let mut events = Events::follow(&server, &project).await;
    let delivery = say(&server, &project, "Olá, conta a verdade").await;
    for role in ["user", "assistant"] {
        let turn = turn(&mut events).await;
        assert_eq!(turn["role"], role, "{turn}");
        assert_eq!(turn["delivery_id"], delivery["id"], "{turn}");
        assert!(turn["written_at"].is_string(), "{turn}");
    }
}

/// A project whose conversation is copied and whose transcript is gone, and the transcript's path.
async fn gone() -> (Server, String, PathBuf) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    say(&server, &project, "forgotten words").await;
    let session = server.session(&project).await;
    let id = session["claude_session_id"].as_str().unwrap().to_owned();
    let path = &session["claude_session_history"][0]["transcript_path"];
    let transcript = PathBuf::from(path.as_str().unwrap());
    let ended = format!("/output-projects/{project}/session");
    server.delete(&ended).await.expect(204);
    let whole = fs::read(&transcript).unwrap();
    let copy = server.data_dir().join("conversations").join(&project);
    let copy = copy.join(&id).join(format!("{id}.jsonl"));
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy == whole)
    })
    .await;
    fs::remove_file(&transcript).unwrap();
    (server, project, transcript)
}

#[tokio::test]
async fn a_copy_is_read_when_the_transcript_is_gone() {
    let (server, project, transcript) = gone().await;
    let path = format!("/output-projects/{project}/conversation");
    for folder_too in [false, true] {
        if folder_too {
            let projects = transcript.parent().unwrap().parent().unwrap();
            fs::remove_dir_all(projects).unwrap();
        }
        let page = server.get(&path).await.expect(200);
        assert_eq!(page["turns"][0]["blocks"][0]["text"], "forgotten words");
        assert_eq!(page["turns"].as_array().unwrap().len(), 2);
        let export = format!("/api/v1{path}?format=markdown");
        let export = server.request(Method::GET, &export);
        let export = export.bearer_auth(&server.token).send().await.unwrap();
        assert!(export.text().await.unwrap().contains("forgotten words"));
        let found = server.get("/search?q=FORGOTT").await.expect(200);
        assert_eq!(found["hits"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found["unread"], 0);
    }
    server.without_copy(&project).await;
    let lost = server.get(&path).await;
    assert_eq!(lost.body["code"], "transcripts_unavailable");
    lost.problem(503);
}

#[tokio::test]
async fn a_token_of_a_project_finds_its_own_words() {
    let (server, project, _) = gone().await;
    let other = server.project("other").await;
    server.start_session(&other).await;
    say(&server, &other, "forgotten elsewhere").await;
    let all = server.get("/search?q=forgotten").await.expect(200);
    assert_eq!(all["hits"].as_array().unwrap().len(), 2, "{all}");
    let new = json!({ "name": "one", "role": "viewer", "project_id": project });
    let token = server.post("/tokens", new).await.expect(201)["token"].clone();
    let request = server.request(Method::GET, "/api/v1/search?q=forgotten");
    let request = request.bearer_auth(token.as_str().unwrap());
    let found = server.answer(request).await.expect(200);
    let hits = found["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 1, "{found}");
    assert!(hits.iter().all(|hit| hit["project_id"] == project.as_str()));
}

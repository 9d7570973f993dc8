//! The search index: in step with conversations, and made again when it is lost.

use std::{
    fs::{self},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::{
    mirror::append,
    support::{Agent, Server},
};

/// Says something, and waits for the answer; returns the transcript's path.
async fn say(server: &Server, project: &str, text: &str) -> PathBuf {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
    let session = server.idle(project).await;
    let path = &session["claude_session_history"][0]["transcript_path"];
    path.as_str().unwrap().into()
}

/// The snippets of the hits.
async fn snippets(server: &Server, query: &str) -> Vec<String> {
    let found = server.get(&format!("/search?q={query}")).await.expect(200);
    assert_eq!(
        (&found["unread"], &found["indexing"]),
        (&json!(0), &Value::Null)
    );
    let hits = found["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["snippet"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn new_words_are_found_at_once() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let transcript = say(&server, &project, "Olá, o coração").await;
    assert_eq!(snippets(&server, "CORACA").await, ["Olá, o coração"]);
    say(&server, &project, "a second heart").await;
    assert_eq!(snippets(&server, "heart%20sec").await, ["a second heart"]);
    assert_eq!(snippets(&server, "coracao%20heart").await, [""; 0]);
    // The result of a tool belongs to its earlier turn.
    let lines = [
        json!({ "type": "assistant", "uuid": "a", "message": { "id": "m", "content": [
            { "type": "tool_use", "id": "t", "name": "Bash", "input": { "command": "uptime" } },
        ] } }),
        json!({ "type": "user", "uuid": "u", "message": { "content": [
            { "type": "tool_result", "tool_use_id": "t", "content": "averages" },
        ] } }),
    ];
    for line in lines {
        append(&transcript, &format!("{line}\n"));
        let found = snippets(&server, "upti").await;
        assert_eq!(found, ["uptime"]);
    }
    assert_eq!(snippets(&server, "uptime%20average").await, ["uptime"]);

    // The file is the owner's alone, and is made again when it is lost or damaged.
    let index = server.data_dir().join("search.db");
    let mode = fs::metadata(&index).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.terminate().await;
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(server.data_dir().join(format!("search.db{suffix}")));
    }
    fs::write(&index, "damaged").unwrap();
    server.up().await;
    assert_eq!(snippets(&server, "second").await, ["a second heart"]);
    // A rewritten transcript has its own words only.
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let other = r#"{"type":"user","uuid":"x","message":{"content":"other text"}}"#;
    fs::remove_file(&transcript).unwrap();
    fs::write(&transcript, format!("{other}\n")).unwrap();
    assert_eq!(snippets(&server, "second").await, [""; 0]);
    assert_eq!(snippets(&server, "other").await, ["other text"]);
}

#[tokio::test]
async fn hits_are_paged_to_the_end() {
    let server = Server::start(Agent::fake("")).await;
    let mut expected = Vec::new();
    for name in ["one", "two"] {
        let project = server.project(name).await;
        server.start_session(&project).await;
        for number in 0..3 {
            let text = format!("paged {name} {number}");
            say(&server, &project, &text).await;
            expected.push(text);
        }
    }
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let path = format!("/search?q=paged&limit=2{after}");
        let found = server.get(&path).await.expect(200);
        let hits = found["hits"].as_array().unwrap();
        assert!(hits.len() <= 2);
        let texts = hits.iter().map(|hit| hit["snippet"].as_str().unwrap());
        seen.extend(texts.map(str::to_owned));
        match found["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, expected);
}

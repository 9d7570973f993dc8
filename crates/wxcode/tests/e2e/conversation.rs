//! The conversation of a project over HTTP: pages, exports and searches.

use std::{fs, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Server, make_fifo, real};

/// The recorded transcript of a real conversation.
const WORKED: &str = include_str!("../../../wxcode-claude/conversations/worked.jsonl");
/// Its claude session id.
const WORKED_ID: &str = "11111111-1111-4111-8111-111111111111";

/// A server with a project whose current conversation is the recorded one, without a session.
async fn recorded() -> (Server, String, String, PathBuf) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let idle = server.idle(&project).await;
    let conversation = idle["claude_session_id"].as_str().unwrap().to_owned();
    let delivery = server.deliver(&project, "first words").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.idle(&project).await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let history = &server.session(&project).await["claude_session_history"];
    let transcript = PathBuf::from(history[0]["transcript_path"].as_str().unwrap());
    fs::write(&transcript, WORKED.replace(WORKED_ID, &conversation)).unwrap();
    (server, project, conversation, transcript)
}

fn ids(turns: &Value) -> Vec<String> {
    let turns = turns.as_array().unwrap().iter();
    turns
        .map(|turn| turn["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_conversation_is_paged_from_its_end() {
    let (server, project, conversation, _) = recorded().await;
    let path = format!("/output-projects/{project}/conversation");
    let whole = server.get(&path).await.expect(200);
    assert_eq!(whole["claude_session_id"], json!(conversation));
    assert_eq!(
        (&whole["next"], &whole["skipped"]),
        (&Value::Null, &json!(0))
    );
    let turns = whole["turns"].as_array().unwrap();
    let kinds: Vec<&str> = turns
        .iter()
        .flat_map(|turn| turn["blocks"].as_array().unwrap())
        .map(|block| block["type"].as_str().unwrap())
        .collect();
    for kind in ["text", "tool", "question", "refusal"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }

    let (mut before, mut seen) = (String::new(), Vec::new());
    loop {
        let page = server.get(&format!("{path}?limit=3{before}")).await;
        let page = page.expect(200);
        let mut page_ids = ids(&page["turns"]);
        assert!(page_ids.len() <= 3);
        page_ids.append(&mut seen);
        seen = page_ids;
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&whole["turns"]));
}

#[tokio::test]
async fn a_conversation_is_exported_whole() {
    let (server, project, _, _) = recorded().await;
    let path = format!("/output-projects/{project}/conversation");
    let whole = server.get(&path).await.expect(200);
    let export = async |format: &str| {
        let url = format!("/api/v1{path}?format={format}");
        let request = server.request(Method::GET, &url);
        let response = request.bearer_auth(&server.token).send().await.unwrap();
        assert_eq!(response.status().as_u16(), 200);
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        (kind, response.text().await.unwrap())
    };
    let (kind, text) = export("jsonl").await;
    assert_eq!(kind, "application/jsonl");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(Value::from(lines), whole["turns"]);
    let (kind, text) = export("markdown").await;
    assert_eq!(kind, "text/markdown; charset=utf-8");
    for wanted in ["Olá, plan the coração page", "**Answer:** Red"] {
        assert!(text.contains(wanted), "{text}");
    }
    for wrong in ["format=pdf", "format=jsonl&limit=3", "limit=0", "before=x"] {
        server.get(&format!("{path}?{wrong}")).await.problem(422);
    }
}

#[tokio::test]
async fn words_of_conversations_are_found() {
    let (server, project, conversation, _) = recorded().await;
    let other = server.project("other").await;
    for path in [
        format!("/output-projects/{project}/search"),
        "/search".to_owned(),
    ] {
        let found = server
            .get(&format!("{path}?q=CORACAO%20pla"))
            .await
            .expect(200);
        let hits = found["hits"].as_array().unwrap();
        assert_eq!(hits.len(), 2, "{found:#}");
        assert_eq!(
            (&found["next"], &found["unread"]),
            (&Value::Null, &json!(0))
        );
        let hit = &hits[1];
        assert_eq!(hit["project_id"], json!(project));
        assert_eq!(hit["claude_session_id"], json!(conversation));
        assert!(
            hit["snippet"].as_str().unwrap().contains("coração"),
            "{hit}"
        );
        // The hit leads to its place.
        let place = hit["before"].as_str().unwrap();
        let path = format!("/output-projects/{project}/conversation?limit=1&before={place}");
        let page = server.get(&path).await.expect(200);
        assert_eq!(page["turns"][0]["id"], hit["turn_id"], "{page:#}");
    }
    let path = format!("/output-projects/{project}/search");
    let first = server
        .get(&format!("{path}?q=stub&limit=1"))
        .await
        .expect(200);
    let next = first["next"].as_str().unwrap();
    let second = server
        .get(&format!("{path}?q=stub&limit=1&after={next}"))
        .await;
    assert_ne!(second.expect(200)["hits"], first["hits"]);
    let none = server
        .get(&format!("/output-projects/{other}/search?q=stub"))
        .await;
    assert_eq!(none.expect(200)["hits"], json!([]));
    for wrong in ["", "?q=", "?q=%21", "?q=x&limit=0", "?q=x&after=y"] {
        server.get(&format!("{path}{wrong}")).await.problem(422);
    }
}

#[tokio::test]
async fn a_conversation_without_its_transcript_is_named() {
    let (server, project, conversation, transcript) = recorded().await;
    let path = format!("/output-projects/{project}/conversation");
    let fresh = server.project("fresh").await;
    let empty = server
        .get(&format!("/output-projects/{fresh}/conversation"))
        .await;
    assert_eq!(empty.expect(200)["turns"], json!([]));
    let foreign = format!("{path}?claude_session_id=22222222-2222-4222-8222-222222222222");
    server.get(&foreign).await.problem(404);

    server.without_copy(&project).await;
    fs::remove_file(&transcript).unwrap();
    let gone = server.get(&path).await;
    assert_eq!(gone.body["code"], "transcript_missing");
    assert!(gone.problem(404).contains(&conversation));
    let found = server.get("/search?q=stub").await.expect(200);
    assert_eq!((&found["hits"], &found["unread"]), (&json!([]), &json!(1)));

    // A FIFO must not block anybody.
    make_fifo(&transcript);
    let fifo = server.get(&path).await;
    assert_eq!(fifo.body["code"], "transcripts_unavailable");
    fifo.problem(503);
    fs::remove_file(&transcript).unwrap();

    let folder = server.agent.home.config_dir().join("projects");
    fs::rename(&folder, folder.with_file_name("aside")).unwrap();
    let away = server.get(&path).await;
    assert_eq!(away.body["code"], "transcripts_unavailable");
    away.problem(503);
}

#[tokio::test]
async fn a_real_conversation_names_its_deliveries() {
    let Some(agent) = real() else {
        return;
    };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "Olá, conta a verdade").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let path = format!("/output-projects/{project}/conversation");
    let page = server
        .until(&path, "both turns are written", |page| {
            page["turns"].as_array().unwrap().len() == 2
        })
        .await;
    let turns = page["turns"].as_array().unwrap();
    assert_eq!(
        (&turns[0]["role"], &turns[1]["role"]),
        (&json!("user"), &json!("assistant"))
    );
    let text = |turn: &Value| turn["blocks"][0]["text"].as_str().unwrap().to_owned();
    assert_eq!(text(&turns[0]), "Olá, conta a verdade");
    assert!(text(&turns[1]).contains("conta a verdade"));
    for turn in turns {
        assert_eq!(turn["delivery_id"], delivery["id"], "{turn}");
        assert_eq!(turn["milestone_id"], Value::Null, "{turn}");
    }
    let found = server.get("/search?q=VERDADE").await.expect(200);
    assert_eq!(found["hits"].as_array().unwrap().len(), 2);
}

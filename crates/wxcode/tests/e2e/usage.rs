//! The usage of conversations: tokens, context and cost, by session and by month.

use std::{
    fs::{self},
    path::PathBuf,
};

use serde_json::{Value, json};

use crate::{
    mirror::append,
    support::{Agent, Server, eventually, real},
};

/// A message of the model.
fn message(id: &str, at: &str, model: &str, tokens: [u64; 4]) -> String {
    let [input, write, read, output] = tokens;
    let usage = json!({
        "input_tokens": input, "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read, "output_tokens": output,
    });
    let message = json!({
        "id": id, "role": "assistant", "model": model, "usage": usage,
        "content": [{ "type": "text", "text": "an answer" }],
    });
    let line = json!({
        "type": "assistant", "uuid": format!("u{id}"), "isSidechain": false, "timestamp": at,
        "message": message,
    });
    format!("{line}\n")
}

/// A project with an ended session, and its transcript.
async fn spoken() -> (Server, String, PathBuf) {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "first words").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    server.idle(&project).await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    let history = &server.session(&project).await["claude_session_history"];
    let transcript = history[0]["transcript_path"].as_str().unwrap().into();
    (server, project, transcript)
}

#[tokio::test]
async fn usage_is_counted_from_the_transcript() {
    let (server, project, transcript) = spoken().await;
    assert_eq!(server.session(&project).await["usage"], Value::Null);
    let one = message("m1", "2026-01-31T23:59:59Z", "big", [10, 20, 30, 5]);
    // Each block of a message is a line of its own.
    append(&transcript, &format!("{one}{one}"));
    append(
        &transcript,
        &message("m2", "2026-02-01T00:00:00Z", "big", [1, 2, 49_997, 50]),
    );
    let session = server
        .session_until(&project, "both messages are counted", |session| {
            session["usage"]["output_tokens"] == 55
        })
        .await;
    let usage = json!({
        "context_percent": 25.0, "input_tokens": 50_060, "output_tokens": 55, "cost_usd": null,
        "five_hour_percent": null, "seven_day_percent": null,
    });
    assert_eq!(session["usage"], usage);
    let cost = r#"{"type":"cost-state","sessionId":"x","totalCostUSD":0.25}"#;
    append(&transcript, &format!("{cost}\n"));
    server
        .session_until(&project, "the cost is known", |session| {
            session["usage"]["cost_usd"] == 0.25
        })
        .await;
    // A subagent counts in its month, not in the context.
    let side = transcript.with_extension("").join("subagents");
    fs::create_dir_all(&side).unwrap();
    fs::write(
        side.join("agent-1.jsonl"),
        message("m3", "2026-02-02T00:00:00Z", "small", [7, 0, 0, 9]),
    )
    .unwrap();
    let path = format!("/output-projects/{project}/usage");
    let usage = server.get(&path).await.expect(200);
    let tokens = |input: u64, cache_write: u64, cache_read: u64, output: u64| json!({ "input": input, "cache_write": cache_write, "cache_read": cache_read, "output": output });
    let months = json!([
        {
            "month": "2026-01", "tokens": tokens(10, 20, 30, 5),
            "models": { "big": tokens(10, 20, 30, 5) }, "cost_usd": null,
        },
        {
            "month": "2026-02", "tokens": tokens(8, 2, 49_997, 59),
            "models": { "big": tokens(1, 2, 49_997, 50), "small": tokens(7, 0, 0, 9) },
            "cost_usd": 0.25,
        },
    ]);
    assert_eq!(usage, json!({ "months": months, "is_complete": true }));
    let session = server.session(&project).await;
    assert_eq!(session["usage"]["context_percent"], 25.0);
    server
        .get("/output-projects/0123456789abcdef01234567/usage")
        .await
        .problem(404);
}

#[tokio::test]
async fn usage_survives_a_deleted_transcript() {
    let (mut server, project, transcript) = spoken().await;
    let session = server.start_session(&project).await;
    let id = session["claude_session_id"].as_str().unwrap().to_owned();
    append(
        &transcript,
        &message("m1", "2026-01-01T00:00:00Z", "big", [10, 0, 0, 5]),
    );
    let whole = fs::read(&transcript).unwrap();
    let copy = server.data_dir().join("conversations").join(&project);
    let copy = copy.join(&id).join(format!("{id}.jsonl"));
    eventually("the copy is whole", || {
        fs::read(&copy).is_ok_and(|copy| copy.starts_with(&whole))
    })
    .await;
    let path = format!("/output-projects/{project}/session");
    server.delete(&path).await.expect(204);
    fs::remove_file(&transcript).unwrap();
    server.crash().await;
    server.up().await;
    let usage = server.session(&project).await["usage"].clone();
    assert_eq!(usage["input_tokens"], 10, "{usage}");
    let path = format!("/output-projects/{project}/usage");
    let months = server.get(&path).await.expect(200);
    assert_eq!(months["months"][0]["tokens"]["output"], 5, "{months}");
}

#[tokio::test]
async fn a_real_session_shows_its_usage() {
    let Some(agent) = real() else {
        return;
    };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let delivery = server.deliver(&project, "count this").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let session = server
        .session_until(&project, "the answer is counted", |session| {
            session["usage"]["output_tokens"] == 10
        })
        .await;
    assert_eq!(session["usage"]["input_tokens"], 10);
    let percent = session["usage"]["context_percent"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&percent), "{percent}");
}

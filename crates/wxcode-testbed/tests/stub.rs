//! The stub's answers to plain HTTP, as described in its module.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use serde_json::{Value, json};
use wxcode_testbed::Stub;

/// The body of a turn with the user's texts, the newest last.
fn turn(texts: &[&str], stream: bool) -> Value {
    let mut messages = vec![
        json!({ "role": "user", "content": "<system-reminder>not the user</system-reminder>" }),
    ];
    messages.extend(
        texts
            .iter()
            .map(|text| json!({ "role": "user", "content": [{ "type": "text", "text": text }] })),
    );
    json!({ "model": "m", "stream": stream, "tools": [{ "name": "Bash" }], "messages": messages })
}

async fn post(stub: &Stub, body: &Value) -> reqwest::Response {
    let url = format!("{}/v1/messages?beta=true", stub.base_url());
    let client = wxcode_testbed::plain_http().build().unwrap();
    client
        .post(url)
        .body(body.to_string())
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn texts_are_echoed_and_counted() {
    let stub = Stub::start().await.unwrap();
    let answer: Value = post(&stub, &turn(&["one", "two"], false))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(
        answer["content"][0]["text"],
        "stub: 2 user messages; last: two"
    );
    let streamed = post(&stub, &turn(&["one"], true))
        .await
        .text()
        .await
        .unwrap();
    assert!(
        streamed.contains("stub: 1 user message; last: one"),
        "{streamed}"
    );
    let events: Vec<&str> = streamed
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(
        events,
        [
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop"
        ]
    );
    let seen = stub
        .wait_for(|request| request.is_turn() && request.user_texts().len() == 1)
        .await;
    assert_eq!(seen.user_texts(), ["one"]);
    assert_eq!(stub.requests().len(), 2);
}

#[tokio::test]
async fn keywords_select_tools_and_errors() {
    let stub = Stub::start().await.unwrap();
    for (text, tool) in [
        ("please stub:bash ls -l", "Bash"),
        ("stub:ask", "AskUserQuestion"),
        ("stub:tool Edit {\"a\": 1}", "Edit"),
        ("stub:write /f", "Write"),
    ] {
        let answer: Value = post(&stub, &turn(&[text], false))
            .await
            .json()
            .await
            .unwrap();
        assert_eq!(answer["content"][0]["name"], tool);
        assert_eq!(answer["stop_reason"], "tool_use");
    }
    let answer = post(&stub, &turn(&["stub:error 529"], true)).await;
    assert_eq!(answer.status(), 529);
    let mut body = turn(&["stub:bash ls"], false);
    body["tools"] = json!([]);
    let answer: Value = post(&stub, &body).await.json().await.unwrap();
    assert_eq!(
        answer["content"][0]["type"], "text",
        "a side request never gets a tool"
    );
}

#[tokio::test]
async fn a_slow_answer_waits_for_release() {
    let stub = Stub::start().await.unwrap();
    let mut answer = post(&stub, &turn(&["stub:slow"], true)).await;
    stub.wait_held(1).await;
    let mut text = String::new();
    while !text.contains("stub: working") {
        text.push_str(std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(!text.contains("message_stop"));
    stub.release();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.contains("stub: released") && text.contains("message_stop"));
    stub.wait_held(0).await;

    let dropped = post(&stub, &turn(&["stub:slow"], true)).await;
    stub.wait_held(1).await;
    drop(dropped);
    stub.wait_held(0).await;
}

//! Long queued texts: lists and events carry their beginnings, and the server never holds all
//! texts.

use std::fs;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server};

/// Queued deliveries, and the length of each text in bytes.
const DELIVERIES: usize = 300;
const TEXT: usize = 1 << 20; // 1 MiB
/// Concurrent followers of the events, and visits of each.
const CLIENTS: usize = 6;
const VISITS: usize = 2;
/// Highest peak memory of the server in KiB: far less than all texts together.
const PEAK_MAX_KIB: u64 = 200 << 10; // 200 MiB
/// Longest beginning of a text, in bytes.
const BEGINNING_MAX: usize = 4 << 10; // 4 KiB

/// The server's peak resident size, in KiB.
fn peak_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let words = line.unwrap().split_whitespace();
    words.rev().nth(1).unwrap().parse().unwrap()
}

/// A text with a number as its only difference from other texts.
fn long(number: usize) -> String {
    let mut text = format!("text {number} ");
    text.push_str(&"x".repeat(TEXT - text.len()));
    text
}

/// Checks that a field of a listed record is a marked beginning of `whole`.
#[track_caller]
fn check(listed: &Value, field: &str, whole: &str) {
    let beginning = listed[field].as_str().unwrap();
    assert!(
        beginning.len() <= BEGINNING_MAX,
        "{} bytes",
        beginning.len()
    );
    assert!(!beginning.is_empty() && whole.starts_with(beginning));
    assert_eq!(listed[format!("{field}_bytes")], whole.len());
    assert_eq!(listed[format!("{field}_truncated")], whole != beginning);
}

#[tokio::test]
async fn lists_shorten_texts_records_do_not() {
    let server = Server::start(Agent::fake("trust")).await;
    let project = server.project("p").await;
    let whole = long(7);
    for text in [&whole, "short"] {
        let queued = server.deliver(&project, text).await;
        let path = format!("/output-projects/{project}/deliveries");
        let listed = server.get(&path).await.expect(200);
        check(
            listed["deliveries"].as_array().unwrap().last().unwrap(),
            "text",
            text,
        );
        let path = format!("{path}/{}", queued["id"].as_str().unwrap());
        for alone in [queued, server.get(&path).await.expect(200)] {
            assert!(alone["text"] == *text && alone["text_truncated"] == false);
        }
        let body = json!({
            "output_project_id": project, "element_name": "e", "context": text,
        });
        let made = server.post("/milestones", body).await.expect(201);
        let path = format!("/milestones?output_project_id={project}");
        let listed = server.get(&path).await.expect(200);
        check(
            listed["milestones"].as_array().unwrap().last().unwrap(),
            "context",
            text,
        );
        let path = format!("/milestones/{}", made["id"].as_str().unwrap());
        for alone in [made, server.get(&path).await.expect(200)] {
            assert!(alone["context"] == *text && alone["context_truncated"] == false);
        }
    }
    let mut events = Events::follow(&server, &project).await;
    let state = events.named("state").await;
    let open = state.data["deliveries"].as_array().unwrap();
    assert_eq!(open[0]["text_bytes"], whole.len());
    assert_eq!(open[0]["text_truncated"], true);
    assert_eq!(
        (&open[1]["text"], &open[1]["text_truncated"]),
        (&json!("short"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_texts_cost_no_memory() {
    // With a dialog open, every delivery waits.
    let server = Server::start(Agent::fake("trust")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let path = format!("/api/v1/output-projects/{project}/deliveries");
    for number in 0..DELIVERIES {
        // No JSON encoding or parsing here: too slow on this much text in a debug build.
        let request = server.request(Method::POST, &path);
        let request = request.bearer_auth(&server.token);
        let request = request.header("content-type", "application/json");
        let body = format!(r#"{{"text":"{}"}}"#, long(number));
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }
    let follow = async || {
        for _ in 0..VISITS {
            let mut events = Events::follow(&server, &project).await;
            let state = events.named("state").await;
            let open = state.data["deliveries"].as_array().unwrap();
            assert_eq!(open.len(), DELIVERIES);
        }
    };
    join_all((0..CLIENTS).map(|_| follow())).await;
    let path = format!("/output-projects/{project}/deliveries?limit=500");
    let listed = server.get(&path).await.expect(200);
    let listed = listed["deliveries"].as_array().unwrap();
    assert_eq!(listed.len(), DELIVERIES);
    let peak = peak_kib(&server);
    eprintln!("the server's peak with {DELIVERIES} texts of {TEXT} bytes: {peak} KiB");
    assert!(
        peak < PEAK_MAX_KIB,
        "the server had {peak} KiB: {PEAK_MAX_KIB} are enough without the texts"
    );
}

//! Drafts of the user are neither sent, nor lost, nor mixed with a command.

use serde_json::Value;

use super::{deliveries, running};
use crate::support::{Server, Socket};

const DRAFT: &str = "half a thought";

/// An idle session with a draft in its prompt, and the draft's terminal.
async fn with_draft(modes: &str, config: &str) -> (Server, String, Socket) {
    let (server, project) = running(modes, config).await;
    server.idle(&project).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.input(DRAFT).await;
    socket.until(&format!("❯ {DRAFT}")).await;
    (server, project, socket)
}

/// Waits until the screen shows all of these; returns the screen.
async fn shows(server: &Server, project: &str, texts: &[&str]) -> String {
    let screen = format!("/output-projects/{project}/screen");
    let what = format!("{texts:?}");
    let shown = server.until(&screen, &what, |screen| {
        screen
            .as_str()
            .is_some_and(|screen| texts.iter().all(|text| screen.contains(text)))
    });
    shown.await.as_str().unwrap().to_owned()
}

async fn says_draft(server: &Server, project: &str, delivery: &Value) -> Value {
    let path = format!(
        "{}/{}",
        deliveries(project),
        delivery["id"].as_str().unwrap()
    );
    let waits = server.until(&path, "the draft is named", |delivery| {
        delivery["error"]
            .as_str()
            .is_some_and(|error| error.starts_with("draft: "))
    });
    waits.await
}

#[tokio::test]
async fn a_draft_is_stashed_and_restored() {
    let (server, project, _socket) = with_draft("", "").await;
    for (count, text) in ["one", "two"].iter().enumerate() {
        let delivery = server.deliver(&project, text).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
        let plural = if count == 0 { "" } else { "s" };
        let answer = format!("fake: {} user message{plural}; last: {text}", count + 1);
        shows(&server, &project, &[&answer, &format!("❯ {DRAFT}")]).await;
    }
}

#[tokio::test]
async fn an_unstashable_draft_delays_the_delivery() {
    let (server, project, mut socket) = with_draft("no-stash", "").await;
    let delivery = server.deliver(&project, "later").await;
    let waits = says_draft(&server, &project, &delivery).await;
    assert_eq!(waits["state"], "queued");
    shows(&server, &project, &[&format!("❯ {DRAFT}")]).await;
    socket.input("\r").await;
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert!(done["error"].is_null(), "{done}");
    shows(&server, &project, &["fake: 2 user messages; last: later"]).await;
}

#[tokio::test]
async fn an_untouched_draft_fails_the_delivery() {
    let (server, project, _socket) =
        with_draft("no-stash", "[delivery]\nready_timeout_s = 1\n").await;
    let delivery = server.deliver(&project, "never").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.starts_with("draft: ") && error.contains("1 s"),
        "{error}"
    );
    let screen = shows(&server, &project, &[&format!("❯ {DRAFT}")]).await;
    assert!(!screen.contains("never"), "{screen}");
}

#[tokio::test]
async fn the_users_stashed_draft_is_kept() {
    let (server, project, mut socket) = with_draft("", "").await;
    socket.input("\u{13}").await;
    socket.until("draft stashed").await;
    socket.input("another").await;
    socket.until("❯ another").await;
    let delivery = server.deliver(&project, "later").await;
    says_draft(&server, &project, &delivery).await;
    // The user sends the second draft; the first draft returns and can be stashed.
    socket.input("\r").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    shows(&server, &project, &["last: later", &format!("❯ {DRAFT}")]).await;
}

#[tokio::test]
async fn a_suggestion_is_not_a_draft() {
    let (server, project) = running("placeholder,no-stash", "").await;
    server.idle(&project).await;
    shows(&server, &project, &["❯ Try \"something\""]).await;
    let delivery = server.deliver(&project, "at once").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    shows(&server, &project, &["last: at once"]).await;
}

#[tokio::test]
async fn a_refused_text_restores_the_draft() {
    let (server, project, _socket) = with_draft("no-return", "").await;
    let delivery = server.deliver(&project, "not taken").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("15 s") && !error.contains("still"),
        "{error}"
    );
    assert_eq!(failed["attempts"], 3);
    let screen = shows(&server, &project, &[&format!("❯ {DRAFT}")]).await;
    assert!(!screen.contains("not taken"), "{screen}");
}

#[tokio::test]
async fn an_unknown_command_restores_the_prompt() {
    let (server, project, _socket) = with_draft("", "").await;
    let delivery = server.deliver(&project, "/unknown:command x").await;
    let next = server.deliver(&project, "next").await;
    server.delivery_until(&project, &delivery, "failed").await;
    server.delivery_until(&project, &next, "submitted").await;
    let answer = "fake: 1 user message; last: next";
    shows(&server, &project, &[answer, &format!("❯ {DRAFT}")]).await;
}

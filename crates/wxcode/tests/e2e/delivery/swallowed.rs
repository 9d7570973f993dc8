//! A dialog comes up between the look at the prompt and the paste, and swallows the text.

use serde_json::json;

use super::{line::of, running};
use crate::support::Server;

/// Delivers a text into such an agent and waits for the dialog.
async fn swallowed() -> (Server, String, serde_json::Value) {
    let (server, project) = running("ambush", "").await;
    server.idle(&project).await;
    let delivery = server.deliver(&project, "hello").await;
    let names = |delivery: &serde_json::Value| delivery["error"] == "auto_mode_offer";
    let waits = server
        .until(&of(&project, &delivery), "the dialog is named", names)
        .await;
    assert_eq!(waits["state"], "written");
    (server, project, delivery)
}

#[tokio::test]
async fn a_swallowed_text_is_typed_again() {
    let (server, project, delivery) = swallowed().await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.input("\r").await;
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(done["error"], json!(null));
    socket.until("fake: 1 user message; last: hello").await;
}

#[tokio::test]
async fn a_swallowed_text_of_an_ended_agent_fails() {
    let (server, project, delivery) = swallowed().await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    server.delivery_until(&project, &delivery, "failed").await;
}

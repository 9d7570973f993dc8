//! Deliveries: typed once, confirmed by the agent, never into a dialog, failing with a reason.

mod crash;
mod draft;
mod key;
mod line;
mod real;
mod refused;
mod swallowed;

use std::fs;

use serde_json::json;

use crate::support::{Agent, Server};

async fn running(modes: &str, config: &str) -> (Server, String) {
    let server = Server::start(Agent::fake(modes).with_config(config)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    (server, project)
}

fn deliveries(project: &str) -> String {
    format!("/output-projects/{project}/deliveries")
}

#[tokio::test]
async fn commands_of_claude_itself_are_confirmed() {
    let (server, project) = running("", "").await;
    let before = server.session(&project).await["claude_session_id"].clone();
    for text in ["first", "/compact keep the names", "/clear", "last"] {
        let delivery = server.deliver(&project, text).await;
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
    }
    let after = server.session(&project).await["claude_session_id"].clone();
    assert_ne!(after, before);
}

/// No hook reports these commands, before the first message and after it.
#[tokio::test]
async fn commands_in_the_transcript_are_confirmed() {
    let (server, project) = running("", "").await;
    for text in [
        "/model sonnet",
        "first",
        "/model opus",
        "/model opus",
        "last",
    ] {
        let delivery = server.deliver(&project, text).await;
        let done = server
            .delivery_until(&project, &delivery, "submitted")
            .await;
        assert_eq!(
            (&done["attempts"], &done["error_code"]),
            (&json!(1), &json!(null))
        );
    }
}

#[tokio::test]
async fn a_text_is_submitted_once_per_key() {
    let (server, project) = running("", "").await;
    let body = json!({ "text": "line one\nline two", "idempotency_key": "k" });
    let delivery = server
        .post(&deliveries(&project), body.clone())
        .await
        .expect(202);
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let again = server.post(&deliveries(&project), body).await.expect(202);
    assert_eq!(
        (&again["id"], &again["state"]),
        (&delivery["id"], &json!("submitted"))
    );
    let other = server.deliver(&project, "another").await;
    server.delivery_until(&project, &other, "submitted").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("fake: 2 user messages; last: another").await;
    assert_eq!(
        server.get(&deliveries(&project)).await.expect(200)["total"],
        2
    );
}

#[tokio::test]
async fn a_delivery_starts_the_session_it_needs() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn deliveries_queue_until_the_turn_ends() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("hold");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let (server, project) = running("", "").await;
    let hold = server
        .post(
            &deliveries(&project),
            json!({ "text": format!("fake:hold {}", fifo.display()) }),
        )
        .await
        .expect(202);
    server.delivery_until(&project, &hold, "submitted").await;
    server
        .session_until(&project, "working", |session| {
            session["agent_state"] == "working"
        })
        .await;
    let next = server.deliver(&project, "next").await;
    let last = server.deliver(&project, "last").await;
    assert_eq!(
        server
            .get(&format!(
                "{}/{}",
                deliveries(&project),
                next["id"].as_str().unwrap()
            ))
            .await
            .expect(200)["state"],
        "queued"
    );
    // Opening the FIFO is the signal; the agent may close it before any write.
    tokio::task::spawn_blocking(move || fs::File::options().write(true).open(fifo))
        .await
        .unwrap()
        .unwrap();
    server.delivery_until(&project, &next, "submitted").await;
    server.delivery_until(&project, &last, "submitted").await;
}

#[tokio::test]
async fn a_delivery_waits_for_a_dialog() {
    let (server, project) = running("trust", "[delivery]\nready_timeout_s = 1\n").await;
    let delivery = server.deliver(&project, "hello").await;
    let path = format!(
        "{}/{}",
        deliveries(&project),
        delivery["id"].as_str().unwrap()
    );
    let waits = server
        .until(&path, "the dialog is named", |delivery| {
            delivery["error"] == "trust_folder"
        })
        .await;
    assert_eq!(
        (&waits["state"], &waits["error_code"]),
        (&json!("queued"), &json!("dialog"))
    );
    let session = server.session(&project).await;
    assert_eq!(
        (&session["agent_state"], &session["dialog"]),
        (&json!("blocked_dialog"), &json!("trust_folder"))
    );
    // The user picks the second choice.
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.input("\u{1b}[B").await;
    socket.input("\r").await;
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert!(done["error"].is_null());
}

#[tokio::test]
async fn a_late_dialog_does_not_swallow_a_delivery() {
    let (server, project) = running("auto-offer", "").await;
    let delivery = server.deliver(&project, "hello").await;
    let path = format!(
        "{}/{}",
        deliveries(&project),
        delivery["id"].as_str().unwrap()
    );
    server
        .until(&path, "the dialog is named", |delivery| {
            delivery["error"] == "auto_mode_offer"
        })
        .await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.input("\r").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn a_retry_presses_only_enter() {
    let (server, project) = running("swallow-cr", "").await;
    let delivery = server.deliver(&project, "only once").await;
    let done = server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(done["attempts"], 2);
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.until("fake: 1 user message; last: only once").await;
}

#[tokio::test]
async fn an_unknown_command_fails_with_its_words() {
    let (server, project) = running("", "").await;
    let delivery = server.deliver(&project, "/unknown:command x").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("Unknown command: /unknown:command"),
        "{failed}"
    );
    assert_eq!(failed["error_code"], "declined");
}

#[tokio::test]
async fn an_unconfirmed_command_may_have_taken_effect() {
    let (server, project) = running("", "").await;
    let delivery = server.deliver(&project, "/quiet x").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    let error = failed["error"].as_str().unwrap();
    assert!(
        error.contains("15 s") && error.contains("may have taken effect"),
        "{failed}"
    );
    assert_eq!(failed["error_code"], "not_reported");
}

#[tokio::test]
async fn an_unready_agent_fails_the_delivery() {
    let (server, project) = running("never-ready", "[delivery]\nready_timeout_s = 1\n").await;
    let delivery = server.deliver(&project, "hello").await;
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    assert!(
        failed["error"].as_str().unwrap().contains("1 s"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_dying_agent_fails_its_delivery() {
    let (server, project) = running("trust", "").await;
    let delivery = server.deliver(&project, "hello").await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    let failed = server.delivery_until(&project, &delivery, "failed").await;
    assert!(
        failed["error"].as_str().unwrap().contains("ended"),
        "{failed}"
    );
}

#[tokio::test]
async fn wxcode_send_steers_and_puts_off() {
    let (server, project) = running("", "").await;
    let turn = line::Held::begin(&server, &project).await;
    let send = async |options: &[&str]| {
        let arguments = [&["send", "p", "text"], options].concat();
        server.command(&arguments).output().await.unwrap()
    };
    let steered = send(&["--steer", "--wait"]).await;
    assert!(steered.status.success(), "{steered:?}");
    let put_off = send(&["--at", "2096-01-31T18:00:00Z", "--key", "k"]).await;
    assert!(put_off.status.success(), "{put_off:?}");
    let list = server.get(&deliveries(&project)).await.expect(200);
    let (steered, put_off) = (&list["deliveries"][1], &list["deliveries"][2]);
    assert_eq!(
        (&steered["steer"], &steered["state"]),
        (&json!(true), &json!("submitted"))
    );
    assert_eq!(
        (&put_off["not_before"], &put_off["state"]),
        (&json!("2096-01-31T18:00:00Z"), &json!("queued"))
    );
    let wrong = send(&["--at", "soon"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    let says = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(says.contains("2026-01-31T18:00:00Z"), "{says}");
    turn.release().await;
}

#[tokio::test]
async fn wxcode_send_delivers_a_text() {
    let (server, project) = running("", "").await;
    let sent = server
        .command(&["send", "p", "hello from the shell", "--wait"])
        .output()
        .await
        .unwrap();
    assert!(sent.status.success(), "{sent:?}");
    assert!(
        String::from_utf8_lossy(&sent.stdout)
            .trim()
            .ends_with("submitted")
    );
    let listed = server.command(&["ls"]).output().await.unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        listed.contains(&project) && listed.contains("running"),
        "{listed}"
    );
    let unknown = server
        .command(&["send", "nobody", "x"])
        .output()
        .await
        .unwrap();
    assert_eq!(unknown.status.code(), Some(1));
    let wrong = server.command(&["send"]).output().await.unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

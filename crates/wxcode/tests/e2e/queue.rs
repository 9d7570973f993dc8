//! Opposite queues: traffic to a holder and traffic from the holder never wait for each other.

use std::{path::PathBuf, process::Stdio};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::support::{Agent, Server, holder_program};

/// Bytes of a hook: more than a socket and a holder's queue hold together.
const HOOK: usize = 700 << 10;
/// Bytes of a delivery: more than a socket holds.
const DELIVERY: usize = 300 << 10;
/// Concurrent reporters, and hooks of each; together less than a holder's journal keeps.
const REPORTERS: usize = 4;
const HOOKS: usize = 4;
/// Consecutive deliveries.
const DELIVERIES: usize = 12;

/// Reports hooks of [`HOOK`] bytes, hook after hook.
async fn report(hook_file: PathBuf) {
    let payload = json!({
        "session_id": uuid::Uuid::nil(), "hook_event_name": "Notification", "cwd": "/",
        "transcript_path": "/t", "message": "x".repeat(HOOK),
    });
    let payload = payload.to_string();
    for _ in 0..HOOKS {
        let mut hook = Command::new(holder_program())
            .arg("hook")
            .arg(&hook_file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = hook.stdin.take().unwrap();
        stdin.write_all(payload.as_bytes()).await.unwrap();
        drop(stdin);
        hook.wait().await.unwrap();
    }
}

#[tokio::test]
async fn large_deliveries_and_large_hooks_never_deadlock() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server.idle(&project).await;
    let hook_file = server.session_dirs()[0].join("hook.json");
    for n in 0..DELIVERIES {
        let text = format!("delivery {n} {}", "y".repeat(DELIVERY));
        let reporters = (0..REPORTERS).map(|_| report(hook_file.clone()));
        let delivered = async {
            let delivery = server.deliver(&project, &text).await;
            server
                .delivery_until(&project, &delivery, "submitted")
                .await;
        };
        tokio::join!(join_all(reporters), delivered);
    }
}

//! The clock is set back: running sessions stay known, and the latest stays the latest.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{Agent, Server};

/// Dates a session's folder in the future, as if the clock had been set back after its start.
fn from_the_future(dir: PathBuf) {
    let path = dir.join("spec.json");
    let mut spec: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // Ids begin with their second of creation.
    let id = format!("f0{}", &dir.file_name().unwrap().to_str().unwrap()[2..]);
    spec["session_id"] = json!(id);
    spec["created_at"] = json!("2097-07-01T00:00:00Z");
    fs::write(&path, spec.to_string()).unwrap();
    fs::rename(&dir, dir.with_file_name(id)).unwrap();
}

#[tokio::test]
async fn a_running_agent_survives_a_clock_set_back() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    server.start_session(&project).await;
    server.delete(&path).await.expect(204);
    let first = server.session_dirs().remove(0);
    let session = server.start_session(&project).await;
    server.crash().await;
    from_the_future(first);

    server.up().await;
    let after = server.session(&project).await;
    for key in ["status", "session_id", "pid"] {
        assert_eq!(after[key], session[key], "{key}");
    }
    server.post(&path, json!({})).await.expect(200);

    // A session started now is still the latest, also for the next server.
    server.delete(&path).await.expect(204);
    server.terminate().await;
    server.up().await;
    let third = server.start_session(&project).await;
    server.delete(&path).await.expect(204);
    server.terminate().await;
    server.up().await;
    let latest = server.session(&project).await;
    assert_eq!(
        (&latest["session_id"], &latest["status"]),
        (&third["session_id"], &json!("exited"))
    );
}

//! The clock is set back: running sessions stay known, and the latest stays the latest.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{Agent, Server};

/// Dates the folder of a session or a run in the future, as if the clock had been set back after
/// the start.
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

#[tokio::test]
async fn runs_outlive_a_clock_set_back() {
    /// Ended runs kept by the server.
    const KEPT: usize = 20;
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/runs");
    server.run(&project, "the first").await;
    server.crash().await;
    from_the_future(server.run_dirs().remove(0));
    server.up().await;
    let mut starts = vec!["2097-07-01T00:00:00Z".to_owned()];
    let mut newest = json!(null);
    for number in 0..=KEPT {
        newest = server.run(&project, &format!("number {number}")).await;
        starts.push(newest["started_at"].as_str().unwrap().to_owned());
    }
    // Without the last letter, the texts sort by time.
    for start in &mut starts {
        start.pop();
    }
    assert!(starts.is_sorted() && starts[0] < starts[1], "{starts:?}");
    let id = newest["id"].as_str().unwrap();
    // A later run makes the server forget the oldest runs, and no other runs.
    server.run(&project, "the last").await;
    let kept = server.get(&format!("{path}/{id}")).await.expect(200);
    assert_eq!(kept["state"], newest["state"]);
    // A session is later than all runs, for the next server too.
    let session = server.start_session(&project).await;
    server.crash().await;
    server.up().await;
    assert_eq!(server.session(&project).await["pid"], session["pid"]);
}

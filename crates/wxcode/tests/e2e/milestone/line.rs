//! Queued milestones of a session: order, and the cause of each state change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server};

/// A milestone command that holds its turn until the opening of the command's pipe in `folder`.
fn holding(folder: &Path) -> Agent {
    let command = format!("fake:hold {}/{{milestone_id}}", folder.display());
    Agent::fake("").with_config(&format!(
        "[commands]\nnew_project = '{command}'\nnew_milestone = '{command}'\n"
    ))
}

fn pipe(folder: &Path, milestone: &str) -> PathBuf {
    let path = folder.join(milestone);
    let (kind, mode) = (rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU);
    rustix::fs::mknodat(rustix::fs::CWD, &path, kind, mode, 0).unwrap();
    path
}

/// Ends the turn at this pipe.
async fn release(path: PathBuf) {
    let opened = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(path));
    opened.await.unwrap().unwrap();
}

async fn milestone(server: &Server, id: &str) -> Value {
    server.get(&format!("/milestones/{id}")).await.expect(200)
}

async fn start(server: &Server, id: &str) -> Value {
    let path = format!("/milestones/{id}/start");
    server.post(&path, json!({})).await.expect(202)
}

fn moved(milestone: &Value) -> [&Value; 3] {
    ["status", "status_by", "status_reason"].map(|key| &milestone[key])
}

#[tokio::test]
async fn three_concurrent_milestones_are_submitted_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(holding(folder.path())).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let mut events = Events::follow(&server, &project).await;
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let id = server.milestone(&project, name).await;
        let new = milestone(&server, &id).await;
        assert_eq!(moved(&new), [&json!("pending"), &Value::Null, &Value::Null]);
        assert_eq!(new["place_in_line"], Value::Null);
        pipe(folder.path(), &id);
        ids.push(id);
    }
    let deliveries = join_all(ids.iter().map(|id| start(&server, id))).await;

    let path = format!("/output-projects/{project}/deliveries");
    let listed = server.get(&path).await.expect(200);
    let line: Vec<String> = listed["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| delivery["milestone_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(line.len(), 3, "each has one: {deliveries:#?}");
    for (n, id) in line.iter().enumerate() {
        let is_in_progress = |told: &crate::support::Told| {
            told.data["milestone_id"] == *id && told.data["status"] == "in_progress"
        };
        let told = events.until("in progress", is_in_progress).await;
        assert_eq!(told.data["by"], "delivery");
        let reason = &told.data["reason"];
        assert!(reason.as_str().unwrap().contains("submitted"), "{reason}");
        let now = milestone(&server, id).await;
        assert_eq!(
            moved(&now),
            [&json!("in_progress"), &json!("delivery"), reason]
        );
        assert_eq!(now["place_in_line"], Value::Null);
        // The turn holds: later milestones wait in order.
        for (place, waiting) in line[n + 1..].iter().enumerate() {
            let waiting = milestone(&server, waiting).await;
            assert_eq!(waiting["status"], "pending");
            assert_eq!(waiting["place_in_line"], place + 1);
        }
        let query = format!("/milestones?output_project_id={project}&status=pending");
        let places: Vec<Value> = server.get(&query).await.expect(200)["milestones"]
            .as_array()
            .unwrap()
            .iter()
            .map(|milestone| milestone["place_in_line"].clone())
            .collect();
        assert_eq!(places.len(), 2 - n);
        assert!((1..=places.len()).all(|place| places.contains(&json!(place))));
        release(folder.path().join(id)).await;
    }
    events.state("idle").await;

    // The agent was idle between two commands.
    let turns = events.seen.iter().filter_map(|told| {
        let is_rest = told.name == "agent.state" && told.data["state"] == "idle";
        let is_prompt = told.name == "prompt.submitted";
        (is_rest || is_prompt).then_some(is_prompt)
    });
    let turns: Vec<bool> = turns.skip_while(|is_prompt| !is_prompt).collect();
    assert_eq!(turns, [true, false, true, false, true, false]);
}

#[tokio::test]
async fn a_step_names_its_cause() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let id = server.milestone(&project, "one").await;
    let path = format!("/milestones/{id}");
    let reason = "the customer wants\nsomething else";
    let given_up = json!({ "status": "failed", "reason": format!("  {reason} ") });
    let after = server.patch(&path, given_up).await.expect(200);
    assert_eq!(
        moved(&after),
        [&json!("failed"), &json!("user"), &json!(reason)]
    );
    assert_eq!(milestone(&server, &id).await, after);
    let told = events
        .until("failed", |told| told.data["status"] == "failed")
        .await;
    assert_eq!(
        (&told.data["by"], &told.data["reason"]),
        (&json!("user"), &json!(reason))
    );

    for wrong in ["", " \n", "bell\u{7}", &"x".repeat(1_001)] {
        let body = json!({ "status": "pending", "reason": wrong });
        let detail = server.patch(&path, body).await.problem(422);
        assert!(detail.starts_with("reason "), "{detail}");
    }
    assert_eq!(milestone(&server, &id).await, after, "nothing was changed");

    // A step without a reason leaves none behind.
    let again = json!({ "status": "pending" });
    let after = server.patch(&path, again).await.expect(200);
    assert_eq!(
        moved(&after),
        [&json!("pending"), &json!("user"), &Value::Null]
    );
    server.delete(&path).await.expect(204);
    let told = events
        .until("deleted", |told| told.data["status"] == "deleted")
        .await;
    assert_eq!(
        (&told.data["milestone_id"], &told.data["element_name"]),
        (&json!(id), &json!("one"))
    );
    assert_eq!(told.data["by"], "user");
}

#[tokio::test]
async fn a_failed_milestone_can_start_again() {
    let unknown = "[commands]\nnew_project = '/unknown:command x'\n";
    let mut server = Server::start(Agent::fake("").with_config(unknown)).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let mut events = Events::follow(&server, &project).await;
    let id = server.milestone(&project, "one").await;
    let first = start(&server, &id).await;
    let failed = server.delivery_until(&project, &first, "failed").await;
    let after = milestone(&server, &id).await;
    let reason = &failed["error"];
    assert_eq!(
        moved(&after),
        [&json!("pending"), &json!("delivery"), reason]
    );
    assert_eq!(after["place_in_line"], Value::Null);
    let told = events
        .until("told of the milestone", |told| {
            told.name == "milestone.status" && told.data["by"] == "delivery"
        })
        .await;
    assert_eq!(
        (&told.data["status"], &told.data["reason"]),
        (&json!("pending"), reason)
    );

    // With a known command the same milestone starts.
    server.terminate().await;
    fs::write(
        server.data_dir().join("wxcode.toml"),
        server.agent.config.replace("/unknown:command x", "begin"),
    )
    .unwrap();
    server.up().await;
    let second = start(&server, &id).await;
    assert_ne!(second["id"], first["id"]);
    server.delivery_until(&project, &second, "submitted").await;
    let after = milestone(&server, &id).await;
    assert_eq!(
        (&after["status"], &after["delivery_id"]),
        (&json!("in_progress"), &second["id"])
    );
}

#[tokio::test]
async fn a_dying_agent_keeps_queued_milestones() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(holding(folder.path())).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let mut pipes = Vec::new();
    let mut ids = Vec::new();
    for name in ["one", "two", "three"] {
        let id = server.milestone(&project, name).await;
        pipes.push(pipe(folder.path(), &id));
        start(&server, &id).await;
        ids.push(id);
    }
    let working = |milestone: &Value| milestone["status"] == "in_progress";
    let path = format!("/milestones/{}", ids[0]);
    server.until(&path, "the first works", working).await;
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    for id in &ids[1..] {
        let path = format!("/milestones/{id}");
        let failed = |milestone: &Value| milestone["status_by"] == "delivery";
        let left = server.until(&path, "its command failed", failed).await;
        assert_eq!(
            (&left["status"], &left["place_in_line"]),
            (&json!("pending"), &Value::Null)
        );
        let reason = left["status_reason"].as_str().unwrap();
        assert!(reason.contains("the agent ended"), "{reason}");
    }
    assert_eq!(milestone(&server, &ids[0]).await["status"], "in_progress");

    // The next agent takes the commands in the order of the new requests.
    for id in [&ids[2], &ids[1]] {
        start(&server, id).await;
    }
    for n in [2, 1] {
        let path = format!("/milestones/{}", ids[n]);
        server.until(&path, "it works", working).await;
        release(pipes[n].clone()).await;
    }
}

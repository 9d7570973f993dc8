//! A moved workspace: the project follows with all its parts.

use std::{fs, os::unix::fs::symlink};

use serde_json::json;

use crate::support::{Agent, Server};

#[tokio::test]
async fn a_moved_workspace_keeps_what_belongs_to_it() {
    let plan = "fake:write .planning/phases/01-first/01-01-PLAN.md";
    let config = format!("[commands]\nnew_project = '{plan}'\n");
    let server = Server::start(Agent::fake("").with_config(&config)).await;
    let root = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(root.path()).unwrap();
    let (real, moved, link) = (root.join("real"), root.join("moved"), root.join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let body = json!({ "name": "p", "workspace_path": link });
    let made = server.post("/output-projects", body).await.expect(201);
    assert_eq!(made["workspace_path"], json!(real), "its canonical path");
    let project = made["id"].as_str().unwrap().to_owned();
    let path = format!("/output-projects/{project}");

    let milestone = server.milestone(&project, "one").await;
    let start = format!("/milestones/{milestone}/start");
    let started = server.post(&start, json!({})).await.expect(202);
    server.delivery_until(&project, &started, "submitted").await;
    let of_it = |planning: &serde_json::Value| {
        let phases = planning["phases"].as_array().unwrap();
        phases.len() == 1 && phases[0]["milestone_id"] == milestone
    };
    let planning = format!("{path}/planning");
    server.until(&planning, "the phase is its own", of_it).await;
    let before = server.idle(&project).await;
    server.delete(&format!("{path}/session")).await.expect(204);

    fs::rename(&real, &moved).unwrap();
    let session = format!("{path}/session");
    let missing = server.post(&session, json!({})).await;
    assert_eq!(missing.body["code"], "workspace_missing", "{missing:?}");
    let said = missing.problem(409);
    for word in [real.to_str().unwrap(), "PATCH", "workspace_path"] {
        assert!(said.contains(word), "{said}");
    }
    // The same link leads to another canonical path.
    fs::remove_file(&link).unwrap();
    symlink(&moved, &link).unwrap();
    let body = json!({ "workspace_path": link });
    let patched = server.patch(&path, body).await.expect(200);
    assert_eq!(patched["workspace_path"], json!(moved));
    let after = server.start_session(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    server
        .until(&planning, "the phase is still its own", of_it)
        .await;
    let kept = server.get(&format!("/milestones/{milestone}")).await;
    assert_eq!(kept.expect(200)["status"], "in_progress");
    let cwd = fs::read_link(format!("/proc/{}/cwd", after["pid"])).unwrap();
    assert_eq!(cwd, moved);
}

//! Edits of a pending milestone's texts.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::support::{Agent, Server};

fn begin(fake: &str) -> Agent {
    Agent::fake(fake).with_config(
        "[commands]\nnew_project = 'begin {context_path}'\nnew_milestone = 'next {context_path}'\n",
    )
}

async fn shown(server: &Server, id: &str) -> Value {
    server.get(&format!("/milestones/{id}")).await.expect(200)
}

async fn context_file(server: &Server, project: &str, id: &str) -> PathBuf {
    let workspace = server.workspace(project).await;
    workspace.join(format!(".milestones/{id}/MILESTONE-CONTEXT.md"))
}

#[tokio::test]
async fn a_pending_milestone_is_edited_in_place() {
    let server = Server::start(begin("")).await;
    let project = server.project("p").await;
    let new = json!({
        "output_project_id": project, "element_name": "one", "element_id": "e", "context": "old words",
    });
    let before = server.post("/milestones", new).await.expect(201);
    let id = before["id"].as_str().unwrap();
    let second = server.milestone(&project, "two").await;
    let path = format!("/milestones/{id}");

    let edit = json!({ "element_name": " better one ", "context": "new words" });
    let edited = server.patch(&path, edit).await.expect(200);
    let mut expected = before.clone();
    expected["element_name"] = json!("better one");
    expected["context"] = json!("new words");
    expected["updated_at"] = edited["updated_at"].clone();
    assert_eq!(edited, expected);
    assert!(edited["updated_at"].is_string());
    assert_eq!(shown(&server, id).await, expected);
    let list = format!("/milestones?output_project_id={project}");
    let listed = server.get(&list).await.expect(200);
    let ids = listed["milestones"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [id, &second]);
    assert_eq!(listed["milestones"][0], expected);

    let none = json!({ "context": null });
    let edited = server.patch(&path, none).await.expect(200);
    assert_eq!(
        (&edited["context"], &edited["element_name"]),
        (&Value::Null, &json!("better one"))
    );
    let last = json!({ "context": "last words" });
    server.patch(&path, last).await.expect(200);

    let started = server.post(&format!("{path}/start"), json!({})).await;
    let delivery = started.expect(202);
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let text = fs::read_to_string(context_file(&server, &project, id).await).unwrap();
    assert!(text.starts_with("# Milestone: better one\n"), "{text}");
    assert!(text.ends_with("\nlast words\n"), "{text}");
    let before = shown(&server, id).await;
    let late = server.patch(&path, json!({ "context": "too late" })).await;
    assert_eq!(late.body["code"], "not_pending");
    late.problem(409);
    assert_eq!(shown(&server, id).await, before);
}

#[tokio::test]
async fn a_queued_command_gets_the_edited_context() {
    let server = Server::start(begin("trust")).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    server
        .session_until(&project, "blocked", |session| {
            session["agent_state"] == "blocked_dialog"
        })
        .await;
    let id = server.milestone(&project, "one").await;
    let path = format!("/milestones/{id}");
    let started = server.post(&format!("{path}/start"), json!({})).await;
    let delivery = started.expect(202);
    let edited = server
        .patch(&path, json!({ "context": "new words" }))
        .await
        .expect(200);
    assert_eq!(
        (&edited["delivery_id"], &edited["place_in_line"]),
        (&delivery["id"], &json!(1))
    );
    let file = context_file(&server, &project, &id).await;
    assert!(fs::read_to_string(&file).unwrap().ends_with("new words\n"));
    let queued = format!(
        "/output-projects/{project}/deliveries/{}",
        delivery["id"].as_str().unwrap()
    );
    assert_eq!(
        server.get(&queued).await.expect(200)["text"],
        delivery["text"]
    );
}

#[tokio::test]
async fn an_edit_that_makes_no_sense_is_refused() {
    let server = Server::start(begin("")).await;
    let project = server.project("p").await;
    let id = server.milestone(&project, "one").await;
    let path = format!("/milestones/{id}");
    let before = shown(&server, &id).await;
    let long = "x".repeat((1 << 20) + 1);
    for (body, status, named) in [
        (json!({}), 422, "status"),
        (json!({ "reason": "because" }), 422, "status"),
        (
            json!({ "status": "failed", "context": "x" }),
            422,
            "context",
        ),
        (
            json!({ "element_name": "x", "reason": "because" }),
            422,
            "reason",
        ),
        (json!({ "element_name": "" }), 422, "element_name"),
        (json!({ "element_name": "a\nb" }), 422, "element_name"),
        (
            json!({ "element_name": "x", "element_id": "e" }),
            422,
            "element_id",
        ),
        (json!({ "context": 7 }), 422, "context"),
        (json!({ "context": long }), 413, "context"),
    ] {
        let detail = server.patch(&path, body.clone()).await.problem(status);
        assert!(detail.contains(named), "{named}: {detail}");
        assert_eq!(shown(&server, &id).await, before, "{named}");
    }
    let nowhere = "/milestones/0123456789abcdef01234567";
    server
        .patch(nowhere, json!({ "context": "x" }))
        .await
        .problem(404);
    let viewer = json!({ "name": "v", "role": "viewer" });
    let viewer = server.post("/tokens", viewer).await.expect(201);
    let request = server
        .request(reqwest::Method::PATCH, &format!("/api/v1{path}"))
        .bearer_auth(viewer["token"].as_str().unwrap())
        .json(&json!({ "context": "x" }));
    server.answer(request).await.problem(403);
    server
        .until("/audit", "the refused edit is recorded", |audit| {
            let mut entries = audit["entries"].as_array().unwrap().iter();
            entries.any(|e| e["action"] == "milestone.change" && e["outcome"] == "403")
        })
        .await;
}

//! Projects and milestones over HTTP.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Server};

#[tokio::test]
async fn projects_are_created_listed_changed_and_deleted() {
    let server = Server::start(Agent::fake("")).await;
    let made = server
        .post(
            "/output-projects",
            json!({ "name": "My Project", "kb_id": "0123456789abcdef01234567" }),
        )
        .await
        .expect(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(id.len(), 24);
    let workspace = made["workspace_path"].as_str().unwrap();
    let (parent, folder) = workspace.rsplit_once('/').unwrap();
    assert_eq!(
        parent,
        server
            .data_dir()
            .join("workspaces/output-projects")
            .to_str()
            .unwrap()
    );
    let (slug, hex) = folder.rsplit_once('_').unwrap();
    assert_eq!((slug, hex.len()), ("my_project", 8));
    assert!(fs::metadata(workspace).unwrap().is_dir());

    let given = tempfile::tempdir().unwrap();
    let other = server
        .post(
            "/output-projects",
            json!({ "name": "Other", "workspace_path": given.path() }),
        )
        .await
        .expect(201);
    assert_eq!(other["workspace_path"], given.path().to_str().unwrap());

    let list = server
        .get("/output-projects?skip=1&limit=1")
        .await
        .expect(200);
    assert_eq!(
        (
            list["total"].as_u64(),
            list["projects"].as_array().unwrap().len()
        ),
        (Some(2), 1)
    );
    assert_eq!(list["projects"][0]["name"], "Other");

    let changed = server
        .patch(
            &format!("/output-projects/{id}"),
            json!({ "name": "Renamed", "stack_id": "fastapi" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["stack_id"]),
        (&json!("Renamed"), &json!("fastapi"))
    );
    let changed = server
        .patch(
            &format!("/output-projects/{id}"),
            json!({ "stack_id": null }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["stack_id"]),
        (&json!("Renamed"), &Value::Null)
    );

    server
        .delete(&format!("/output-projects/{id}"))
        .await
        .expect(204);
    server
        .get(&format!("/output-projects/{id}"))
        .await
        .problem(404);
    assert!(
        fs::metadata(workspace).unwrap().is_dir(),
        "the workspace is never deleted"
    );
}

#[tokio::test]
async fn the_old_paths_and_trailing_slashes_work() {
    let server = Server::start(Agent::fake("")).await;
    for path in [
        "/api/v1/output-projects",
        "/api/v1/output-projects/",
        "/api/output-projects",
        "/api/output-projects/",
    ] {
        let made = server
            .request(Method::POST, path)
            .bearer_auth(&server.token)
            .json(&json!({ "name": "p" }));
        server.answer(made).await.expect(201);
    }
    let list = server
        .request(Method::GET, "/api/output-projects/?limit=2")
        .bearer_auth(&server.token);
    assert_eq!(server.answer(list).await.expect(200)["total"], 4);
}

#[tokio::test]
async fn milestones_follow_their_state_rules() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let new = json!({ "output_project_id": project, "element_name": "PAGE_Login", "element_id": "0123456789abcdef01234567" });
    let made = server.post("/milestones", new.clone()).await.expect(201);
    assert_eq!(made["status"], "pending");
    server.post("/milestones", new).await.problem(409);
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/milestones/{id}");
    assert_eq!(
        server.get(&path).await.expect(200)["element_name"],
        "PAGE_Login"
    );

    for status in ["completed", "in_progress", "pending"] {
        server
            .patch(&path, json!({ "status": status }))
            .await
            .problem(409);
    }
    assert_eq!(
        server
            .patch(&path, json!({ "status": "failed" }))
            .await
            .expect(200)["status"],
        "failed"
    );
    server.delete(&path).await.problem(409);
    assert_eq!(
        server
            .patch(&path, json!({ "status": "pending" }))
            .await
            .expect(200)["status"],
        "pending"
    );
    server.delete(&path).await.expect(204);
    server.get(&path).await.problem(404);

    let list = server
        .get(&format!("/milestones?output_project_id={project}"))
        .await
        .expect(200);
    assert_eq!(list, json!({ "milestones": [], "total": 0 }));
}

#[tokio::test]
async fn preparing_writes_context_and_planning_folder() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let path = format!("/milestones/{milestone}/prepare");
    let prepared = server.post(&path, json!({})).await.expect(200);
    assert_eq!(
        prepared["context_path"],
        format!(".milestones/{milestone}/MILESTONE-CONTEXT.md")
    );
    assert_eq!(prepared["element_name"], "PAGE_Login");
    assert!(prepared["message"].is_string());
    assert_eq!(
        server.post(&path, json!({})).await.expect(200),
        prepared,
        "doing it again changes nothing"
    );
    let workspace = server.workspace(&project).await;
    let context =
        fs::read_to_string(workspace.join(prepared["context_path"].as_str().unwrap())).unwrap();
    assert!(
        context.contains("PAGE_Login") && context.contains("# Context"),
        "{context}"
    );
    assert!(workspace.join(".planning").is_dir());
    assert_eq!(
        server
            .get(&format!("/milestones/{milestone}"))
            .await
            .expect(200)["status"],
        "pending"
    );
}

#[tokio::test]
async fn the_openapi_document_names_every_route() {
    let server = Server::start(Agent::fake("")).await;
    let request = server
        .request(Method::GET, "/api/openapi.json")
        .bearer_auth(&server.token);
    let document = server.answer(request).await.expect(200);
    let printed = server.command(&["openapi"]).output().await.unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&printed.stdout).unwrap(),
        document
    );
    for path in [
        "/api/v1/output-projects/{id}/session",
        "/api/v1/output-projects/{id}/planning",
        "/api/v1/output-projects/{id}/conversation",
        "/api/v1/output-projects/{id}/search",
        "/api/v1/search",
        "/api/v1/milestones/{id}/start",
        "/healthz",
        "/readyz",
        "/login",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

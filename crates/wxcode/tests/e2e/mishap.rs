//! Bad input and broken environments: a clear error with a remedy, and nothing left behind.

use std::fs;

use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{Agent, Server, eventually};

#[tokio::test]
async fn bad_requests_change_nothing() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.get("/output-projects/nonsense").await.problem(400);
    server
        .get("/milestones/0123456789abcdef0123456")
        .await
        .problem(400);
    server
        .get("/output-projects/0123456789abcdef01234567/session")
        .await
        .problem(404);
    server
        .post(
            "/milestones",
            json!({ "output_project_id": "0123456789abcdef01234567", "element_name": "x" }),
        )
        .await
        .problem(404);
    server
        .post("/output-projects", json!({}))
        .await
        .problem(422);
    server
        .post("/output-projects", json!({ "name": "" }))
        .await
        .problem(422);
    server
        .post("/output-projects", json!({ "name": "x".repeat(201) }))
        .await
        .problem(422);
    server
        .post(
            "/output-projects",
            json!({ "name": "x", "workspace_path": "relative" }),
        )
        .await
        .problem(422);
    let detail = server
        .post(
            "/output-projects",
            json!({ "name": "x", "workspace_path": "/does/not/exist" }),
        )
        .await
        .problem(422);
    assert!(detail.contains("/does/not/exist"));
    server
        .post(
            "/milestones",
            json!({ "output_project_id": project, "element_name": " " }),
        )
        .await
        .problem(422);
    server
        .patch(&format!("/output-projects/{project}"), json!({ "name": 5 }))
        .await
        .problem(422);
    server.get("/output-projects?limit=-1").await.problem(422);
    server.get("/milestones").await.problem(422);
    let path = format!("/output-projects/{project}/deliveries");
    server.post(&path, json!({ "text": "" })).await.problem(422);
    server
        .post(&path, json!({ "text": "x", "idempotency_key": "" }))
        .await
        .problem(422);
    server
        .post(&path, json!({ "text": "x".repeat((1 << 20) + 1) }))
        .await
        .problem(413);
    let raw = |body: &'static str| {
        let request = server
            .request(Method::POST, "/api/v1/output-projects")
            .bearer_auth(&server.token);
        server.answer(
            request
                .header("content-type", "application/json")
                .body(body),
        )
    };
    raw("{").await.problem(400);
    raw("\"text\"").await.problem(422);
    let huge = server
        .request(Method::POST, "/api/v1/output-projects")
        .bearer_auth(&server.token)
        .json(&"x".repeat(5 << 20));
    server.answer(huge).await.problem(413);
    let untyped = server
        .request(Method::POST, "/api/v1/output-projects")
        .bearer_auth(&server.token)
        .body("{}");
    server.answer(untyped).await.problem(415);
    let wrong = server
        .request(Method::PUT, "/api/v1/output-projects")
        .bearer_auth(&server.token);
    server.answer(wrong).await.problem(405);
    server.get("/nothing").await.problem(404);

    assert_eq!(server.get("/output-projects").await.expect(200)["total"], 1);
    assert_eq!(server.get(&path).await.expect(200)["total"], 0);
    assert!(server.session_dirs().is_empty());
    assert_eq!(
        fs::read_dir(server.data_dir().join("workspaces/output-projects"))
            .unwrap()
            .count(),
        1
    );
}

/// The open descriptors of the server.
fn descriptors(server: &Server) -> usize {
    let file: serde_json::Value =
        serde_json::from_slice(&fs::read(server.data_dir().join("server.json")).unwrap()).unwrap();
    fs::read_dir(format!("/proc/{}/fd", file["pid"]))
        .unwrap()
        .count()
}

#[tokio::test]
async fn a_failing_start_leaves_nothing_behind() {
    let mut agent = Agent::fake("");
    agent.claude = "/does/not/exist/claude".into();
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/session");
    let detail = server.post(&path, json!({})).await.problem(503);
    assert!(
        detail.contains("/does/not/exist/claude") && detail.contains("WXCODE_CLAUDE"),
        "{detail}"
    );
    let before = descriptors(&server);
    for _ in 0..10 {
        server.post(&path, json!({})).await.problem(503);
    }
    assert!(descriptors(&server) <= before + 1, "no descriptor is left");
    assert!(server.session_dirs().is_empty(), "no folder is left");
    assert_eq!(server.session(&project).await["status"], "none");

    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    assert_eq!(socket.message("error").await["code"], "SESSION_ERROR");
    assert_eq!(socket.close_code().await, 4005);

    let milestone = server.milestone(&project, "one").await;
    server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .problem(503);
    assert_eq!(
        server
            .get(&format!("/milestones/{milestone}"))
            .await
            .expect(200)["status"],
        "pending"
    );
    let deliveries = server
        .get(&format!("/output-projects/{project}/deliveries"))
        .await
        .expect(200);
    assert_eq!(
        deliveries["deliveries"][0]["state"], "failed",
        "and it can be tried again"
    );
}

#[tokio::test]
async fn a_non_executable_agent_cannot_start() {
    let agent = Agent::script("exit 0");
    fs::set_permissions(
        &agent.claude,
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let detail = server
        .post(&format!("/output-projects/{project}/session"), json!({}))
        .await
        .problem(503);
    assert!(detail.contains("not an executable"), "{detail}");
    assert!(server.session_dirs().is_empty());
}

#[tokio::test]
async fn an_agent_failing_at_once_has_exited() {
    let server = Server::start(Agent::fake("exit=5")).await;
    let project = server.project("p").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    assert_eq!(socket.message("closed").await["exit_code"], 5);
    assert_eq!(socket.close_code().await, 1000);
    let session = server
        .session_until(&project, "exited", |session| session["status"] == "exited")
        .await;
    assert_eq!(session["exit"]["code"], 5);
}

#[tokio::test]
async fn a_missing_workspace_is_a_conflict() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let workspace = server.workspace(&project).await;
    fs::remove_dir_all(&workspace).unwrap();
    for path in [
        format!("/output-projects/{project}/session"),
        format!("/milestones/{milestone}/prepare"),
        format!("/milestones/{milestone}/start"),
    ] {
        let detail = server.post(&path, json!({})).await.problem(409);
        assert!(detail.contains(workspace.to_str().unwrap()), "{detail}");
    }
    assert!(!workspace.exists());
    assert!(server.session_dirs().is_empty());
}

#[tokio::test]
async fn a_second_server_on_one_folder_is_refused() {
    let server = Server::start(Agent::fake("")).await;
    let second = server
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .output()
        .await
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let text = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(text.contains("another wxcode server uses"), "{text}");
    server
        .answer(server.request(Method::GET, "/healthz"))
        .await
        .expect(200);
}

#[tokio::test]
async fn an_abandoned_request_is_carried_out() {
    let server = Server::start(Agent::fake("")).await;
    for _ in 0..10 {
        let project = server.project("p").await;
        let address = server.base.strip_prefix("http://").unwrap();
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /api/v1/output-projects/{project}/session HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-length: 0\r\n\r\n",
            server.token
        );
        client.write_all(request.as_bytes()).await.unwrap();
        eventually("the session's folder is there", || {
            server.session_dirs().iter().any(|dir| {
                fs::read_to_string(dir.join("spec.json")).is_ok_and(|spec| spec.contains(&project))
            })
        })
        .await;
        drop(client);
        server
            .session_until(&project, "the agent is followed", |session| {
                session["agent_state"] == "idle"
            })
            .await;
    }
}

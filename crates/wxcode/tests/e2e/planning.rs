//! The planning of a project over HTTP.

mod credit;
mod moved;
mod watch;

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Server};

fn write(workspace: &Path, name: &str, text: &str) {
    let path = workspace.join(".planning").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[tokio::test]
async fn planning_shows_the_current_files() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let path = format!("/output-projects/{project}/planning");
    let empty = server.get(&path).await.expect(200);
    assert_eq!(empty["phases"], json!([]));
    assert_eq!(empty["progress"]["percent"], 0);
    assert_eq!(empty["state"], Value::Null);

    // A prepared milestone has empty planning too.
    let milestone = server.milestone(&project, "PAGE_Login").await;
    server
        .post(&format!("/milestones/{milestone}/prepare"), json!({}))
        .await
        .expect(200);
    assert!(workspace.join(".planning").is_dir());
    assert_eq!(server.get(&path).await.expect(200), empty);

    write(
        &workspace,
        "ROADMAP.md",
        "- [ ] **Phase 1: Login** - x\n- [ ] **Phase 2: Logout** - x\n\n### Phase 1: Login\n**Goal**: Come in\n",
    );
    write(
        &workspace,
        "REQUIREMENTS.md",
        "- [x] **AUTH-01**: Come in\n- [ ] **AUTH-02**: Go out\n",
    );
    write(&workspace, "STATE.md", "Phase: 1 of 2 (Login)\n");
    write(&workspace, "phases/01-login/01-01-PLAN.md", "# Ask\n");
    write(
        &workspace,
        "phases/01-login/plans/PLAN-02-let.md",
        "# Let\n",
    );
    write(&workspace, "phases/01-login/01-01-SUMMARY.md", "");
    let told = server.get(&path).await.expect(200);
    let login = &told["phases"][0];
    assert_eq!(
        (&login["number"], &login["name"], &login["goal"]),
        (&json!("1"), &json!("Login"), &json!("Come in"))
    );
    assert_eq!(login["disk_status"], "partial");
    assert_eq!(
        login["plans"],
        json!([
            { "id": "01-01", "title": "Ask", "has_summary": true },
            { "id": "01-02", "title": "Let", "has_summary": false },
        ])
    );
    assert_eq!(login["verification"], Value::Null);
    assert_eq!(told["phases"][1]["disk_status"], "no_directory");
    assert_eq!(
        (
            &told["requirements"]["total"],
            &told["requirements"]["complete"]
        ),
        (&json!(2), &json!(1))
    );
    assert_eq!(told["state"]["phase"], "1");
    assert_eq!(
        told["progress"],
        json!({
            "phases_complete": 0, "phases_executed": 0, "phases_total": 2, "plans_complete": 1,
            "plans_total": 2, "percent": 25,
        })
    );
    assert_eq!(told["not_understood"], json!([]));

    write(&workspace, "phases/01-login/plans/SUMMARY-02-let.md", "");
    write(
        &workspace,
        "phases/01-login/01-VERIFICATION.md",
        "---\nstatus: passed\nscore: 2/2\n---\n",
    );
    let told = server.get(&path).await.expect(200);
    assert_eq!(
        told["phases"][0]["verification"],
        json!({ "status": "passed", "score": "2/2" })
    );
    assert_eq!(told["phases"][0]["complete"], true);
    assert_eq!(told["progress"]["percent"], 50);
}

#[tokio::test]
async fn unreadable_planning_files_name_the_reason() {
    let server = Server::start(Agent::fake("")).await;
    server
        .get("/output-projects/0123456789abcdef01234567/planning")
        .await
        .problem(404);
    server
        .get("/output-projects/nothing/planning")
        .await
        .problem(400);
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/planning");
    let unauthorised = server.request(Method::GET, &format!("/api/v1{path}"));
    server.answer(unauthorised).await.problem(401);

    let workspace = server.workspace(&project).await;
    fs::write(workspace.join(".planning"), "a file").unwrap();
    let detail = server.get(&path).await.problem(409);
    assert!(detail.contains(".planning"), "{detail}");

    fs::remove_dir_all(&workspace).unwrap();
    let detail = server.get(&path).await.problem(409);
    assert!(detail.contains("bring it back"), "{detail}");
}

#[tokio::test]
async fn the_openapi_document_describes_planning() {
    let server = Server::start(Agent::fake("")).await;
    let request = server
        .request(Method::GET, "/api/openapi.json")
        .bearer_auth(&server.token);
    let document = server.answer(request).await.expect(200);
    let operation = &document["paths"]["/api/v1/output-projects/{id}/planning"]["get"];
    assert_eq!(operation["operationId"], "showPlanning");
    let schemas = &document["components"]["schemas"];
    let project = server.project("p").await;
    let told = server
        .get(&format!("/output-projects/{project}/planning"))
        .await
        .expect(200);
    for name in told.as_object().unwrap().keys() {
        let described = &schemas["Planning"]["properties"][name];
        assert!(described.is_object(), "{name}: {}", schemas["Planning"]);
    }
    for name in ["Phase", "Plan", "PlanningState", "PlanningProgress"] {
        assert!(schemas[name]["properties"].is_object(), "{name}");
    }
}

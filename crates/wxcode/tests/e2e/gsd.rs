//! Commands of milestones: the installed form of GSD, or a refusal with both remedies.

mod real;

use std::fs;

use serde_json::json;
use wxcode_testbed::claude::lay_gsd;

use crate::support::{Agent, Server, make_fifo};

#[tokio::test]
async fn starting_without_gsd_is_a_conflict() {
    let server = Server::start(Agent::fake("").without_gsd()).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let start = format!("/milestones/{milestone}/start");
    let answer = server.post(&start, json!({})).await;
    assert_eq!(answer.body["code"], "gsd_missing");
    let detail = answer.problem(409);
    for remedy in ["npx get-shit-done-cc", "[commands] new_project"] {
        assert!(detail.contains(remedy), "{remedy}: {detail}");
    }
    assert_eq!(server.session_dirs().len(), 0, "no agent was started");
    let shown = server.get(&format!("/milestones/{milestone}")).await;
    assert_eq!(shown.expect(200)["status"], "pending");

    // Each start looks for GSD again.
    let workspace = server.workspace(&project).await;
    lay_gsd(&workspace.join(".claude")).unwrap();
    let delivery = server.post(&start, json!({})).await.expect(202);
    assert_eq!(
        delivery["text"],
        format!("/gsd:new-project .milestones/{milestone}/MILESTONE-CONTEXT.md")
    );
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
}

#[tokio::test]
async fn a_queued_command_outlives_gsd() {
    let server = Server::start(Agent::fake("never-ready")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let start = format!("/milestones/{milestone}/start");
    let first = server.post(&start, json!({})).await.expect(202);
    fs::remove_dir_all(server.agent.home.config_dir().join("commands")).unwrap();
    let again = server.post(&start, json!({})).await.expect(202);
    assert_eq!(again["id"], first["id"]);
    let other = server.milestone(&project, "two").await;
    let answer = server
        .post(&format!("/milestones/{other}/start"), json!({}))
        .await;
    assert_eq!(answer.body["code"], "gsd_missing");
}

#[tokio::test]
async fn fifos_in_place_of_gsd_block_nothing() {
    let server = Server::start(Agent::fake("").without_gsd()).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let skills = server.workspace(&project).await.join(".claude/skills");
    for name in ["gsd-new-project", "gsd-new-milestone"] {
        fs::create_dir_all(skills.join(name)).unwrap();
        make_fifo(&skills.join(name).join("SKILL.md"));
    }
    let plugins = server.agent.home.config_dir().join("plugins");
    fs::create_dir_all(&plugins).unwrap();
    make_fifo(&plugins.join("installed_plugins.json"));
    let start = format!("/milestones/{milestone}/start");
    for _ in 0..8 {
        let answer = server.post(&start, json!({})).await;
        assert_eq!(answer.body["code"], "gsd_missing", "{}", answer.body);
    }
}

#[tokio::test]
async fn own_templates_need_no_gsd() {
    let config =
        "[commands]\nnew_project = 'begin {context_path}'\nnew_milestone = 'next {context_path}'\n";
    let agent = Agent::fake("").without_gsd().with_config(config);
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let start = format!("/milestones/{milestone}/start");
    let delivery = server.post(&start, json!({})).await.expect(202);
    assert_eq!(
        delivery["text"],
        format!("begin .milestones/{milestone}/MILESTONE-CONTEXT.md")
    );
    let said = doctor(&server).await;
    assert!(said.contains("commands: new_project and"), "{said}");

    let server = Server::start(Agent::fake("").without_gsd()).await;
    let said = doctor(&server).await;
    assert!(said.contains("warning GSD: not found in"), "{said}");
    lay_gsd(&server.agent.home.config_dir()).unwrap();
    let said = doctor(&server).await;
    assert!(said.contains("GSD: commands in"), "{said}");
    assert!(said.contains("called by /gsd:new-project;"), "{said}");
}

async fn doctor(server: &Server) -> String {
    let output = server.command(&["doctor"]).output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! Planning entries attributed to their creating milestone.

use std::fs;

use serde_json::{Value, json};

use super::write;
use crate::support::{Agent, Server};

/// The paths listed under each milestone.
fn created(planning: &Value) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = planning["created"].as_array().unwrap();
    let one = |created: &Value| {
        let paths: Vec<String> = created["paths"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect();
        assert_eq!(created["total"], paths.len());
        (text(&created["milestone_id"]), paths)
    };
    list.iter().map(one).collect()
}

fn milestone_of(planning: &Value, number: &str) -> Value {
    let phases = planning["phases"].as_array().unwrap();
    let phase = phases.iter().find(|phase| phase["number"] == number);
    phase.unwrap_or_else(|| panic!("{number}: {planning:#}"))["milestone_id"].clone()
}

/// Waits until this phase is listed under this milestone: the confirmation of the milestone's
/// command may follow the agent's work.
async fn until_of(server: &Server, project: &str, number: &str, milestone: &str) -> Value {
    let path = format!("/output-projects/{project}/planning");
    let what = format!("phase {number} is the milestone's");
    server
        .until(&path, &what, |planning| {
            let phases = planning["phases"].as_array().unwrap();
            let mut of = phases.iter().filter(|phase| phase["number"] == number);
            of.any(|phase| phase["milestone_id"] == milestone)
        })
        .await
}

async fn start(server: &Server, milestone: &str) {
    let path = format!("/milestones/{milestone}");
    let delivery = server.post(&format!("{path}/start"), json!({})).await;
    delivery.expect(202);
    server
        .until(&path, "it is in progress", |milestone| {
            milestone["status"] == "in_progress"
        })
        .await;
}

#[tokio::test]
async fn phases_belong_to_their_milestone() {
    let agent = Agent::fake("").with_config(
        "[commands]\nnew_project = 'fake:write .planning/phases/01-first/01-01-PLAN.md'\n\
         new_milestone = 'fake:write .planning/phases/02-second/02-01-PLAN.md'\n",
    );
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let path = format!("/output-projects/{project}/planning");
    write(&workspace, "PROJECT.md", "# Made before\n");
    let (one, two) = (
        server.milestone(&project, "one").await,
        server.milestone(&project, "two").await,
    );

    start(&server, &one).await;
    until_of(&server, &project, "1", &one).await;
    let first = (
        one.clone(),
        ["phases", "phases/01-first", "phases/01-first/01-01-PLAN.md"]
            .map(str::to_owned)
            .to_vec(),
    );
    let told = server
        .until(&path, "its plan is there", |planning| {
            planning["created"][0]["total"] == 3
        })
        .await;
    assert_eq!(created(&told), std::slice::from_ref(&first));
    assert_eq!(told["created"][0]["element_name"], "one");
    assert_eq!(told["misplaced"], json!([]));
    server
        .patch(
            &format!("/milestones/{one}"),
            json!({ "status": "completed" }),
        )
        .await
        .expect(200);

    // Entries created between milestones belong to none, even when found much later.
    write(&workspace, "phases/01-first/01-CONTEXT.md", "");
    server.terminate().await;
    server.up().await;
    start(&server, &two).await;
    let planning = until_of(&server, &project, "2", &two).await;
    assert_eq!(milestone_of(&planning, "1"), json!(one));

    // Entries created without a server belong to the milestone in progress.
    server
        .until(&path, "its plan is there", |planning| {
            planning["created"][1]["total"] == 2
        })
        .await;
    server.crash().await;
    write(&workspace, "phases/03-third/03-01-PLAN.md", "");
    fs::write(workspace.join("elsewhere.md"), "moved here").unwrap();
    fs::rename(
        workspace.join("elsewhere.md"),
        workspace.join(".planning/MOVED.md"),
    )
    .unwrap();
    server.up().await;
    let planning = server.get(&path).await.expect(200);
    let second = (
        two.clone(),
        [
            "MOVED.md",
            "phases/02-second",
            "phases/02-second/02-01-PLAN.md",
            "phases/03-third",
            "phases/03-third/03-01-PLAN.md",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    assert_eq!(created(&planning), [first.clone(), second]);
    assert_eq!(milestone_of(&planning, "3"), json!(two));

    // Removed entries are not listed, and a single milestone lists them briefly.
    fs::remove_dir_all(workspace.join(".planning/phases/02-second")).unwrap();
    let planning = server.get(&path).await.expect(200);
    assert_eq!(planning["created"][1]["total"], 3);
    // A renamed entry keeps its milestone.
    let phases = workspace.join(".planning/phases");
    fs::rename(phases.join("01-first"), phases.join("09-first")).unwrap();
    let planning = server.get(&path).await.expect(200);
    assert_eq!(milestone_of(&planning, "9"), json!(one));
    let renamed = ["phases", "phases/09-first", "phases/09-first/01-01-PLAN.md"];
    assert_eq!(created(&planning)[0].1, renamed);
    let archive = workspace.join(".planning/milestones/v1.0-phases");
    fs::create_dir_all(&archive).unwrap();
    fs::rename(phases.join("09-first"), archive.join("01-first")).unwrap();
    let roadmap = "<details>\n- [x] Phase 1: First\n</details>\n";
    write(&workspace, "ROADMAP.md", roadmap);
    let planning = server.get(&path).await.expect(200);
    assert_eq!(milestone_of(&planning, "1"), json!(one));
    let shown = server.get(&format!("/milestones/{two}")).await.expect(200);
    assert!(shown.get("created").is_none() && shown.get("paths").is_none());
    let record = server.data_dir().join(format!("planning/{project}.json"));
    assert!(record.is_file());
    server
        .delete(&format!("/output-projects/{project}?force=true"))
        .await
        .expect(204);
    assert!(!record.exists());
}

#[tokio::test]
async fn the_later_of_two_milestones_gets_credit() {
    let config = "[commands]\nnew_project = 'begin'\nnew_milestone = 'next'\n";
    let server = Server::start(Agent::fake("").with_config(config)).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let path = format!("/output-projects/{project}/planning");
    let (one, two) = (
        server.milestone(&project, "one").await,
        server.milestone(&project, "two").await,
    );
    start(&server, &one).await;
    write(&workspace, "phases/01-a/01-CONTEXT.md", "");
    // The file system's clock is too coarse for immediate changes.
    until_of(&server, &project, "1", &one).await;
    start(&server, &two).await;
    write(&workspace, "phases/02-b/02-CONTEXT.md", "");
    until_of(&server, &project, "2", &two).await;
    let status = json!({ "status": "failed", "reason": "not now" });
    server
        .patch(&format!("/milestones/{two}"), status)
        .await
        .expect(200);
    write(&workspace, "phases/03-c/03-CONTEXT.md", "");
    let planning = server.get(&path).await.expect(200);
    let of = |number| milestone_of(&planning, number);
    assert_eq!(
        [of("1"), of("2"), of("3")],
        [json!(one), json!(two), json!(one)]
    );
}

#[tokio::test]
async fn nested_planning_folders_are_misplaced() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let workspace = server.workspace(&project).await;
    let milestone = server.milestone(&project, "one").await;
    server
        .post(&format!("/milestones/{milestone}/prepare"), json!({}))
        .await
        .expect(200);
    let path = format!("/output-projects/{project}/planning");
    let planning = server.get(&path).await.expect(200);
    assert_eq!(planning["misplaced"], json!([]));
    let folder = format!(".milestones/{milestone}/.planning");
    fs::create_dir_all(workspace.join(&folder).join("phases/01-a")).unwrap();
    let planning = server.get(&path).await.expect(200);
    assert_eq!(planning["misplaced"], json!([folder]));
    assert_eq!(planning["phases"], json!([]));
}

//! A server that lost its leases without knowing changes nothing.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use tokio::time::{Instant, sleep};

use super::{
    conversation::{published, say},
    lease::{agent, take_over},
    *,
};
use crate::support::{LOOK, eventually};

/// A project's record, as the database has it.
async fn records(server: &Server, project: &str) -> Value {
    let deliveries = server
        .get(&format!("/output-projects/{project}/deliveries"))
        .await
        .expect(200);
    let milestones = server
        .get(&format!("/milestones?output_project_id={project}"))
        .await
        .expect(200);
    let session = server.session(project).await;
    json!({
        "deliveries": deliveries,
        "milestones": milestones,
        "conversation": session["claude_session_id"],
        "history": session["claude_session_history"],
        "node": session["node"],
        "pid": session["pid"],
    })
}

/// Takes a project over, unless the machine lacks its transcript.
async fn may_take_over(server: &Server, project: &str) -> bool {
    let path = format!("/output-projects/{project}/session");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.post(&path, json!({})).await;
        if answer.status == 201 {
            return true;
        }
        if answer.body["code"] == "transcripts_unavailable" {
            return false;
        }
        assert!(Instant::now() < deadline, "{}", answer.body);
        sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_server_changes_nothing_later() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    // For their agents, each is on its own machine.
    let first = Server::start_on(agent("first", 2), Some(address.clone())).await;
    let mut projects = Vec::new();
    for name in ["rotates", "delivers", "notes", "begins"] {
        let project = first.project(name).await;
        first.start_session(&project).await;
        first.idle(&project).await;
        // The other machine needs a copy of whatever was said.
        if name != "notes" {
            let transcript = say(&first, &project, "hello").await;
            published(&address, &project, &transcript).await;
        }
        projects.push(project);
    }
    let second = Server::start_on(agent("second", 300), Some(address)).await;
    let new = json!({ "output_project_id": projects[3], "element_name": "m" });
    let milestone = first.post("/milestones", new).await.expect(201);
    let milestone = milestone["id"].as_str().unwrap();
    // Each project is in the middle of another kind of write: a new conversation, a delivery, a
    // first message, a milestone's command.
    let terminal = |project: &str| format!("/output-projects/{project}/terminal");
    let mut rotates = first.socket(&terminal(&projects[0])).await;
    rotates.input("/clear").await;
    rotates.until("❯ /clear").await;
    let mut notes = first.socket(&terminal(&projects[2])).await;
    notes.input("typed").await;
    notes.until("❯ typed").await;
    let delivery = first.deliver(&projects[1], "on its way").await;
    let start = format!("/milestones/{milestone}/start");
    first.post(&start, json!({})).await.expect(202);
    rotates.input("\r").await;
    notes.input("\r").await;
    // The whole machine sleeps, and its transcripts are out of reach of the other one.
    let agents = first.session_dirs().into_iter();
    let agents: Vec<i32> = agents
        .filter_map(|dir| Some(Server::pids(&dir)?.1))
        .collect();
    let signal = |signal| {
        for pid in agents.iter().chain([&first.pid()]) {
            kill_process(Pid::from_raw(*pid).unwrap(), signal).unwrap();
        }
    };
    signal(Signal::STOP);
    let config = first.agent.home.path().join(".claude");
    fs::rename(&config, config.with_extension("away")).unwrap();

    let mut taken = Vec::new();
    for project in &projects {
        // A first message may be known before its copy is: then nobody starts the conversation on
        // a machine without its transcript.
        if project != &projects[2] {
            take_over(&second, project, "first").await;
        } else if !may_take_over(&second, project).await {
            continue;
        }
        taken.push(project);
    }
    second.idle(&projects[1]).await;
    // Its deliveries are settled before the look.
    let id = delivery["id"].as_str().unwrap();
    let path = format!("/output-projects/{}/deliveries/{id}", projects[1]);
    second
        .until(&path, "settled", |seen| {
            ["submitted", "failed"].contains(&seen["state"].as_str().unwrap())
        })
        .await;
    let queue = format!("/output-projects/{}/deliveries", projects[3]);
    second
        .until(&queue, "settled", |seen| {
            let mut all = seen["deliveries"].as_array().unwrap().iter();
            all.all(|one| ["submitted", "failed"].contains(&one["state"].as_str().unwrap()))
        })
        .await;
    for project in &taken {
        second.idle(project).await;
    }
    let mut before = Vec::new();
    for project in &taken {
        before.push(records(&second, project).await);
    }
    signal(Signal::CONT);
    eventually("the first gives all of them up", || {
        let log = first.log();
        log.matches("another server took over the project").count() >= taken.len()
    })
    .await;
    eventually("its agents are gone", || {
        let dirs = first.session_dirs();
        dirs.iter().all(|dir| dir.join("exit.json").exists())
    })
    .await;
    for (project, before) in taken.iter().zip(before) {
        assert_eq!(records(&second, project).await, before);
    }
}

//! Runs go on without the server, and their output is published once.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{agent, begin, held, names, over, path, release};
use crate::support::{Agent, Events, Server, eventually, is_alive, kill, make_fifo};

#[tokio::test]
async fn a_run_survives_a_killed_server() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let (run, gate) = held(&server, &project, &mut events).await;
    let seen = events.seen.last().unwrap().id.unwrap();
    let pid = agent(&server);
    server.crash().await;
    assert!(is_alive(pid));
    server.up().await;
    // No other agent can start right away.
    let detail = server
        .post(&format!("/output-projects/{project}/session"), json!({}))
        .await
        .problem(409);
    assert!(detail.contains(run["id"].as_str().unwrap()));
    let before = server.get(&path(&project)).await.expect(200);
    assert_eq!(
        (&before["total"], &before["runs"][0]["state"]),
        (&json!(1), &json!("running"))
    );
    assert_eq!(agent(&server), pid);
    let mut events = Events::since(&server, &project, seen).await;
    release(&gate);
    let ended = over(&server, &run).await;
    assert_eq!(
        (&ended["state"], &ended["claude_session_id"]),
        (&json!("succeeded"), &run["claude_session_id"])
    );
    events.named("run.finished").await;
    assert_eq!(names(&events.seen), ["run.message", "run.finished"]);
    let mut whole = Events::since(&server, &project, 0).await;
    whole.named("run.finished").await;
    assert_eq!(
        names(&whole.seen),
        ["run.started", "run.message", "run.message", "run.finished"]
    );
    let session = server.session(&project).await;
    assert_eq!(
        session["claude_session_history"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_run_ended_without_server_counts_once() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let (run, gate) = held(&server, &project, &mut events).await;
    let dir = server.run_dirs().remove(0);
    server.crash().await;
    release(&gate);
    eventually("it ends", || dir.join("exit.json").exists()).await;
    assert!(!dir.join("result.json").exists());
    for _ in 0..2 {
        server.up().await;
        let ended = over(&server, &run).await;
        assert_eq!(
            (&ended["state"], &ended["exit"]["code"]),
            (&json!("succeeded"), &json!(0))
        );
        let mut whole = Events::since(&server, &project, 0).await;
        whole.named("run.finished").await;
        assert_eq!(
            names(&whole.seen),
            ["run.started", "run.message", "run.message", "run.finished"]
        );
        server.crash().await;
    }
    // As if the server had died between publishing and recording.
    fs::remove_file(dir.join("result.json")).unwrap();
    server.up().await;
    let ended = over(&server, &run).await;
    assert_eq!(ended["state"], "succeeded");
    let next = begin(&server, &project, "next").await;
    over(&server, &next).await;
    let mut whole = Events::since(&server, &project, 0).await;
    whole
        .until("the second one is over", |told| {
            told.name == "run.finished" && told.data["run_id"] == next["id"]
        })
        .await;
    assert_eq!(
        names(&whole.seen),
        [
            "run.started",
            "run.message",
            "run.message",
            "run.finished",
            "run.started",
            "run.message",
            "run.finished"
        ]
    );
}

#[tokio::test]
async fn killed_holders_and_agents_are_failures() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let run = begin(&server, &project, "fake:forever").await;
    events
        .until("it speaks", |told| told.data["text"] == "forever")
        .await;
    kill(agent(&server));
    let ended = over(&server, &run).await;
    assert_eq!(
        (&ended["state"], &ended["exit"]["signal"]),
        (&json!("failed"), &json!(9))
    );
    assert!(ended["error"].as_str().unwrap().contains("signal 9"));

    let run = begin(&server, &project, "fake:forever").await;
    events
        .until("it speaks", |told| {
            told.data["text"] == "forever" && told.data["run_id"] == run["id"]
        })
        .await;
    let dir = server.run_dirs().into_iter().max().unwrap();
    let (holder, agent) = Server::pids(&dir).unwrap();
    kill(holder);
    let ended = over(&server, &run).await;
    assert_eq!(
        (&ended["state"], &ended["exit"]["reason"]),
        (&json!("failed"), &json!("holder_lost"))
    );
    assert!(!is_alive(agent), "what the holder left is ended");
    let third = over(&server, &begin(&server, &project, "and on").await).await;
    assert_eq!(third["result"], "fake: 3 user messages; last: and on");
}

#[tokio::test]
async fn a_reread_rotation_counts_once() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let first = over(&server, &begin(&server, &project, "hello").await).await;
    let cleared = over(&server, &begin(&server, &project, "/clear").await).await;
    let history = |session: Value| session["claude_session_history"].as_array().unwrap().len();
    assert_eq!(history(server.session(&project).await), 2);
    server.crash().await;
    for dir in server.run_dirs() {
        fs::remove_file(dir.join("result.json")).unwrap();
    }
    server.up().await;
    for run in [&first, &cleared] {
        let again = over(&server, run).await;
        assert_eq!(again["claude_session_id"], run["claude_session_id"]);
    }
    let session = server.session(&project).await;
    assert_eq!(session["claude_session_id"], cleared["claude_session_id"]);
    assert_eq!(history(session), 2);
}

#[tokio::test]
async fn a_stopped_server_publishes_all_messages() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let gate = server.data_dir().join("gate");
    make_fifo(&gate);
    let mut events = Events::follow(&server, &project).await;
    let prompt = format!("fake:many 9000 {}", gate.display());
    let run = begin(&server, &project, &prompt).await;
    let dir = server.run_dirs().remove(0);
    let signal = |signal| {
        let pid = Pid::from_raw(server.pid()).unwrap();
        kill_process(pid, signal).unwrap();
    };
    signal(Signal::STOP);
    // More than a holder keeps in memory, so that the holder drops the oldest output.
    let logged = || {
        let segments = fs::read_dir(dir.join("log")).into_iter().flatten();
        segments
            .map(|segment| segment.unwrap().metadata().unwrap().len())
            .sum::<u64>()
    };
    eventually("all is said", || logged() > 9_000 * 150).await;
    signal(Signal::CONT);
    for number in 0..9_000 {
        let said = events.named("run.message").await.data;
        assert_eq!(said["text"], format!("message {number}"));
    }
    release(&gate);
    assert_eq!(over(&server, &run).await["state"], "succeeded");
}

//! Runs: headless turns, published as events, never next to a session.

mod bounds;
mod conversation;
mod real;
mod survival;

use std::{fs, path::Path};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, Told, is_alive, make_fifo};

fn path(project: &str) -> String {
    format!("/output-projects/{project}/runs")
}

/// Starts a run, which must succeed.
async fn begin(server: &Server, project: &str, prompt: &str) -> Value {
    let body = json!({ "prompt": prompt });
    server.post(&path(project), body).await.expect(202)
}

/// Waits until a run is over.
async fn over(server: &Server, run: &Value) -> Value {
    server.run_over(run).await
}

/// A run that holds until its FIFO is opened, after its first message.
async fn held(server: &Server, project: &str, events: &mut Events) -> (Value, std::path::PathBuf) {
    let gate = server.data_dir().join("gate");
    make_fifo(&gate);
    let run = begin(server, project, &format!("fake:hold {}", gate.display())).await;
    events
        .until("it holds", |told| told.data["text"] == "holding")
        .await;
    (run, gate)
}

fn release(gate: &Path) {
    fs::OpenOptions::new().write(true).open(gate).unwrap();
}

/// The agent of the only run.
fn agent(server: &Server) -> i32 {
    Server::pids(&server.run_dirs()[0]).unwrap().1
}

fn names(told: &[Told]) -> Vec<&str> {
    // These come when their files changed.
    let late = ["planning.changed", "conversation.turn"];
    let told = told
        .iter()
        .filter(|told| !late.contains(&told.name.as_str()));
    told.map(|told| told.name.as_str()).collect()
}

/// The line of the only project in `wxcode ls`.
async fn listed(server: &Server) -> String {
    let listed = server.command(&["ls"]).output().await.unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn wxcode_ls_shows_a_current_run() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let (run, gate) = held(&server, &project, &mut events).await;
    let line = listed(&server).await;
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[..4], [&project, "run", "working", "0"], "{line}");
    release(&gate);
    over(&server, &run).await;
    let line = listed(&server).await;
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[..4], [&project, "none", "unknown", "0"], "{line}");
    assert_eq!(words.last(), Some(&"p"), "{line}");
}

#[tokio::test]
async fn a_run_is_carried_out_and_published() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let made = server
        .workspace(&project)
        .await
        .join(".planning/PROJECT.md");
    let run = begin(&server, &project, &format!("fake:write {}", made.display())).await;
    assert_eq!(
        (&run["state"], &run["result"], &run["exit"]),
        (&json!("running"), &Value::Null, &Value::Null)
    );
    let ended = over(&server, &run).await;
    let result = format!("fake: 1 user message; last: fake:write {}", made.display());
    assert_eq!(
        (
            &ended["state"],
            &ended["result"],
            &ended["error"],
            &ended["exit"]["code"]
        ),
        (&json!("succeeded"), &json!(result), &Value::Null, &json!(0))
    );
    assert!(ended["started_at"].is_string() && ended["ended_at"].is_string());
    assert!(made.exists());

    let finished = events.named("run.finished").await.data;
    assert_eq!(
        names(&events.seen[1..]),
        [
            "run.started",
            "tool.started",
            "tool.finished",
            "run.message",
            "run.finished"
        ]
    );
    let all = &events.seen;
    let find = |name: &str| &all.iter().find(|told| told.name == name).unwrap().data;
    let started = find("run.started");
    assert_eq!(
        (&started["run_id"], &started["prompt"], &started["resumed"]),
        (&run["id"], &run["prompt"], &json!(false))
    );
    for name in ["tool.started", "tool.finished"] {
        let tool = find(name);
        assert_eq!(
            (&tool["tool_name"], &tool["file_path"]),
            (&json!("Write"), &json!(made)),
            "{name}"
        );
        assert_eq!(
            (&tool["run_id"], &tool["tool_use_id"]),
            (&run["id"], &json!("toolu_fake"))
        );
        assert!(tool.get("session_id").is_none() && !tool.to_string().contains("written by"));
    }
    assert_eq!(find("run.message")["text"], json!(result));
    assert_eq!(find("planning.changed")["entries"], 1);
    assert_eq!(
        (
            &finished["state"],
            &finished["result"],
            &finished["is_error"],
            &finished["turns"]
        ),
        (
            &json!("succeeded"),
            &json!(result),
            &json!(false),
            &json!(1)
        )
    );
    assert_eq!(
        (&finished["duration_ms"], &finished["cost_usd"]),
        (&json!(12), &json!(0.25))
    );

    let session = server.session(&project).await;
    assert_eq!(
        (&session["status"], &session["run"]),
        (&json!("none"), &Value::Null)
    );
    let history = session["claude_session_history"].as_array().unwrap();
    assert_eq!(
        (history.len(), &history[0]["source"], &history[0]["id"]),
        (1, &json!("headless"), &run["claude_session_id"])
    );
    assert!(Path::new(history[0]["transcript_path"].as_str().unwrap()).exists());

    // A second run continues the conversation, and so does a session.
    let again = over(&server, &begin(&server, &project, "and on").await).await;
    assert_eq!(again["result"], "fake: 2 user messages; last: and on");
    assert_eq!(again["claude_session_id"], run["claude_session_id"]);
    let list = server
        .get(&format!("{}?skip=1", path(&project)))
        .await
        .expect(200);
    assert_eq!(
        (
            &list["total"],
            &list["runs"][0]["id"],
            list["runs"].as_array().unwrap().len()
        ),
        (&json!(2), &again["id"], 1)
    );
    let session = server.start_session(&project).await;
    assert_eq!(session["claude_session_id"], run["claude_session_id"]);
    events
        .until("resumed", |told| {
            told.name == "session.started" && told.data["resumed"] == true
        })
        .await;
}

#[tokio::test]
async fn no_second_agent_starts_during_a_run() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let milestone = server.milestone(&project, "one").await;
    let mut events = Events::follow(&server, &project).await;
    let (run, gate) = held(&server, &project, &mut events).await;
    let id = run["id"].as_str().unwrap();

    let session = server.session(&project).await;
    assert_eq!(
        (
            &session["status"],
            &session["run"]["id"],
            &session["run"]["state"]
        ),
        (&json!("none"), &run["id"], &json!("running"))
    );
    let mut late = Events::follow(&server, &project).await;
    assert_eq!(
        late.next().await.unwrap().data["session"]["run"]["id"],
        run["id"]
    );

    let deliveries = format!("/output-projects/{project}/deliveries");
    for (path, body) in [
        (path(&project), json!({ "prompt": "second" })),
        (format!("/output-projects/{project}/session"), json!({})),
        (deliveries.clone(), json!({ "text": "x" })),
        (format!("/milestones/{milestone}/start"), json!({})),
    ] {
        let detail = server.post(&path, body).await.problem(409);
        assert!(
            detail.contains(id) && detail.contains("wait"),
            "{path}: {detail}"
        );
    }
    assert_eq!(
        server.get(&deliveries).await.expect(200)["total"],
        0,
        "nothing is left in line"
    );
    for path in [
        format!("/output-projects/{project}/terminal"),
        format!("/milestones/{milestone}/terminal"),
    ] {
        let mut socket = server.socket(&path).await;
        assert!(
            socket.message("error").await["message"]
                .as_str()
                .unwrap()
                .contains(id)
        );
        assert_eq!(socket.close_code().await, 4005);
        assert!(socket.closed.unwrap().1.contains(id));
    }
    let detail = server
        .delete(&format!("/output-projects/{project}"))
        .await
        .problem(409);
    assert!(detail.contains("force"), "{detail}");
    assert!(server.session_dirs().is_empty());
    // Ending a session that does not run leaves the run alone.
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    assert!(is_alive(agent(&server)));

    release(&gate);
    assert_eq!(over(&server, &run).await["state"], "succeeded");
    let delivery = server.deliver(&project, "now").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let detail = server
        .post(&path(&project), json!({ "prompt": "x" }))
        .await
        .problem(409);
    assert!(
        detail.contains("DELETE …/session") && detail.contains("deliver"),
        "{detail}"
    );
    assert_eq!(server.run_dirs().len(), 1);
}

#[tokio::test]
async fn twenty_concurrent_runs_start_one_agent() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let session = format!("/output-projects/{project}/session");
    let runs = path(&project);
    let answers = join_all((0..20).map(|n| {
        let (path, body) = match n % 2 {
            0 => (&runs, json!({ "prompt": "fake:forever" })),
            _ => (&session, json!({})),
        };
        server.post(path, body)
    }))
    .await;
    let began = answers
        .iter()
        .filter(|answer| [201, 202].contains(&answer.status.as_u16()))
        .count();
    assert_eq!(began, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| [200, 201, 202, 409].contains(&answer.status.as_u16()))
    );
    assert_eq!(server.session_dirs().len() + server.run_dirs().len(), 1);
}

#[tokio::test]
async fn stopping_a_run_ends_its_processes() {
    let pids = tempfile::tempdir().unwrap();
    let file = pids.path().join("daemon");
    let modes = format!("ignore-term,daemon={}", file.display());
    let server = Server::start(Agent::fake(&modes)).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let run = begin(&server, &project, "fake:forever").await;
    events
        .until("it speaks", |told| told.data["text"] == "forever")
        .await;
    let daemon: i32 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let agent = agent(&server);
    assert!(is_alive(daemon) && is_alive(agent));
    let one = format!("{}/{}", path(&project), run["id"].as_str().unwrap());
    server.delete(&one).await.expect(204);
    assert!(
        !is_alive(agent) && !is_alive(daemon),
        "204 means that all is gone"
    );
    let stopped = server.get(&one).await.expect(200);
    assert_eq!(
        (
            &stopped["state"],
            &stopped["error"],
            &stopped["result"],
            &stopped["exit"]["reason"]
        ),
        (
            &json!("stopped"),
            &Value::Null,
            &Value::Null,
            &json!("stopped")
        )
    );
    assert_eq!(events.named("run.finished").await.data["state"], "stopped");
    server.delete(&one).await.expect(204);
    // The message is in the conversation.
    let history = &server.session(&project).await["claude_session_history"][0];
    assert!(Path::new(history["transcript_path"].as_str().unwrap()).exists());
}

#[tokio::test]
async fn long_lines_and_many_messages_arrive_whole() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let long = over(
        &server,
        &begin(&server, &project, "fake:long 5242880").await,
    )
    .await;
    assert_eq!(long["state"], "succeeded");
    events.named("run.finished").await;
    assert_eq!(
        names(&events.seen[1..]),
        [
            "run.started",
            "tool.started",
            "tool.finished",
            "run.message",
            "run.finished"
        ]
    );
    // More than a holder keeps in memory: the rest is in its log.
    let first = events.seen.len();
    over(&server, &begin(&server, &project, "fake:many 9000").await).await;
    let mut next = 0;
    loop {
        let told = events.next().await.unwrap();
        match told.name.as_str() {
            "run.message" if next < 9_000 => {
                assert_eq!(told.data["text"], format!("message {next}"));
                next += 1;
            }
            "run.finished" => break,
            "run.started" | "run.message" | "conversation.turn" => {}
            "reset" => panic!("the reader was too slow: {}", events.seen.len() - first),
            other => panic!("{other}"),
        }
    }
    assert_eq!(next, 9_000);
}

//! The events of a project: content, order and followers.

mod stream;
mod survival;

use std::{fs, io::Write as _};

use serde_json::json;

use crate::support::{Agent, Events, Server, Told, real};

/// The numbers of these events, checked for gaps.
fn numbers(told: &[Told]) -> Vec<u64> {
    let ids: Vec<u64> = told.iter().map(|told| told.id.expect("a number")).collect();
    for pair in ids.windows(2) {
        assert_eq!(pair[0] + 1, pair[1], "{told:#?}");
    }
    ids
}

/// A session at its prompt, and a follower with all events so far.
async fn idle(server: &Server) -> (String, Events) {
    let project = server.project("p").await;
    let mut events = Events::follow(server, &project).await;
    server.start_session(&project).await;
    events.state("idle").await;
    (project, events)
}

#[tokio::test]
async fn a_first_milestone_publishes_its_events() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let state = events.next().await.unwrap();
    assert_eq!((state.name.as_str(), state.id), ("state", Some(0)));
    assert_eq!(state.data["session"]["status"], "none");
    assert_eq!(state.data["deliveries"], json!([]));

    let milestone = server.milestone(&project, "one").await;
    let commands = server
        .workspace(&project)
        .await
        .join(".claude/commands/gsd");
    fs::create_dir_all(&commands).unwrap();
    fs::write(commands.join("new-project.md"), "Do it.\n").unwrap();
    let delivery = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    events
        .until("in progress", |told| told.data["status"] == "in_progress")
        .await;
    // A short turn may already be over.
    let is_idle = |told: &Told| told.name == "agent.state" && told.data["state"] == "idle";
    if !events.seen.iter().any(is_idle) {
        events.state("idle").await;
    }
    server
        .patch(
            &format!("/milestones/{milestone}"),
            json!({ "status": "completed" }),
        )
        .await
        .expect(200);
    events
        .until("completed", |told| told.data["status"] == "completed")
        .await;

    let told = &events.seen[1..];
    numbers(told);
    assert_eq!(told[0].id, Some(1));
    let session = server.session(&project).await;
    let short: Vec<String> = told
        .iter()
        .filter(|told| told.name != "planning.changed")
        .map(|told| {
            let detail = ["state", "status"]
                .iter()
                .find_map(|key| told.data[key].as_str())
                .unwrap_or_default();
            format!("{} {detail}", told.name)
        })
        .collect();
    let at = |what: &str| {
        let found = short.iter().position(|told| told == what);
        found.unwrap_or_else(|| panic!("{what}: {short:?}"))
    };
    let order = [
        "milestone.status pending",
        "delivery.state queued",
        "session.started ",
        "prompt.submitted ",
        "agent.state working",
        "delivery.state submitted",
        "milestone.status in_progress",
        "milestone.status completed",
    ];
    for pair in order.windows(2) {
        assert!(at(pair[0]) < at(pair[1]), "{pair:?} in {short:?}");
    }
    let find = |name: &str| &told.iter().find(|told| told.name == name).unwrap().data;
    let started = find("session.started");
    for key in ["session_id", "claude_session_id", "pid"] {
        assert_eq!(started[key], session[key], "{key}");
    }
    assert_eq!(started["resumed"], false);
    let submitted = find("prompt.submitted");
    assert_eq!(submitted["prompt"], delivery["text"]);
    assert_eq!(submitted["claude_session_id"], session["claude_session_id"]);
    let queued = find("delivery.state");
    assert_eq!(
        (&queued["delivery_id"], &queued["milestone_id"]),
        (&delivery["id"], &json!(milestone))
    );
    assert_eq!(find("milestone.status")["element_name"], "one");
    assert_eq!(find("agent.state")["session_id"], session["session_id"]);
}

#[tokio::test]
async fn tools_dialogs_and_planning_are_published() {
    let server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;

    let plan = server
        .workspace(&project)
        .await
        .join(".planning/PROJECT.md");
    server
        .deliver(&project, &format!("fake:write {}", plan.display()))
        .await;
    let started = events.named("tool.started").await.data;
    assert_eq!(
        (&started["tool_name"], &started["file_path"]),
        (&json!("Write"), &json!(plan))
    );
    assert_eq!(started["tool_use_id"], "toolu_fake");
    let finished = events.named("tool.finished").await.data;
    assert_eq!(finished["file_path"], json!(plan));
    // The server may notice the file before the hook.
    let changed = events.first("planning.changed").await.data;
    assert_eq!(changed["entries"], 1);

    server.deliver(&project, "fake:permission").await;
    let asked = events.named("permission.requested").await.data;
    assert_eq!(
        (&asked["tool_name"], &asked["tool_input"]["command"]),
        (&json!("Bash"), &json!("echo hi"))
    );
    events.state("waiting_permission").await;
    socket.input("1").await;
    let ran = events.named("tool.finished").await.data;
    assert_eq!(ran["command"], "echo hi");
    events.state("idle").await;

    server.deliver(&project, "fake:question").await;
    let asked = events.named("question.asked").await.data;
    assert_eq!(asked["questions"][0]["question"], "Which colour?");
    assert_eq!(asked["questions"][0]["options"][1]["label"], "Blue");
    events.state("waiting_question").await;
    socket.input("2").await;
    events.state("idle").await;
    numbers(&events.seen[1..]);
}

#[tokio::test]
async fn clear_exit_and_loss_are_published() {
    let server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    let before = server.session(&project).await;
    let hello = server.deliver(&project, "hello").await;
    server.delivery_until(&project, &hello, "submitted").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    socket.submit("/clear").await;
    let rotated = events.named("session.rotated").await.data;
    let after = server.session(&project).await;
    assert_eq!(rotated["from"], before["claude_session_id"]);
    assert_eq!(rotated["claude_session_id"], after["claude_session_id"]);
    assert_eq!(
        (&rotated["source"], &rotated["session_id"]),
        (&json!("clear"), &before["session_id"])
    );

    let again = server.deliver(&project, "again").await;
    server.delivery_until(&project, &again, "submitted").await;
    server.deliver(&project, "fake:exit 7").await;
    let exited = events.named("session.exited").await.data;
    assert_eq!(
        (&exited["code"], &exited["session_id"]),
        (&json!(7), &before["session_id"])
    );
    let history = after["claude_session_history"].as_array().unwrap();
    let transcript = history.last().unwrap()["transcript_path"].as_str().unwrap();
    server.without_copy(&project).await;
    fs::remove_file(transcript).unwrap();
    let new = server.start_session(&project).await;
    let lost = events.named("session.lost").await.data;
    assert_eq!(lost["from"], after["claude_session_id"]);
    assert_eq!(lost["claude_session_id"], new["claude_session_id"]);
    assert!(lost["reason"].as_str().unwrap().contains("transcript"));
    let started = events.named("session.started").await.data;
    assert_eq!(started["claude_session_id"], new["claude_session_id"]);
    numbers(&events.seen[1..]);
}

#[tokio::test]
async fn all_followers_get_the_same_events() {
    let mut server = Server::start(Agent::fake("")).await;
    let (project, mut one) = idle(&server).await;
    let mut two = Events::follow(&server, &project).await;
    let state = two.next().await.unwrap();
    assert_eq!(state.data["session"]["agent_state"], "idle");
    assert_eq!(state.id, one.seen.last().unwrap().id);
    let path = format!("/output-projects/{project}/terminal");
    let mut first = server.socket(&path).await;
    first.message("status").await;
    let mut second = server.socket(&format!("{path}?read_only=true")).await;
    second.message("status").await;
    first.drop_connection();
    let left = one.named("client.left").await;
    let told = two.up_to(left.id.unwrap()).await;
    let brief: Vec<_> = told[1..]
        .iter()
        .map(|told| (told.name.as_str(), told.data["client"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        brief,
        [
            ("client.joined", 1),
            ("client.joined", 2),
            ("client.left", 1)
        ]
    );
    assert_eq!(told[2].data["read_only"], true);
    assert!(one.seen.ends_with(&told[1..]), "both were told the same");

    // The clients of a killed server are published as detached.
    server.crash().await;
    assert_eq!(one.next().await, None);
    server.up().await;
    let mut again = Events::since(&server, &project, left.id.unwrap()).await;
    let gone = again.next().await.unwrap();
    assert_eq!(
        (gone.name.as_str(), &gone.data["client"], gone.id),
        ("client.left", &json!(2), left.id.map(|id| id + 1))
    );
}

#[tokio::test]
async fn the_real_claude_reports_its_tools() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let (project, mut events) = idle(&server).await;
    let file = server.workspace(&project).await.join("made");
    server
        .deliver(&project, &format!("stub:bash touch {}", file.display()))
        .await;
    let submitted = events.named("prompt.submitted").await.data;
    assert!(
        submitted["prompt"]
            .as_str()
            .unwrap()
            .starts_with("stub:bash")
    );
    let started = events.named("tool.started").await.data;
    assert_eq!(started["tool_name"], "Bash");
    assert!(started["command"].as_str().unwrap().starts_with("touch "));
    let asked = events
        .until("asked or done", |told| {
            ["permission.requested", "tool.finished"].contains(&told.name.as_str())
        })
        .await;
    if asked.name == "permission.requested" {
        assert_eq!(asked.data["tool_name"], "Bash");
        let mut socket = server
            .socket(&format!("/output-projects/{project}/terminal"))
            .await;
        server
            .session_until(&project, "the question stands", |session| {
                session["dialog"] == "permission"
            })
            .await;
        socket.input("1").await;
        events.named("tool.finished").await;
    }
    let finished = events.seen.last().unwrap().data.clone();
    assert_eq!(finished["tool_use_id"], started["tool_use_id"]);
    events.state("idle").await;
    assert!(file.exists());
    numbers(&events.seen[1..]);
}

/// Run the test by name: `cargo test -p wxcode --test e2e hook_to_event_latency -- --ignored
/// --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn hook_to_event_latency() {
    let server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    let fifo = server.data_dir().join("reports");
    crate::support::make_fifo(&fifo);
    server
        .deliver(&project, &format!("fake:report {}", fifo.display()))
        .await;
    let opening =
        tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(fifo));
    let mut reports = opening.await.unwrap().unwrap();
    let mut took = Vec::new();
    for n in 0..500 {
        let report = json!({
            "hook_event_name": "PreToolUse", "tool_name": "Bash",
            "tool_input": { "command": "ls", "description": n.to_string() },
        });
        // The figure includes the start of the hook's shell and of the hook.
        let began = std::time::Instant::now();
        writeln!(reports, "{report}").unwrap();
        events
            .until("it", |told| {
                told.data["description"] == json!(n.to_string())
            })
            .await;
        took.push(began.elapsed());
    }
    took.sort();
    println!("hook to event: p50 {:?}, p99 {:?}", took[250], took[495]);
    assert!(took[495] < std::time::Duration::from_millis(20));
}

//! Hibernation: an idle session ends by itself, and the next visit or delivery resumes it.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server, eventually, is_alive, real};

fn pid(session: &Value) -> i32 {
    i32::try_from(session["pid"].as_i64().expect("it runs")).unwrap()
}

/// A server whose idle sessions hibernate after a second.
async fn start() -> Server {
    Server::start(sleepy(Agent::fake(""))).await
}

fn sleepy(mut agent: Agent) -> Agent {
    agent.config = match agent.config.strip_prefix("[agent]\n") {
        Some(rest) => format!("[agent]\nhibernate_after_s = 1\n{rest}"),
        None => format!("[agent]\nhibernate_after_s = 1\n{}", agent.config),
    };
    agent
}

async fn hibernated(server: &Server, project: &str) -> Value {
    server
        .session_until(project, "it hibernates", |session| {
            session["status"] == "hibernated"
        })
        .await
}

/// Sends a text, and waits until it is taken.
async fn say(server: &Server, project: &str, text: &str) {
    let delivery = server.deliver(project, text).await;
    server.delivery_until(project, &delivery, "submitted").await;
}

async fn screen_until(server: &Server, project: &str, words: &str) {
    let path = format!("/output-projects/{project}/screen");
    let shows = |screen: &Value| screen.as_str().unwrap().contains(words);
    server.until(&path, words, shows).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_session_hibernates_and_resumes() {
    let mut server = start().await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let before = server.start_session(&project).await;
    say(&server, &project, "hello").await;
    let event = events.named("session.hibernated").await;
    assert_eq!(event.data["session_id"], before["session_id"]);
    let asleep = hibernated(&server, &project).await;
    assert_eq!(asleep["exit"]["reason"], "hibernated");
    assert_eq!(asleep["agent_state"], "unknown");
    assert_eq!(asleep["pid"], Value::Null);
    let agent = pid(&before);
    eventually("the agent is gone", || !is_alive(agent)).await;
    let is_exited = |seen: &crate::support::Told| seen.name == "session.exited";
    assert!(!events.seen.iter().any(is_exited), "{:?}", events.seen);
    screen_until(&server, &project, "last: hello").await;
    let list = server.get("/output-projects").await.expect(200);
    assert_eq!(list["projects"][0]["session"]["status"], "hibernated");

    // A restart changes nothing.
    server.terminate().await;
    server.up().await;
    let again = server.session(&project).await;
    for key in ["status", "exit", "session_id", "claude_session_id"] {
        assert_eq!(again[key], asleep[key], "{key}");
    }
    screen_until(&server, &project, "last: hello").await;

    let awake = server.start_session(&project).await;
    assert_eq!(awake["claude_session_id"], before["claude_session_id"]);
    assert_ne!(awake["session_id"], before["session_id"]);
    say(&server, &project, "again").await;
    screen_until(&server, &project, "2 user messages; last: again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_wakes_a_hibernated_session() {
    let server = start().await;
    let project = server.project("p").await;
    say(&server, &project, "one").await;
    hibernated(&server, &project).await;
    say(&server, &project, "two").await;
    screen_until(&server, &project, "2 user messages; last: two").await;
    hibernated(&server, &project).await;
    let at = Timestamp::now() + SignedDuration::from_secs(2);
    let path = format!("/output-projects/{project}/deliveries");
    let body = json!({ "text": "three", "not_before": at.to_string() });
    let later = server.post(&path, body).await.expect(202);
    server.delivery_until(&project, &later, "submitted").await;
    screen_until(&server, &project, "3 user messages; last: three").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_and_drafts_keep_sessions_awake() {
    let server = start().await;
    let watched = server.project("watched").await;
    let mut socket = server
        .socket(&format!("/output-projects/{watched}/terminal"))
        .await;
    let draft = server.project("draft").await;
    let terminal = format!("/output-projects/{draft}/terminal");
    let mut typing = server.socket(&terminal).await;
    server.idle(&draft).await;
    typing.input("half a thought").await;
    typing.until("❯ half a thought").await;
    drop(typing);
    server.idle(&watched).await;
    // An idle session of the same age, twice, is the clock.
    for name in ["first", "second"] {
        let other = server.project(name).await;
        server.start_session(&other).await;
        hibernated(&server, &other).await;
    }
    for project in [&watched, &draft] {
        assert_eq!(server.session(project).await["status"], "running");
    }
    screen_until(&server, &draft, "❯ half a thought").await;
    // The client goes, and its session hibernates; the next client wakes it.
    socket.input("hello").await;
    socket.until("❯ hello").await;
    socket.input("\r").await;
    socket.until("last: hello").await;
    drop(socket);
    hibernated(&server, &watched).await;
    let mut again = server
        .socket(&format!("/output-projects/{watched}/terminal"))
        .await;
    assert_eq!(again.message("status").await["resumed"], true);
    server.idle(&watched).await;
    again.input("again").await;
    again.until("❯ again").await;
    again.input("\r").await;
    again.until("2 user messages; last: again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_projects_setting_counts_first() {
    let server = start().await;
    let never = server.project("never").await;
    let off = json!({ "settings": { "hibernate_after_s": 0 } });
    let path = format!("/output-projects/{never}");
    let changed = server.patch(&path, off).await.expect(200);
    assert_eq!(changed["settings"]["hibernate_after_s"], 0);
    server.start_session(&never).await;
    server.idle(&never).await;
    let other = server.project("other").await;
    server.start_session(&other).await;
    hibernated(&server, &other).await;
    assert_eq!(server.session(&never).await["status"], "running");
    // It counts at once.
    let soon = json!({ "settings": { "hibernate_after_s": 1 } });
    server.patch(&path, soon).await.expect(200);
    hibernated(&server, &never).await;
}

/// The proportional memory of a process and everything below it, in KiB.
fn memory(root: i32) -> u64 {
    let mut sum = 0;
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let pss = read("smaps_rollup");
        let line = pss.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        sum += kib.unwrap_or(0);
        let children = read(&format!("task/{pid}/children"));
        open.extend(
            children
                .split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    sum
}

/// Prints the memory of an idle session before and after: run it with `--nocapture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_claude_hibernates_and_resumes() {
    let Some(agent) = real() else { return };
    let server = Server::start(agent).await;
    let project = server.project("p").await;
    let before = server.start_session(&project).await;
    say(&server, &project, "first words").await;
    server.idle(&project).await;
    let (holder, agent) = Server::pids(&server.session_dirs()[0]).unwrap();
    let awake = memory(holder);
    let soon = json!({ "settings": { "hibernate_after_s": 1 } });
    server
        .patch(&format!("/output-projects/{project}"), soon)
        .await
        .expect(200);
    hibernated(&server, &project).await;
    eventually("the processes are gone", || {
        !is_alive(holder) && !is_alive(agent)
    })
    .await;
    println!(
        "memory of an idle session: {awake} KiB awake, {} KiB hibernated",
        memory(holder)
    );
    assert!(awake > 50_000, "{awake} KiB");
    say(&server, &project, "second words").await;
    let after = server.idle(&project).await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let turns = server.agent.stub.as_ref().unwrap().requests();
    let last = turns
        .iter()
        .rev()
        .find(|request| request.is_turn())
        .unwrap();
    let texts = last.user_texts().join("\n");
    assert!(
        texts.contains("first words") && texts.contains("second words"),
        "{texts}"
    );
}

//! A stream of events: resumption, end, and access.

use std::{fs, io::Write as _};

use reqwest::Method;
use serde_json::json;

use super::{idle, numbers};
use crate::support::{Agent, Events, Server};

#[tokio::test]
async fn a_returning_follower_gets_the_rest() {
    let server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    for text in ["one", "two", "three"] {
        server.deliver(&project, text).await;
        events.state("working").await;
        events.state("idle").await;
    }
    let told = events.seen[1..].to_vec();
    let ids = numbers(&told);
    let last = *ids.last().unwrap();
    for (n, id) in ids.iter().enumerate().step_by(3) {
        let mut rest = Events::since(&server, &project, *id).await;
        if *id < last {
            assert_eq!(rest.up_to(last).await, told[n + 1..]);
        }
        drop(rest);
    }
    // For clients without control over the header.
    let path = format!("/api/v1/output-projects/{project}/events?last_event_id=0");
    let request = server
        .request(Method::GET, &path)
        .bearer_auth(&server.token);
    let mut response = request.send().await.unwrap();
    let mut text = String::new();
    while !text.contains(&format!("id: {last}\n")) {
        let chunk = response.chunk().await.unwrap().expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.starts_with("retry: 1000\n\nid: 1\nevent: "), "{text}");
}

#[tokio::test]
async fn an_unknown_event_id_resets_the_stream() {
    let server = Server::start(Agent::fake("")).await;
    let (project, mut events) = idle(&server).await;
    for last in ["99999", "no number", "-1"] {
        let mut stranger = Events::open(&server, &project, Some(last)).await;
        assert_eq!(stranger.next().await.unwrap().name, "reset", "{last}");
        assert_eq!(stranger.next().await.unwrap().name, "state", "{last}");
    }
    // A client that stops reading while the server publishes more than it keeps for a client.
    let mut behind = Events::follow(&server, &project).await;
    behind.next().await.unwrap();
    // More than the log holds, from the agent's own hooks.
    let fifo = server.data_dir().join("reports");
    crate::support::make_fifo(&fifo);
    server
        .deliver(&project, &format!("fake:report {}", fifo.display()))
        .await;
    // Opening the FIFO waits for the agent.
    let opening =
        tokio::task::spawn_blocking(move || fs::OpenOptions::new().write(true).open(fifo));
    let reports = opening.await.unwrap().unwrap();
    let mut newest = events.seen.last().unwrap().clone();
    for round in 0..12_u32 {
        let mut reports = reports.try_clone().unwrap();
        let burst = move || {
            for n in round * 100..(round + 1) * 100 {
                let report = json!({
                    "hook_event_name": "PermissionRequest", "tool_name": "Bash",
                    "tool_input": { "command": "x".repeat(12_000), "n": n },
                });
                writeln!(reports, "{report}").unwrap();
            }
        };
        tokio::task::spawn_blocking(burst).await.unwrap();
        newest = events
            .until("the last one", |told| {
                told.data["tool_input"]["n"] == round * 100 + 99
            })
            .await;
    }
    numbers(&events.seen[1..]);
    let folder = server.data_dir().join("events").join(&project);
    let size: u64 = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(size < 5 << 20, "{size}");

    let mut old = Events::since(&server, &project, 1).await;
    assert_eq!(old.next().await.unwrap().name, "reset");
    let state = old.next().await.unwrap();
    assert_eq!(state.name, "state");
    assert!(state.id >= newest.id);
    let held = newest.id.unwrap() - 200;
    let mut rest = Events::since(&server, &project, held).await;
    let rest = rest.up_to(newest.id.unwrap()).await;
    assert_eq!((rest.len(), rest[0].id), (200, Some(held + 1)));
    assert!(events.seen.ends_with(&rest), "from the disk as it was live");

    let reset = behind.named("reset").await;
    assert_eq!(reset.id, None);
    let before = &behind.seen[1..behind.seen.len() - 1];
    numbers(before);
    assert!(events.seen.windows(before.len()).any(|seen| seen == before));
    let state = behind.next().await.unwrap();
    assert!(state.name == "state" && state.id >= newest.id);
}

#[tokio::test]
async fn unwritable_events_are_published_anyway() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let root = server.data_dir().join("events");
    assert!(!root.exists(), "nothing was told yet");
    fs::write(&root, "in the way").unwrap();
    let mut events = Events::follow(&server, &project).await;
    for name in ["one", "two"] {
        server.milestone(&project, name).await;
        let told = events.named("milestone.status").await;
        assert_eq!(told.data["element_name"], name);
    }
    let one = events.seen[1].id.unwrap();
    let mut again = Events::since(&server, &project, one).await;
    assert_eq!(again.next().await.unwrap().data["element_name"], "two");
    server.crash().await;
    server.up().await;
    let mut again = Events::since(&server, &project, one).await;
    assert_eq!(again.next().await.unwrap().name, "reset");
    let state = again.next().await.unwrap();
    assert_eq!(state.data["milestones"][1]["element_name"], "two");

    // With free space events are stored again, and old numbers mean nothing.
    fs::remove_file(&root).unwrap();
    server.milestone(&project, "three").await;
    let three = again
        .until("three", |told| told.data["element_name"] == "three")
        .await;
    server.crash().await;
    server.up().await;
    server.milestone(&project, "four").await;
    let mut again = Events::since(&server, &project, three.id.unwrap()).await;
    let four = again.next().await.unwrap();
    assert_eq!(
        (four.id, &four.data["element_name"]),
        (three.id.map(|id| id + 1), &json!("four"))
    );
    for last in [1, one, one + 1, one + 2] {
        let mut old = Events::since(&server, &project, last).await;
        assert_eq!(old.next().await.unwrap().name, "reset", "{last}");
    }
}

#[tokio::test]
async fn a_stream_ends_with_server_or_project() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    server.milestone(&project, "one").await;
    let folder = server.data_dir().join("events").join(&project);
    assert!(folder.exists());
    let mut events = Events::follow(&server, &project).await;
    events.next().await.unwrap();
    server
        .delete(&format!("/output-projects/{project}"))
        .await
        .expect(204);
    assert_eq!(events.next().await, None);
    assert!(!folder.exists(), "the log goes with the project");

    let other = server.project("q").await;
    let mut events = Events::follow(&server, &other).await;
    events.next().await.unwrap();
    assert_eq!(server.terminate().await, Some(0));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn events_need_authentication_and_a_project() {
    let server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let path = format!("/api/v1/output-projects/{project}/events");
    server
        .answer(server.request(Method::GET, &path))
        .await
        .problem(401);
    for (header, value) in [("Origin", "http://evil.example"), ("Host", "evil.example")] {
        let request = server
            .request(Method::GET, &path)
            .bearer_auth(&server.token);
        server
            .answer(request.header(header, value))
            .await
            .problem(403);
    }
    server
        .get("/output-projects/nonsense/events")
        .await
        .problem(400);
    server
        .get("/output-projects/0123456789abcdef01234567/events")
        .await
        .problem(404);
    let request = server.request(Method::GET, "/api/openapi.json");
    let document = server
        .answer(request.bearer_auth(&server.token))
        .await
        .expect(200);
    let described = &document["paths"]["/api/v1/output-projects/{id}/events"]["get"];
    assert_eq!(described["operationId"], "followEvents");
    assert!(described["responses"]["200"]["content"]["text/event-stream"].is_object());
    // The path of the first implementation, with the slash.
    let request = server.request(
        Method::GET,
        &format!("/api/output-projects/{project}/events/"),
    );
    let mut response = request.bearer_auth(&server.token).send().await.unwrap();
    let mut text = String::new();
    while !text.contains("\nevent: state\n") {
        let chunk = response.chunk().await.unwrap().expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

//! The list of projects: its order, its search, what each one does; and the events of all.

use std::{fs, time::Instant};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Events, Server};

fn names(list: &Value) -> Vec<&str> {
    let projects = list["projects"].as_array().unwrap();
    let names = projects
        .iter()
        .map(|project| project["name"].as_str().unwrap());
    names.collect()
}

fn active_at(project: &Value) -> Timestamp {
    project["last_activity_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap()
}

async fn listed(server: &Server, query: &str) -> Value {
    server
        .get(&format!("/output-projects?{query}"))
        .await
        .expect(200)
}

#[tokio::test]
async fn the_list_shows_what_each_project_does() {
    let server = Server::start(Agent::fake("")).await;
    let (quiet, asking) = (
        server.project("quiet").await,
        server.project("Asking").await,
    );
    let third = server.project("middle").await;
    let milestone = server.begun(&third).await;
    server.start_session(&asking).await;
    server.deliver(&asking, "fake:permission").await;
    server
        .session_until(&asking, "it asks", |session| {
            session["agent_state"] == "waiting_permission"
        })
        .await;
    let phases = server.workspace(&third).await.join(".planning");
    fs::create_dir_all(&phases).unwrap();
    fs::write(
        phases.join("ROADMAP.md"),
        "# Roadmap\n\n- [x] **Phase 1: One**\n- [ ] **Phase 2: Two**\n",
    )
    .unwrap();

    let list = listed(&server, "sort=attention").await;
    assert_eq!(names(&list), ["Asking", "middle", "quiet"]);
    let [first, second, last] = [0, 1, 2].map(|index| &list["projects"][index]);
    assert_eq!(first["session"]["status"], "running");
    assert_eq!(first["session"]["agent_state"], "waiting_permission");
    assert_eq!(first["session"]["asks"]["kind"], "permission");
    assert_eq!(first["milestone"], Value::Null);
    // Only servers on a shared store have names.
    let is_shared = server.store_name() != "wxcode.db";
    assert_eq!(first["session"]["node"].is_string(), is_shared);
    assert_eq!(second["milestone"]["id"], milestone.as_str());
    assert_eq!(second["milestone"]["element_name"], "PAGE_Login");
    assert_eq!(second["session"]["agent_state"], "idle");
    assert_eq!(last["session"]["status"], "none");
    assert!(active_at(second) > active_at(last), "{list:#}");

    let path = "/output-projects?sort=name";
    let list = server
        .until(path, "the progress was read", |list| {
            list["projects"][1]["progress"]["percent"] == 50
        })
        .await;
    assert_eq!(names(&list), ["Asking", "middle", "quiet"]);
    assert_eq!(
        names(&listed(&server, "sort=created").await),
        ["quiet", "Asking", "middle"]
    );
    assert_eq!(
        names(&listed(&server, "sort=name&skip=1&limit=1").await),
        ["middle"]
    );
    let renamed = json!({ "stack_id": "s" });
    server
        .patch(&format!("/output-projects/{quiet}"), renamed)
        .await
        .expect(200);
    assert_eq!(names(&listed(&server, "sort=activity").await)[0], "quiet");

    let found = listed(&server, "q=ASK&sort=attention").await;
    assert_eq!(
        (names(&found), &found["total"]),
        (vec!["Asking"], &json!(1))
    );
    assert_eq!(
        names(&listed(&server, &format!("q={quiet}")).await),
        ["quiet"]
    );
    assert_eq!(listed(&server, "q=nothing-like-it").await["total"], 0);
    let detail = server
        .get("/output-projects?sort=colour")
        .await
        .problem(422);
    assert!(
        detail.contains("colour") && detail.contains("attention"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_thousand_projects_are_listed_at_once() {
    let server = Server::start(Agent::fake("")).await;
    for number in 0..1_000 {
        let name = format!("project {number:04}");
        server
            .post("/output-projects", json!({ "name": name }))
            .await
            .expect(201);
    }
    let mut times = Vec::new();
    for query in [
        "",
        "sort=attention",
        "sort=activity",
        "sort=name&limit=500",
        "q=0999&sort=name",
    ] {
        for round in 0..3 {
            let began = Instant::now();
            let list = listed(&server, query).await;
            let total = if query.contains("q=") { 1 } else { 1_000 };
            assert_eq!(list["total"], total);
            if round > 0 {
                times.push((began.elapsed(), query));
            }
        }
    }
    eprintln!("lists of 1,000 projects: {times:?}");
    assert_eq!(names(&listed(&server, "").await).len(), 50);
    assert_eq!(names(&listed(&server, "limit=1000").await).len(), 500);
}

#[tokio::test]
async fn one_stream_has_the_events_of_all_projects() {
    let mut server = Server::start(Agent::fake("")).await;
    let (first, second) = (
        server.project("first").await,
        server.project("second").await,
    );
    let mut events = Events::of_all(&server, None).await;
    let state = events.next().await.unwrap();
    assert_eq!(
        (state.name.as_str(), &state.data["total"]),
        ("state", &json!(2))
    );
    let known = &state.data["projects"];
    assert!(
        known
            .as_array()
            .unwrap()
            .iter()
            .all(|project| project["session"]["status"] == "none")
    );
    for project in [&first, &second] {
        server.milestone(project, "PAGE_Login").await;
    }
    let one = events.next().await.unwrap();
    let two = events.next().await.unwrap();
    for (event, project) in [(&one, &first), (&two, &second)] {
        assert_eq!(event.name, "milestone.status");
        assert_eq!(event.data["project_id"], project.as_str());
        assert_eq!(event.data["element_name"], "PAGE_Login");
    }
    let mut later = Events::of_all(&server, one.id).await;
    assert_eq!(later.next().await.unwrap().id, two.id);
    // After a restart the position is unknown.
    assert_eq!(server.terminate().await, Some(0));
    server.up().await;
    let mut again = Events::of_all(&server, two.id).await;
    assert_eq!(again.next().await.unwrap().name, "reset");
    assert_eq!(again.next().await.unwrap().name, "state");
    let request = server
        .request(Method::GET, "/api/v1/events?last_event=1")
        .bearer_auth(&server.token);
    server.answer(request).await.problem(422);
}

//! The view of all projects is the same on each node of one database.

use super::{
    nodes::{stop_all, two},
    *,
};
use crate::support::LOOK;
use rustix::process::{Pid, Signal, kill_process};

/// Longest wait for a list while a node is dead.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// A loaded machine may take so many times a usual list's time longer.
const USUAL_TIMES: u32 = 4;

async fn list(server: &Server, query: &str) -> Value {
    let path = format!("/output-projects{query}");
    server.get(&path).await.expect(200)["projects"].clone()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut projects = list.as_array().unwrap().iter();
    projects.find(|project| project["name"] == name).unwrap()
}

fn signal(server: &Server, signal: Signal) {
    kill_process(Pid::from_raw(server.pid()).unwrap(), signal).unwrap();
}

fn names(list: &Value) -> Vec<&str> {
    let projects = list.as_array().unwrap().iter();
    projects
        .map(|project| project["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_lists_all_sessions() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "").await;
    let quiet = second.project("quiet").await;
    let asking = first.project("asking").await;
    let works = second.project("works").await;
    first.start_session(&asking).await;
    second.start_session(&works).await;
    first.idle(&asking).await;
    let asks = first.deliver(&asking, "fake:permission").await;
    first.delivery_until(&asking, &asks, "submitted").await;
    let ask = first.options(&asking).await;
    second.idle(&works).await;
    for server in [&first, &second] {
        let seen = list(server, "?sort=attention").await;
        assert_eq!(names(&seen), ["asking", "works", "quiet"], "{seen}");
        let session = &named(&seen, "asking")["session"];
        assert_eq!(
            (
                &session["status"],
                &session["agent_state"],
                &session["node"]
            ),
            (
                &json!("running"),
                &json!("waiting_permission"),
                &json!("first")
            )
        );
        assert_eq!(session["asks"]["id"], ask["id"]);
        assert_eq!(session["limit"], Value::Null);
        let session = &named(&seen, "works")["session"];
        assert_eq!(
            (&session["agent_state"], &session["node"]),
            (&json!("idle"), &json!("second"))
        );
        assert_eq!(named(&seen, "quiet")["session"]["status"], "none");
    }
    // Each node reads the progress of `.planning/` in the background.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut views = Vec::new();
        for server in [&first, &second] {
            let mut view = Vec::new();
            for query in ["?sort=attention", "?sort=activity", ""] {
                view.push(list(server, query).await);
            }
            views.push(view);
        }
        if views[0] == views[1] {
            break;
        }
        assert!(Instant::now() < deadline, "{views:?}");
        sleep(LOOK).await;
    }
    // The end of a session is seen everywhere at once.
    first
        .delete(&format!("/output-projects/{asking}/session"))
        .await
        .expect(204);
    let ended = server_until(&second, "asking", "exited").await;
    assert_eq!(ended["session"]["node"], Value::Null);
    let audits = [&first, &second].map(|server| async {
        let entries = server.get("/audit").await.expect(200)["entries"].clone();
        entries.to_string()
    });
    let [one, other] = audits;
    assert_eq!(one.await, other.await);
    assert!(!quiet.is_empty());
}

async fn server_until(server: &Server, name: &str, status: &str) -> Value {
    let of = |seen: &Value| named(&seen["projects"], name).clone();
    let seen = server
        .until("/output-projects", status, |seen| {
            of(seen)["session"]["status"] == status
        })
        .await;
    of(&seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_nodes_projects_are_listed_at_once() {
    let Some(mongo) = shared().await else { return };
    let (mut first, second) = two(mongo, "lease_s = 300").await;
    let project = first.project("p").await;
    second.project("other").await;
    first.start_session(&project).await;
    let mut events = Events::of_all(&second, None).await;
    let now = events.named("state").await.data;
    assert_eq!(named(&now["projects"], "p")["session"]["node"], "first");
    let began = Instant::now();
    list(&second, "?sort=attention").await;
    let wait_max = WAIT_MAX + USUAL_TIMES * began.elapsed();
    // A node that hangs takes connections and never answers.
    signal(&first, Signal::STOP);
    let seen = loop {
        let began = Instant::now();
        let seen = list(&second, "?sort=attention").await;
        assert!(began.elapsed() < wait_max, "{:?}", began.elapsed());
        // A list of just before may still count.
        if named(&seen, "p")["session"]["status"] != "running" {
            break seen;
        }
    };
    assert_eq!(names(&seen), ["p", "other"]);
    let session = &named(&seen, "p")["session"];
    assert_eq!(session["status"], "unreachable", "{session}");
    assert_eq!(session["node"], "first");
    let why = &session["unreachable"];
    assert!(why["reason"].as_str().unwrap().contains(&first.base));
    why["since"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    // Later lists do not wait at all.
    let mut shortest = Duration::MAX;
    for _ in 0..5 {
        let began = Instant::now();
        list(&second, "").await;
        shortest = shortest.min(began.elapsed());
    }
    assert!(shortest < WAIT_MAX / 2, "{shortest:?}");
    signal(&first, Signal::CONT);
    server_until(&second, "p", "running").await;

    stop_all(&mut first).await;
    server_until(&second, "p", "unreachable").await;
    // Followers get the new situation.
    loop {
        let now = events.named("state").await.data;
        if named(&now["projects"], "p")["session"]["status"] == "unreachable" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_tells_all_events() {
    let Some(mongo) = shared().await else { return };
    let (mut first, second) = two(mongo, "").await;
    let here = second.project("here").await;
    let there = first.project("there").await;
    let mut events = Events::of_all(&second, None).await;
    events.named("state").await;
    first.start_session(&there).await;
    let told = events.named("session.started").await;
    assert_eq!(told.data["project_id"], there);
    let (began, last) = (told.data["project_seq"].clone(), told.id.unwrap());
    second.start_session(&here).await;
    first.idle(&there).await;
    second.idle(&here).await;
    let of = async |events: &mut Events, project: &str| loop {
        let told = events.next().await.unwrap();
        if told.data["project_id"] == *project && told.data["state"] == "idle" {
            return told;
        }
    };
    of(&mut events, &here).await;
    // A client that connects again gets exactly what followed.
    let mut again = Events::of_all(&second, Some(last)).await;
    let seen = of(&mut again, &there).await;
    assert!(
        again
            .seen
            .iter()
            .all(|told| told.name != "state" && told.name != "reset")
    );
    let numbers: Vec<_> = again.seen.iter().map(|told| told.id.unwrap()).collect();
    assert!(numbers.is_sorted() && numbers[0] == last + 1, "{numbers:?}");
    // It is the event of the project's own stream.
    let since = began.as_u64().unwrap();
    let mut own = Events::since(&first, &there, since).await;
    let own = own.named("agent.state").await;
    assert!(seen.data["project_seq"].as_u64() >= own.id);
    // A node that restarts is followed again, after a reset.
    first.crash().await;
    first.up().await;
    events.named("reset").await;
    events.named("state").await;
    // Until the node is followed again, an event may pass unseen: then a further reset says so.
    'tries: loop {
        let delivery = first.deliver(&there, "again").await;
        loop {
            let told = events.next().await.unwrap();
            if told.name == "reset" {
                continue 'tries;
            }
            if told.data["delivery_id"] == delivery["id"] && told.data["state"] == "submitted" {
                break 'tries;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_position_ends_with_a_takeover() {
    let Some(mongo) = shared().await else { return };
    let (mut first, second) = two(mongo, "lease_s = 8\ntakeover = 'auto'").await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    let mut events = Events::follow(&second, &project).await;
    let last = events.named("agent.state").await.id.unwrap();
    stop_all(&mut first).await;
    second
        .session_until(&project, "taken over", |session| {
            session["status"] == "running"
        })
        .await;
    // More events than the first node ever had.
    let mut events = Events::follow(&second, &project).await;
    for number in 0..4 {
        let delivery = second.deliver(&project, &format!("text {number}")).await;
        second
            .delivery_until(&project, &delivery, "submitted")
            .await;
        second.idle(&project).await;
    }
    let newest = events.state("idle").await.id.unwrap();
    assert!(newest > last);
    let mut again = Events::since(&second, &project, last).await;
    let told = again.next().await.unwrap();
    assert_eq!(told.name, "reset", "{told:?}");
    assert_eq!(again.next().await.unwrap().name, "state");
    // A position of the new node counts.
    let mut again = Events::since(&second, &project, newest).await;
    let delivery = second.deliver(&project, "one more").await;
    again
        .until("its own delivery", |told| {
            told.data["delivery_id"] == delivery["id"]
        })
        .await;
    assert_eq!(again.seen[0].id, Some(newest + 1));
}

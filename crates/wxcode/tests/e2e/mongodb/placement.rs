//! New sessions among the nodes of one database: by room, by load, by the reach of the workspace.

use std::collections::BTreeMap;

use super::{
    nodes::{node, stop_all, two},
    *,
};
use crate::support::Namespaces;

/// Three nodes with the same files and transcripts, which know one another.
async fn three(mongo: &MongoServer, lines: &str) -> [Server; 3] {
    let address = mongo.address(&database());
    let first = node("first", lines, None, &address).await;
    let second = node("second", lines, Some(&first), &address).await;
    let third = node("third", lines, Some(&first), &address).await;
    let nodes = [first, second, third];
    for node in &nodes {
        let known = node.get("/nodes").await.expect(200);
        assert_eq!(known["nodes"].as_array().unwrap().len(), 3, "{known}");
    }
    nodes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_starts_spread_over_three_nodes() {
    let Some(mongo) = shared().await else { return };
    let nodes = three(mongo, "").await;
    let mut projects = Vec::new();
    for number in 0..20 {
        projects.push(nodes[0].project(&format!("p{number}")).await);
    }
    // Each project is started at the same time by two nodes.
    let starts = projects.iter().enumerate().flat_map(|(number, project)| {
        let path = format!("/output-projects/{project}/session");
        let by = [&nodes[number % 3], &nodes[(number + 1) % 3]];
        by.map(move |server| {
            let path = path.clone();
            async move { server.post(&path, json!({})).await }
        })
    });
    let answers = futures_util::future::join_all(starts).await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for pair in answers.chunks(2) {
        let [one, other] = pair else { unreachable!() };
        let statuses = [one.status.as_u16(), other.status.as_u16()];
        assert!(
            statuses == [200, 201] || statuses == [201, 200],
            "{statuses:?} {} {}",
            one.body,
            other.body
        );
        assert_eq!(one.body["pid"], other.body["pid"]);
        let node = one.body["node"].as_str().unwrap().to_owned();
        *counts.entry(node).or_default() += 1;
    }
    println!("20 starts over three nodes: {counts:?}");
    assert_eq!(counts.len(), 3, "{counts:?}");
    // The nodes decide at the same moment, each from what it knows of the others.
    assert!(counts.values().all(|count| *count <= 15), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_start_after_another_spreads_evenly() {
    let Some(mongo) = shared().await else { return };
    let nodes = three(mongo, "").await;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..9 {
        let project = nodes[0].project(&format!("p{number}")).await;
        let started = nodes[0].start_session(&project).await;
        let node = started["node"].as_str().unwrap().to_owned();
        *counts.entry(node).or_default() += 1;
    }
    assert!(counts.len() == 3, "{counts:?}");
    assert!(counts.values().all(|count| *count == 3), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_beyond_capacity_says_its_place() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "capacity = 1").await;
    let mut projects = Vec::new();
    for number in 0..4 {
        projects.push(first.project(&format!("p{number}")).await);
    }
    let path = |number: usize| format!("/output-projects/{}/session", projects[number]);
    first.post(&path(0), json!({})).await.expect(201);
    first.post(&path(1), json!({})).await.expect(201);
    let refused = second.post(&path(2), json!({})).await;
    assert_eq!(refused.body["code"], "node_full", "{}", refused.body);
    let third = second.deliver(&projects[2], "third").await;
    let fourth = first.deliver(&projects[3], "fourth").await;
    let place = async |number: usize, delivery: &Value, place: &str| {
        let id = delivery["id"].as_str().unwrap();
        let path = format!("/output-projects/{}/deliveries/{id}", projects[number]);
        second
            .until(&path, place, |seen| {
                let error = seen["error"].as_str().unwrap_or_default();
                seen["state"] == "queued" && error.contains(place)
            })
            .await;
    };
    place(2, &third, "place 1 in the queue").await;
    place(3, &fourth, "place 2 in the queue").await;
    // Room on any node is taken in order.
    second.delete(&path(0)).await.expect(204);
    second
        .delivery_until(&projects[2], &third, "submitted")
        .await;
    place(3, &fourth, "place 1 in the queue").await;
    second.delete(&path(1)).await.expect(204);
    second
        .delivery_until(&projects[3], &fourth, "submitted")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_starts_where_its_workspace_is() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let mut first = node("first", "lease_s = 2", None, &address).await;
    let shelf = tempfile::tempdir().unwrap();
    let workspace = shelf.path().join("w");
    std::fs::create_dir(&workspace).unwrap();
    let mut agent = Agent::fake("");
    agent.config = format!("{}[node]\nname = 'second'\n", agent.config);
    agent.env.push(("WXCODE_STORE".into(), address.into()));
    let hidden = format!("mount -t tmpfs none {}", shelf.path().display());
    let Some(second) = Namespaces::start(agent, &hidden).await else {
        return;
    };
    let second = &second.server;
    let busy = first.project("busy").await;
    first.start_session(&busy).await;
    let new = json!({ "name": "p", "workspace_path": workspace });
    let made = first.post("/output-projects", new).await.expect(201);
    let project = made["id"].as_str().unwrap();
    // The second node has fewer sessions, and does not reach the workspace.
    for server in [second, &first] {
        let started = server.start_session(project).await;
        assert_eq!(started["node"], "first");
        server
            .delete(&format!("/output-projects/{project}/session"))
            .await
            .expect(204);
    }
    first.start_session(project).await;
    stop_all(&mut first).await;
    let path = format!("/output-projects/{project}/session");
    let seen = second
        .until(&path, "out of reach", |seen| {
            let reason = seen["unreachable"]["reason"].as_str().unwrap_or_default();
            reason.contains("does not reach the workspace")
        })
        .await;
    assert_eq!(
        (&seen["status"], &seen["node"]),
        (&json!("unreachable"), &json!("first"))
    );
    let listed = second.get("/output-projects?q=p").await.expect(200);
    let listed = listed["projects"].as_array().unwrap().iter();
    let mut listed = listed.filter(|listed| listed["id"] == project);
    assert_eq!(
        listed.next().unwrap()["session"]["unreachable"],
        seen["unreachable"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_takes_milestones() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "").await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    let mut events = Events::follow(&first, &project).await;
    let new = json!({ "output_project_id": project, "element_name": "one", "element_id": "e" });
    let made = second.post("/milestones", new.clone()).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let told = events.named("milestone.status").await;
    assert_eq!(told.data["milestone_id"], *id);
    second.post("/milestones", new).await.problem(409);
    second
        .post("/milestones", json!({ "element_name": "lost" }))
        .await
        .problem(422);
    let path = format!("/milestones/{id}");
    for server in [&first, &second] {
        assert_eq!(server.get(&path).await.expect(200)["status"], "pending");
        let listed = server
            .get(&format!("/milestones?output_project_id={project}"))
            .await;
        assert_eq!(listed.expect(200)["total"], 1);
    }
    let prepared = second.post(&format!("{path}/prepare"), json!({})).await;
    prepared.expect(200);
    let mut patch = async |status: &str| {
        let request = second.request(Method::PATCH, &format!("/api/v1{path}"));
        let request = request
            .bearer_auth(&second.token)
            .json(&json!({ "status": status }));
        second.answer(request).await.expect(200);
        let told = events.named("milestone.status").await;
        assert_eq!(told.data["status"], status);
    };
    patch("failed").await;
    patch("pending").await;
    let delivery = second
        .post(&format!("{path}/start"), json!({}))
        .await
        .expect(202);
    second
        .delivery_until(&project, &delivery, "submitted")
        .await;
    assert_eq!(first.get(&path).await.expect(200)["status"], "in_progress");
    let of_changes = format!("{path}/changes");
    let (one, other) = (first.get(&of_changes).await, second.get(&of_changes).await);
    assert_eq!((one.status, one.body), (other.status, other.body));
    let mut socket = second.socket(&format!("{path}/terminal")).await;
    assert_eq!(socket.message("status").await["resumed"], true);
    let pending = json!({ "output_project_id": project, "element_name": "two" });
    let pending = second.post("/milestones", pending).await.expect(201);
    let other = format!("/milestones/{}", pending["id"].as_str().unwrap());
    second.delete(&other).await.expect(204);
    first.get(&other).await.problem(404);
}

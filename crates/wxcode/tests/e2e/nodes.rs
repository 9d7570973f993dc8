//! The nodes of a store, and the drain of one.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Agent, Server};

async fn drain(server: &Server, method: Method) -> Value {
    let request = server.request(method, "/api/v1/nodes/self/drain");
    let answer = server.answer(request.bearer_auth(&server.token)).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn a_node_lists_itself() {
    let mut server = Server::start(Agent::fake("")).await;
    let project = server.project("p").await;
    let listed = server.get("/nodes").await.expect(200);
    let nodes = listed["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 1, "{listed}");
    let node = nodes[0].clone();
    assert_eq!(node["address"], server.base);
    assert_eq!(node["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&node["sessions"], &node["capacity"], &node["draining"]),
        (&json!(0), &Value::Null, &json!(false))
    );
    assert!(!node["name"].as_str().unwrap().is_empty());
    node["seen_at"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    server.start_session(&project).await;
    let listed = server.get("/nodes").await.expect(200);
    assert_eq!(listed["nodes"][0]["sessions"], 1);
    server.terminate().await;
    server.up().await;
    let listed = server.get("/nodes").await.expect(200);
    assert_eq!(listed["nodes"][0]["id"], node["id"]);
    assert_eq!(listed["nodes"][0]["sessions"], 1);
}

#[tokio::test]
async fn a_draining_node_starts_nothing() {
    let server = Server::start(Agent::fake("")).await;
    let (runs, idle) = (server.project("runs").await, server.project("idle").await);
    let before = server.start_session(&runs).await;
    // A turn keeps it: on a shared store, an idle session would be handed over.
    let fifo = server.data_dir().join("held");
    crate::support::make_fifo(&fifo);
    let held = server
        .deliver(&runs, &format!("fake:hold {}", fifo.display()))
        .await;
    server.delivery_until(&runs, &held, "submitted").await;
    assert_eq!(drain(&server, Method::POST).await["draining"], true);
    let refused = server
        .post(&format!("/output-projects/{idle}/session"), json!({}))
        .await;
    assert_eq!(refused.body["code"], "node_draining");
    assert!(refused.problem(503).contains("drain"));
    let queued = server.deliver(&runs, "waits").await;
    server.delivery_until(&runs, &queued, "queued").await;
    assert_eq!(server.session(&runs).await["pid"], before["pid"]);
    let mut socket = server
        .socket(&format!("/output-projects/{idle}/terminal"))
        .await;
    assert_eq!(socket.close_code().await, 1001);
    let other = format!("/nodes/{}/drain", uuid::Uuid::new_v4());
    server.post(&other, json!({})).await.problem(404);

    let ended = server.command(&["drain", "--off"]).output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    server.start_session(&idle).await;
    let began = server.command(&["drain", "--json"]).output().await.unwrap();
    let node: Value = serde_json::from_slice(&began.stdout).unwrap();
    assert_eq!(
        (&node["draining"], &node["sessions"]),
        (&json!(true), &json!(2))
    );
}

#[tokio::test]
async fn a_full_node_starts_no_further_session() {
    let mut agent = Agent::fake("");
    agent.config = format!("{}[node]\ncapacity = 1\n", agent.config);
    let server = Server::start(agent).await;
    let (first, second) = (server.project("a").await, server.project("b").await);
    server.start_session(&first).await;
    let path = format!("/output-projects/{second}/session");
    let refused = server.post(&path, json!({})).await;
    assert_eq!(refused.body["code"], "node_full");
    refused.problem(503);
    let nodes = server.get("/nodes").await.expect(200);
    assert_eq!(nodes["nodes"][0]["capacity"], 1);
    server
        .delete(&format!("/output-projects/{first}/session"))
        .await
        .expect(204);
    server.post(&path, json!({})).await.expect(201);
}

#[tokio::test]
async fn a_server_ends_after_its_turns() {
    let mut agent = Agent::fake("");
    agent.config = format!("{}[node]\ndrain_s = 60\n", agent.config);
    let mut server = Server::start(agent).await;
    let project = server.project("p").await;
    server.start_session(&project).await;
    let fifo = server.data_dir().join("held");
    crate::support::make_fifo(&fifo);
    let held = server
        .deliver(&project, &format!("fake:hold {}", fifo.display()))
        .await;
    server.delivery_until(&project, &held, "submitted").await;
    let pid = server.pid();
    let ended = async {
        // Opening the FIFO ends the turn.
        crate::support::eventually("it drains", || server_log(&fifo).contains("drains")).await;
        assert!(crate::support::is_alive(pid));
        let fifo = fifo.clone();
        tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(fifo))
            .await
            .unwrap()
            .unwrap();
    };
    let (code, ()) = tokio::join!(server.terminate(), ended);
    assert_eq!(code, Some(0));
}

/// The log of the server whose data folder holds this file.
fn server_log(beside: &std::path::Path) -> String {
    std::fs::read_to_string(beside.with_file_name("server.log")).unwrap_or_default()
}

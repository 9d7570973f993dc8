//! Several nodes on one database: any node serves any project.

use wxcode_protocol::websocket::ServerFrame;

use super::*;
use crate::support::{Wire, eventually, is_alive, kill};

/// A server whose agents work in this home, with this table `[node]`.
pub(super) async fn node(name: &str, lines: &str, home: Option<&Server>, address: &str) -> Server {
    let mut agent = Agent::fake("");
    agent.config = format!("{}[node]\nname = '{name}'\n{lines}\n", agent.config);
    if let Some(home) = home {
        agent.env.extend(home.agent.home.env());
    }
    Server::start_on(agent, Some(address.to_owned())).await
}

/// Two nodes with the same files and transcripts.
pub(super) async fn two(mongo: &MongoServer, lines: &str) -> (Server, Server) {
    let address = mongo.address(&database());
    let first = node("first", lines, None, &address).await;
    let second = node("second", lines, Some(&first), &address).await;
    (first, second)
}

pub(super) async fn stop_all(server: &mut Server) {
    server.crash().await;
    for dir in server.session_dirs() {
        let (holder, agent) = Server::pids(&dir).unwrap();
        kill(holder);
        eventually("the agent is gone too", || !is_alive(agent)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_lists_all_nodes() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "capacity = 7").await;
    for server in [&first, &second] {
        let listed = server.get("/nodes").await.expect(200);
        let nodes = listed["nodes"].as_array().unwrap();
        let of = |key: &str| {
            nodes
                .iter()
                .map(|node| node[key].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(of("name"), [json!("first"), json!("second")]);
        assert_eq!(of("address"), [json!(first.base), json!(second.base)]);
        assert_eq!(of("capacity"), [json!(7), json!(7)]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_serves_any_project() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "").await;
    let project = first.project("p").await;
    let path = format!("/output-projects/{project}");
    let mut events = Events::follow(&second, &project).await;
    // The second node starts it on its home, the first.
    let started = second.start_session(&project).await;
    assert_eq!(started["node"], "first");
    assert_eq!(first.session(&project).await["pid"], started["pid"]);
    events.named("session.started").await;

    let delivery = second.deliver(&project, "by the second").await;
    second
        .delivery_until(&project, &delivery, "submitted")
        .await;
    events.named("delivery.state").await;
    second
        .until(&format!("{path}/screen"), "the screen", |screen| {
            screen.as_str().unwrap().contains("last: by the second")
        })
        .await;

    // Both protocols.
    let mut socket = second.socket(&format!("{path}/terminal")).await;
    assert_eq!(socket.message("status").await["resumed"], true);
    second.idle(&project).await;
    socket.input("typed there").await;
    socket.until("❯ typed there").await;
    socket.input("\r").await;
    socket.until("last: typed there").await;
    let query = format!("client={}", uuid::Uuid::new_v4().simple());
    let mut wire = Wire::attach(&second, &project, &query).await;
    wire.until_shown("last: typed there").await;
    second.idle(&project).await;
    let number = wire.input("and binary").await;
    wire.until_shown("and binary").await;
    wire.until("it is answered", |wire| {
        let taken = wxcode_protocol::Output::InputTaken { seq: number };
        wire.frames.contains(&ServerFrame::Output(taken))
    })
    .await;
    wire.input("\r").await;
    wire.until_shown("last: and binary").await;

    // A large body and a question.
    let bytes = vec![7; 3 << 20];
    let request = second
        .request(Method::POST, &format!("/api/v1{path}/uploads?name=a.bin"))
        .bearer_auth(&second.token)
        .body(bytes.clone());
    let kept = second.answer(request).await.expect(201);
    assert_eq!(
        std::fs::read(kept["path"].as_str().unwrap()).unwrap(),
        bytes
    );
    second.idle(&project).await;
    let asks = second.deliver(&project, "fake:permission").await;
    second.delivery_until(&project, &asks, "submitted").await;
    let ask = second.options(&project).await;
    let body = json!({ "id": ask["id"], "option": "Yes" });
    second
        .post(&format!("{path}/answer"), body)
        .await
        .expect(200);
    events.named("tool.finished").await;

    // Its end closes the sockets of both nodes in the same way.
    second.delete(&format!("{path}/session")).await.expect(204);
    assert_eq!(socket.message("closed").await["type"], "closed");
    assert_eq!(socket.close_code().await, 1000);
    assert_eq!(wire.until_closed().await, 1000);
    let mut missing = second
        .socket("/output-projects/000000000000000000000000/terminal")
        .await;
    assert_eq!(missing.close_code().await, 4004);
    assert_eq!(second.session(&project).await["exit"]["reason"], "stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_caller_keeps_its_role() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(mongo, "").await;
    let project = first.project("p").await;
    let path = format!("/api/v1/output-projects/{project}");
    first.start_session(&project).await;
    let new = json!({ "name": "looks", "role": "viewer" });
    let viewer = first.post("/tokens", new).await.expect(201);
    let token = viewer["token"].as_str().unwrap();
    let ask = async |method: Method, rest: &str, header: Option<&str>| {
        let request = second.request(method, &format!("{path}{rest}"));
        let request = match header {
            Some(header) => request.header("x-wxcode-forwarded", header),
            None => request.bearer_auth(token),
        };
        second.answer(request).await
    };
    ask(Method::GET, "/session", None).await.expect(200);
    let refused = ask(Method::DELETE, "/session", None).await;
    assert_eq!(refused.body["code"], "forbidden");
    refused.problem(403);
    for forged in ["", "7b7d.00", "nonsense"] {
        ask(Method::GET, "/session", Some(forged))
            .await
            .problem(401);
    }
    // A revoked right ends what is open through the other node.
    let mut socket = crate::support::Socket::open(
        &second,
        &format!("/output-projects/{project}/terminal"),
        &[("authorization", &format!("Bearer {token}"))],
    )
    .await
    .unwrap();
    socket.message("status").await;
    let id = viewer["id"].as_str().unwrap();
    second.delete(&format!("/tokens/{id}")).await.expect(204);
    assert_eq!(socket.close_code().await, 4401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_nodes_project_is_unreachable() {
    let Some(mongo) = shared().await else { return };
    let (mut first, second) = two(mongo, "lease_s = 300").await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    assert_eq!(second.session(&project).await["node"], "first");
    stop_all(&mut first).await;
    let seen = second
        .session_until(&project, "unreachable", |session| {
            session["status"] == "unreachable"
        })
        .await;
    assert_eq!(
        (&seen["node"], &seen["pid"]),
        (&json!("first"), &Value::Null)
    );
    let why = &seen["unreachable"];
    assert_eq!(why["node"], "first");
    assert!(
        why["reason"].as_str().unwrap().contains(&first.base),
        "{why}"
    );
    why["since"]
        .as_str()
        .unwrap()
        .parse::<jiff::Timestamp>()
        .unwrap();
    let detail = second
        .post(&format!("/output-projects/{project}/session"), json!({}))
        .await
        .problem(409);
    assert!(detail.contains("first"), "{detail}");
    // The records are readable all the same.
    let deliveries = format!("/output-projects/{project}/deliveries");
    assert_eq!(second.get(&deliveries).await.expect(200)["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_nodes_session_resumes_by_itself() {
    let Some(mongo) = shared().await else { return };
    // Longer than a busy machine delays a renewal.
    let (mut first, second) = two(mongo, "lease_s = 8\ntakeover = 'auto'").await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    let hello = first.deliver(&project, "hello").await;
    first.delivery_until(&project, &hello, "submitted").await;
    let before = first.idle(&project).await;
    let began = std::time::Instant::now();
    stop_all(&mut first).await;
    let after = second
        .session_until(&project, "taken over", |session| {
            session["status"] == "running"
        })
        .await;
    println!(
        "taken over after {:?}, with a lease of 8 s",
        began.elapsed()
    );
    assert_eq!(after["node"], "second");
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let again = second.deliver(&project, "again").await;
    second.delivery_until(&project, &again, "submitted").await;
    second
        .until(
            &format!("/output-projects/{project}/screen"),
            "both",
            |screen| {
                screen
                    .as_str()
                    .unwrap()
                    .contains("2 user messages; last: again")
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draining_node_hands_over() {
    let Some(mongo) = shared().await else { return };
    let (mut first, second) = two(mongo, "drain_s = 60").await;
    let project = first.project("p").await;
    let terminal = format!("/output-projects/{project}/terminal");
    let mut socket = first.socket(&terminal).await;
    let before = first.idle(&project).await;
    let hello = first.deliver(&project, "hello").await;
    first.delivery_until(&project, &hello, "submitted").await;
    first.post("/nodes/self/drain", json!({})).await.expect(202);
    assert_eq!(socket.close_code().await, 1001);
    // The client connects again to the same node, and reaches the other one.
    let mut again = loop {
        let mut again = first.socket(&terminal).await;
        match again.next().await {
            true => break again,
            // The session is just ending.
            false => assert_eq!(again.close_code().await, 1001),
        }
    };
    assert_eq!(again.message("status").await["resumed"], true);
    let after = first.idle(&project).await;
    assert_eq!(after["node"], "second");
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    assert_eq!(second.session(&project).await["pid"], after["pid"]);
    again.input("there").await;
    again.until("❯ there").await;
    again.input("\r").await;
    again.until("2 user messages; last: there").await;
    let nodes = second.get("/nodes").await.expect(200);
    let draining = |at: usize| nodes["nodes"][at]["draining"].clone();
    assert_eq!((draining(0), draining(1)), (json!(true), json!(false)));
    assert_eq!(first.terminate().await, Some(0));
    assert_eq!(second.session(&project).await["pid"], after["pid"]);
}

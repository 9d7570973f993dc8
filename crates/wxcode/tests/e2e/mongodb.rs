//! The shared store from outside: outages, migration in both directions, and a secret password.

mod answer;
mod conversation;
mod encrypted;
mod fencing;
mod hop;
mod late;
mod lease;
mod nodes;
mod other_writer;
mod outage;
mod placement;
mod restored;
mod search;
mod slow;
mod told;
mod view;

use std::{process::Output, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use wxcode_testbed::{
    mongodb::{self as servers, MongoServer},
    proxy::{Fault, Proxy, Weather},
    skip,
};

use crate::support::{Agent, Answer, Events, Server};

/// How long a command may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(240);

/// A MongoDB, or `None` with the reason printed.
async fn shared() -> Option<&'static MongoServer> {
    let shared = tokio::task::spawn_blocking(servers::shared).await.unwrap();
    shared.inspect_err(|reason| skip(reason)).ok()
}

fn database() -> String {
    format!("wxcode_test_{}", uuid::Uuid::new_v4().simple())
}

async fn output(server: &Server, arguments: &[&str]) -> Output {
    timeout(PATIENCE, server.command(arguments).output())
        .await
        .expect("it ends in time")
        .unwrap()
}

async fn ready(server: &Server) -> Answer {
    let request = server
        .request(Method::GET, "/readyz")
        .bearer_auth(&server.token);
    server.answer(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_outage_loses_nothing() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given cannot be cut off");
    };
    let proxy = Proxy::before(port).await.unwrap();
    let address = mongo.address_by(proxy.port, &database());
    let server = Server::start_on(Agent::fake(""), Some(address)).await;
    let project = server.project("p").await;
    let mut socket = server
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    server.idle(&project).await;
    let before = server.session(&project).await;
    ready(&server).await.expect(200);

    proxy.be(Weather::Cut);
    let detail = ready(&server).await.problem(503);
    assert!(
        detail.contains("store") && detail.contains("127.0.0.1"),
        "{detail}"
    );
    // Clients still reach the agent, and the agent's hooks wait.
    socket.input("while it is away").await;
    socket.until("❯ while it is away").await;
    socket.input("\r").await;
    socket.until("last: while it is away").await;
    socket.submit("/clear").await;
    // Longer than the retry time of an operation: requests now fail with a message.
    let path = format!("/output-projects/{project}/deliveries");
    let lost = server
        .post(&path, json!({ "text": "lost", "idempotency_key": "k" }))
        .await;
    assert!(lost.problem(503).contains("try again"));

    proxy.be(Weather::Fair(Duration::ZERO));
    let after = server
        .session_until(&project, "the new conversation is known", |session| {
            session["claude_session_id"] != before["claude_session_id"]
        })
        .await;
    assert_eq!(
        (&after["pid"], &after["session_id"]),
        (&before["pid"], &before["session_id"])
    );
    let history = after["claude_session_history"].as_array().unwrap();
    assert_eq!(history.len(), 2, "{after}");
    assert_eq!(history[0]["id"], before["claude_session_id"]);
    ready(&server).await.expect(200);
    let body = json!({ "text": "after it", "idempotency_key": "k" });
    let delivery = server.post(&path, body).await.expect(202);
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    socket.until("last: after it").await;
}

/// All records in the API's form, without the fields of a running session.
async fn told(server: &Server) -> Value {
    let projects = server.get("/output-projects").await.expect(200);
    let mut told = Vec::new();
    for project in projects["projects"].as_array().unwrap() {
        let id = project["id"].as_str().unwrap();
        // The list also has the agent's present activity.
        let project = server.get(&format!("/output-projects/{id}")).await;
        let milestones = server
            .get(&format!("/milestones?output_project_id={id}"))
            .await;
        let deliveries = server
            .get(&format!("/output-projects/{id}/deliveries"))
            .await;
        let session = server.session(id).await;
        told.push(json!({
            "project": project.expect(200),
            "milestones": milestones.expect(200),
            "deliveries": deliveries.expect(200),
            "history": session["claude_session_history"],
        }));
    }
    json!(told)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_migrate_while_agents_run() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let commands = "[commands]\nnew_project = 'begin {context_path}'\n";
    let mut server = Server::start_on(Agent::fake("").with_config(commands), None).await;
    let project = server.project("p").await;
    server.project("another").await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let started = server
        .post(&format!("/milestones/{milestone}/start"), json!({}))
        .await
        .expect(202);
    server.delivery_until(&project, &started, "submitted").await;
    let before = told(&server).await;
    let pid = server.session(&project).await["pid"].clone();

    let running = output(
        &server,
        &["store", "migrate", "--from", "sqlite", "--to", &address],
    )
    .await;
    assert_eq!(
        running.status.code(),
        Some(1),
        "not while a server may change it: {running:?}"
    );
    server.terminate().await;
    let copied = output(
        &server,
        &["store", "migrate", "--from", "sqlite", "--to", &address],
    )
    .await;
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    let said = String::from_utf8_lossy(&copied.stdout);
    assert!(
        said.contains("2 of 2 projects, 1 milestones, 1 deliveries"),
        "{said}"
    );

    server.keep_in(Some(address.clone()));
    server.up().await;
    assert_eq!(told(&server).await, before);
    assert_eq!(server.session(&project).await["pid"], pid);
    let delivery = server.deliver(&project, "on the other store").await;
    server
        .delivery_until(&project, &delivery, "submitted")
        .await;
    let after = told(&server).await;
    server.terminate().await;

    let back = format!("sqlite:{}", server.data_dir().join("back.db").display());
    let copied = output(
        &server,
        &["store", "migrate", "--from", &address, "--to", &back],
    )
    .await;
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    server.keep_in(Some(back));
    server.up().await;
    assert_eq!(told(&server).await, after);

    let same = output(
        &server,
        &["store", "migrate", "--from", "sqlite", "--to", "sqlite"],
    )
    .await;
    assert_eq!(same.status.code(), Some(2), "{same:?}");
}

/// Database requests of a session: only lease renewals while idle, and few per command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_session_costs_only_lease_renewals() {
    /// A lease renewed every second, and the default lease.
    const LEASE_S: u64 = 5;
    const DEFAULT_LEASE_S: u64 = 300;
    const RENEWALS: u64 = 5;
    const OBSERVATIONS: usize = 4;
    /// Most database requests of a delivery, from queueing to confirmation.
    const DELIVERY_MAX: u64 = 60;
    const DELIVERIES: u64 = 5;
    /// Requests of the node's own heartbeat in the time of observation.
    const HEARTBEATS: u64 = 4;
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given is not counted");
    };
    let proxy = Proxy::before(port).await.unwrap();
    let address = mongo.address_by(proxy.port, &database());
    let mut agent = Agent::fake("");
    agent.config = format!("{}[node]\nlease_s = {LEASE_S}\n", agent.config);
    let server = Server::start_on(agent, Some(address)).await;
    let project = server.project("p").await;
    let mut events = Events::follow(&server, &project).await;
    let first = server.deliver(&project, "first").await;
    server.delivery_until(&project, &first, "submitted").await;
    let mut submitted = async || {
        loop {
            let told = events.named("delivery.state").await.data;
            if told["state"] == "submitted" {
                return;
            }
        }
    };
    submitted().await;

    let before = proxy.requests();
    for number in 0..DELIVERIES {
        server.deliver(&project, &format!("text {number}")).await;
        submitted().await;
    }
    let cost = (proxy.requests() - before) / DELIVERIES;
    eprintln!("a delivery costs the database {cost} requests");
    assert!(
        (1..=DELIVERY_MAX).contains(&cost),
        "{cost} requests a delivery"
    );

    // The absence of other requests needs a fixed time of observation. The first times may have the
    // last writes of the last delivery.
    let (mut began, mut asked, mut most) = (Instant::now(), 0, 0);
    for _ in 0..OBSERVATIONS {
        let before = proxy.requests();
        began = Instant::now();
        sleep(Duration::from_secs(RENEWALS * LEASE_S / 5)).await;
        asked = proxy.requests() - before;
        most = 2 * (began.elapsed().as_secs() * 5 / LEASE_S + 1) + HEARTBEATS;
        if asked <= most {
            break;
        }
    }
    assert!((1..=most).contains(&asked), "{asked} requests, not {most}");
    // The count, converted to the default lease.
    let an_hour = asked * 60 * 60 * LEASE_S / DEFAULT_LEASE_S / began.elapsed().as_secs().max(1);
    eprintln!("an idle session costs the database about {an_hour} requests an hour");
}

#[tokio::test]
async fn the_database_password_is_never_printed() {
    let mut server = Server::start_on(Agent::fake(""), None).await;
    server.terminate().await;
    // Nothing listens there.
    let address = "mongodb://someone:hunter2@127.0.0.1:1/db?serverSelectionTimeoutMS=200";
    server.keep_in(Some(address.to_owned()));
    let wrong = "mongodb://someone:hunter2@";
    for (arguments, word) in [
        (&["serve", "--log", "trace"][..], "127.0.0.1:1"),
        (&["doctor"], "127.0.0.1:1"),
        (
            &["store", "migrate", "--from", "sqlite", "--to", address],
            "127.0.0.1:1",
        ),
        (&["serve", "--store", wrong], "mongodb://"),
        (&["serve", "--help"], "WXCODE_STORE"),
    ] {
        let ended = output(&server, arguments).await;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr)
        );
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
    }
}

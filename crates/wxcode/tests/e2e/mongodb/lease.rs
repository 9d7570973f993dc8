//! Two servers on one database: a project's agent runs on one of them, through any failure of the
//! other.

use tokio::time::Instant;
use wxcode_core::{id::Id, lease::Lease};
use wxcode_store::{DeliveryStore as _, LeaseStore as _};
use wxcode_store_mongodb::MongoStore;

use super::*;
use crate::support::{LOOK, eventually, is_alive, kill, make_fifo};

/// An agent whose server has this name and this lease.
pub(super) fn agent(name: &str, lease_s: u64) -> Agent {
    let mut agent = Agent::fake("");
    agent.config = format!(
        "{}[node]\nname = '{name}'\nlease_s = {lease_s}\n",
        agent.config
    );
    agent
}

/// Two servers, `first` and `second`; for their agents, each is on its own machine.
async fn two(address: &str, lease_s: u64) -> (Server, Server) {
    let first = Server::start_on(agent("first", lease_s), Some(address.to_owned())).await;
    let second = Server::start_on(agent("second", lease_s), Some(address.to_owned())).await;
    (first, second)
}

/// The server `first`, with a proxy between it and the database.
async fn behind_proxy(
    mongo: &MongoServer,
    port: u16,
    database: &str,
    lease_s: u64,
) -> (Proxy, Server) {
    let proxy = Proxy::before(port).await.unwrap();
    let by_proxy = mongo.address_by(proxy.port, database);
    let first = Server::start_on(agent("first", lease_s), Some(by_proxy)).await;
    (proxy, first)
}

/// Requests the session until it starts; meanwhile the refusals name the lease's owner.
pub(super) async fn take_over(server: &Server, project: &str, other: &str) -> Value {
    let path = format!("/output-projects/{project}/session");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.post(&path, json!({})).await;
        let detail = match answer.status.as_u16() {
            201 => return answer.body,
            // The owner still answers, or answers that its database is away.
            200 | 503 => answer.body.to_string(),
            _ => {
                let detail = answer.problem(409);
                assert!(detail.contains(other), "{detail}");
                detail
            }
        };
        assert!(Instant::now() < deadline, "not in time: {detail}");
        tokio::time::sleep(LOOK).await;
    }
}

async fn recorded(address: &str, project: &str) -> Lease {
    let store = MongoStore::open(&address.parse().unwrap()).await.unwrap();
    let project: Id = project.parse().unwrap();
    store.lease(project).await.unwrap().expect("there is one")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_never_run_a_project_at_once() {
    let Some(mongo) = shared().await else { return };
    let (first, second) = two(&mongo.address(&database()), 300).await;
    for number in 0..6 {
        let project = first.project(&number.to_string()).await;
        let path = format!("/output-projects/{project}");
        let session = format!("{path}/session");
        let (one, other) = tokio::join!(
            first.post(&session, json!({})),
            second.post(&session, json!({}))
        );
        // Whoever asks first, it starts on one of the two.
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
        assert_eq!(one.body["session_id"], other.body["session_id"]);
        let seen = first.idle(&project).await;
        let found = second.session(&project).await;
        assert_eq!(
            (&found["node"], &found["pid"]),
            (&seen["node"], &seen["pid"])
        );

        // After its end, the project is free for both.
        second.delete(&session).await.expect(204);
        let again = second.post(&session, json!({})).await.expect(201);
        assert_ne!(again["session_id"], found["session_id"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_machine_is_taken_over() {
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let mut first = Server::start_on(agent("first", 2), Some(address.clone())).await;
    let mut second = agent("second", 300);
    // Workspaces and transcripts are shared.
    second.env.extend(first.agent.home.env());
    let second = Server::start_on(second, Some(address)).await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    let hello = first.deliver(&project, "hello").await;
    first.delivery_until(&project, &hello, "submitted").await;
    let before = first.idle(&project).await;
    first.crash().await;
    let dir = first.session_dirs().remove(0);
    let (holder, agent) = Server::pids(&dir).unwrap();
    kill(holder);
    eventually("the agent is gone too", || !is_alive(agent)).await;

    let after = take_over(&second, &project, "first").await;
    assert_eq!(after["claude_session_id"], before["claude_session_id"]);
    let fifo = second.data_dir().join("held");
    make_fifo(&fifo);
    let again = second
        .deliver(&project, &format!("fake:hold {}", fifo.display()))
        .await;
    second.delivery_until(&project, &again, "submitted").await;
    let waits = second.deliver(&project, "waits").await;

    // The first server is back and finds another owner.
    first.up().await;
    let found = first
        .post(&format!("/output-projects/{project}/session"), json!({}))
        .await
        .expect(200);
    assert_eq!(found["node"], "second");
    second.delivery_until(&project, &waits, "queued").await;
    // Opening the FIFO is the signal; the agent may close it before any write.
    tokio::task::spawn_blocking(move || std::fs::File::options().write(true).open(fifo))
        .await
        .unwrap()
        .unwrap();
    second.delivery_until(&project, &waits, "submitted").await;
    second
        .until(
            &format!("/output-projects/{project}/screen"),
            "the same conversation",
            |screen| {
                let screen = screen.as_str().unwrap();
                screen.contains("3 user messages; last: waits")
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cut_off_gives_way() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given cannot be cut off");
    };
    let database = database();
    let (proxy, first) = behind_proxy(mongo, port, &database, 2).await;
    let address = mongo.address(&database);
    let second = Server::start_on(agent("second", 300), Some(address.clone())).await;
    let project = first.project("p").await;
    let mut socket = first
        .socket(&format!("/output-projects/{project}/terminal"))
        .await;
    let mine = first.idle(&project).await;
    proxy.be(Weather::Cut);
    // Its agent goes on, and its reports wait.
    socket.input("/clear").await;
    socket.until("❯ /clear").await;
    socket.input("\r").await;
    let theirs = take_over(&second, &project, "first").await;
    let agent = i32::try_from(mine["pid"].as_i64().unwrap()).unwrap();
    assert!(is_alive(agent));
    let waits = second.deliver(&project, "for the second").await;

    proxy.be(Weather::Fair(Duration::ZERO));
    eventually("the agent of the first gives way", || !is_alive(agent)).await;
    let exit = first.session_dirs()[0].join("exit.json");
    eventually("its end is written", || {
        std::fs::read_to_string(&exit).is_ok_and(|text| text.contains("\"stopped\""))
    })
    .await;
    assert!(
        first.log().contains("another server took over the project"),
        "{}",
        first.log()
    );
    second.delivery_until(&project, &waits, "submitted").await;
    let now = second.session(&project).await;
    for key in ["pid", "claude_session_id"] {
        assert_eq!(now[key], theirs[key], "{key}");
    }
    let node = recorded(&address, &project).await.node;
    assert_eq!(node.unwrap().name, "second");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_holder_gives_way_later() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given cannot be cut off");
    };
    let database = database();
    let (proxy, first) = behind_proxy(mongo, port, &database, 2).await;
    let second = Server::start_on(agent("second", 300), Some(mongo.address(&database))).await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    first.idle(&project).await;
    let (holder, agent) = Server::pids(&first.session_dirs()[0]).unwrap();
    let signal = |signal| {
        let pid = rustix::process::Pid::from_raw(holder).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    };
    proxy.be(Weather::Cut);
    take_over(&second, &project, "first").await;
    // Its first try to end the agent fails.
    signal(rustix::process::Signal::STOP);
    proxy.be(Weather::Fair(Duration::ZERO));
    eventually("the first try fails", || {
        first.log().contains("has not ended; trying again")
    })
    .await;
    assert!(is_alive(agent));
    signal(rustix::process::Signal::CONT);
    eventually("the agent gives way", || !is_alive(agent)).await;
}

/// Bytes that only the request of a queueing contains.
const QUEUE: &[u8] = b"wxcode.work.queued\0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_starting_server_leaves_a_fresh_delivery() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given has no proxy before it");
    };
    let database = database();
    let (proxy, first) = behind_proxy(mongo, port, &database, 300).await;
    let project = first.project("p").await;
    let path = format!("/output-projects/{project}/deliveries");
    // The delivery is queued, and its server hears nothing more for a while.
    proxy.strike(QUEUE, Fault::SilenceAfter);
    let asked = first.post(&path, json!({ "text": "a fresh one" }));
    let started = async {
        eventually("it is queued", || !proxy.is_to_strike()).await;
        let address = mongo.address(&database).parse().unwrap();
        let store = MongoStore::open(&address).await.unwrap();
        let id: Id = project.parse().unwrap();
        let deadline = Instant::now() + PATIENCE;
        let queued = loop {
            if let [queued, ..] = &store.open_deliveries(id).await.unwrap()[..] {
                break queued.id;
            }
            assert!(Instant::now() < deadline, "it is not queued");
            tokio::time::sleep(LOOK).await;
        };
        let second = Server::start_on(agent("second", 300), Some(mongo.address(&database))).await;
        let found = store.delivery(queued).await.unwrap().unwrap();
        assert!(!found.state.is_over(), "{found:?}");
        proxy.be(Weather::Fair(Duration::ZERO));
        (second, json!({ "id": queued }))
    };
    let (_, (_second, delivery)) = tokio::join!(asked, started);
    first.delivery_until(&project, &delivery, "submitted").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_lease_is_acquired_again() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given cannot be cut off");
    };
    let database = database();
    let proxy = Proxy::before(port).await.unwrap();
    let by_proxy = mongo.address_by(proxy.port, &database);
    let mut first = Server::start_on(agent("first", 5), Some(by_proxy)).await;
    let address = mongo.address(&database);
    let project = first.project("p").await;
    let before = first.start_session(&project).await;
    first.idle(&project).await;
    proxy.be(Weather::Cut);
    eventually("the lease has run out", || {
        first
            .log()
            .contains("another server may take over the project")
    })
    .await;
    let out = recorded(&address, &project).await;
    proxy.be(Weather::Fair(Duration::ZERO));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now = recorded(&address, &project).await;
        assert_eq!(now.epoch, out.epoch);
        if now.beat > out.beat {
            break;
        }
        assert!(Instant::now() < deadline, "it is not renewed");
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(first.session(&project).await["pid"], before["pid"]);

    // A new process of the same server holds the lease at once, under a new epoch; the session's
    // end frees it.
    first.crash().await;
    first.up().await;
    let deadline = Instant::now() + PATIENCE;
    while recorded(&address, &project).await.epoch != out.epoch + 1 {
        assert!(Instant::now() < deadline, "it is not taken again");
        tokio::time::sleep(LOOK).await;
    }
    assert_eq!(first.session(&project).await["pid"], before["pid"]);
    first
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    let deadline = Instant::now() + PATIENCE;
    while recorded(&address, &project).await.owner().is_some() {
        assert!(Instant::now() < deadline, "it is not given back");
        tokio::time::sleep(LOOK).await;
    }
}

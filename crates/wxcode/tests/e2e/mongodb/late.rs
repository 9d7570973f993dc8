//! A node that does not know yet that another one took its project, or wins the start.

use wxcode_core::{
    id::Id,
    lease::{Claim, Lease, Node, claim},
};
use wxcode_store::{LeaseStore as _, Swapped};
use wxcode_store_mongodb::MongoStore;

use super::{
    lease::agent,
    nodes::{node, stop_all},
    *,
};
use crate::support::LOOK;

async fn store(address: &str) -> MongoStore {
    MongoStore::open(&address.parse().unwrap()).await.unwrap()
}

/// Takes the lease of a project for a node, as after a long silence of its owner.
async fn take(store: &MongoStore, project: &str, node: &Node, term: Duration) -> Lease {
    let project: Id = project.parse().unwrap();
    loop {
        let before = store.lease(project).await.unwrap();
        let Claim::Take(new) = claim(before.as_ref(), node, Duration::MAX, term) else {
            panic!("{before:?}")
        };
        let swapped = store.swap_lease(project, before.as_ref(), &new).await;
        if swapped.unwrap() == Swapped::Won {
            return new;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_after_a_takeover_is_refused() {
    /// The owner looks at its lease after a fifth: later than the end of the test.
    const LEASE_S: u64 = 36_000;
    let Some(mongo) = shared().await else { return };
    let address = mongo.address(&database());
    let server = Server::start_on(agent("first", LEASE_S), Some(address.clone())).await;
    let project = server.project("p").await;
    let deliveries = format!("/output-projects/{project}/deliveries");
    server.start_session(&project).await;
    server.idle(&project).await;
    let milestone = server.milestone(&project, "PAGE_Login").await;
    let later = json!({ "text": "later", "not_before": "2097-01-01T00:00:00Z" });
    let later = server.post(&deliveries, later).await.expect(202);
    let later = format!("{deliveries}/{}", later["id"].as_str().unwrap());
    let milestone = format!("/milestones/{milestone}");
    let before = (
        server.get(&deliveries).await.expect(200),
        server.get(&milestone).await.expect(200),
    );

    let other = Node {
        id: uuid::Uuid::new_v4(),
        name: "other".to_owned(),
    };
    take(
        &store(&address).await,
        &project,
        &other,
        Duration::from_secs(LEASE_S),
    )
    .await;
    let answers = [
        server.post(&deliveries, json!({ "text": "late" })).await,
        server.patch(&later, json!({ "text": "late" })).await,
        server
            .patch(&milestone, json!({ "status": "failed" }))
            .await,
        server.delete(&milestone).await,
    ];
    for answer in answers {
        assert_eq!(answer.body["code"], "node_changed", "{}", answer.body);
        let detail = answer.problem(503);
        assert!(detail.contains("try again"), "{detail}");
    }
    let after = (
        server.get(&deliveries).await.expect(200),
        server.get(&milestone).await.expect(200),
    );
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_for_a_start_connects_again() {
    /// Tries until the other node wins: the requests of heartbeats come in between.
    const TRIES: usize = 8;
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given is not delayed");
    };
    let proxy = Proxy::before(port).await.unwrap();
    let name = database();
    let direct = mongo.address(&name);
    let slow = mongo.address_by(proxy.port, &name);
    let first = node("first", "", None, &slow).await;
    let second = node("second", "", Some(&first), &direct).await;
    let nodes = second.get("/nodes").await.expect(200);
    let winner = Node {
        id: nodes["nodes"][1]["id"].as_str().unwrap().parse().unwrap(),
        name: "second".to_owned(),
    };
    let store = store(&direct).await;
    for number in 0..TRIES {
        let project = first.project(&format!("p{number}")).await;
        let terminal = format!("/output-projects/{project}/terminal");
        let before = proxy.requests();
        proxy.be(Weather::Fair(Duration::from_millis(500)));
        let race = async {
            // The first request of the terminal finds a free lease.
            while proxy.requests() < before + 2 {
                sleep(LOOK).await;
            }
            take(&store, &project, &winner, Duration::from_secs(300)).await
        };
        let (mut socket, _) = tokio::join!(first.socket(&terminal), race);
        let is_attached = socket.next().await;
        proxy.be(Weather::Fair(Duration::ZERO));
        if is_attached {
            continue;
        }
        assert_eq!(socket.close_code().await, 1001);
        let mut again = first.socket(&terminal).await;
        again.message("status").await;
        assert_eq!(second.session(&project).await["node"], "second");
        return;
    }
    panic!("the other node never won the race");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_record_is_unreachable() {
    let Some(mongo) = shared().await else { return };
    let name = database();
    let address = mongo.address(&name);
    let mut first = node("first", "lease_s = 300", None, &address).await;
    let second = node("second", "", Some(&first), &address).await;
    let project = first.project("p").await;
    first.start_session(&project).await;
    stop_all(&mut first).await;
    let client = mongodb::Client::with_uri_str(&address).await.unwrap();
    let records = client
        .database(&name)
        .collection::<mongodb::bson::Document>("wxcode_nodes");
    let of_first = mongodb::bson::doc! { "name": "first" };
    assert_eq!(records.delete_one(of_first).await.unwrap().deleted_count, 1);
    second
        .until("/output-projects", "it is unreachable", |listed| {
            listed["projects"][0]["session"]["status"] == "unreachable"
        })
        .await;
    let seen = second.session(&project).await;
    assert_eq!(seen["unreachable"]["node"], "first", "{seen}");
}

/// A node of a database, each with a counted connection.
async fn counted(
    mongo: &MongoServer,
    name: &str,
    home: Option<&Server>,
    database: &str,
) -> Option<(Proxy, Server)> {
    let proxy = Proxy::before(mongo.port()?).await.unwrap();
    let address = mongo.address_by(proxy.port, database);
    let server = node(name, "", home, &address).await;
    Some((proxy, server))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forwarded_request_costs_the_database_nothing() {
    const REQUESTS: u64 = 60;
    /// Requests of heartbeats and looks in the time of the test.
    const OTHERS: u64 = REQUESTS / 3;
    let Some(mongo) = shared().await else { return };
    let name = database();
    let Some((first_proxy, first)) = counted(mongo, "first", None, &name).await else {
        return skip("a server that is given is not counted");
    };
    let second = counted(mongo, "second", Some(&first), &name).await;
    let (second_proxy, second) = second.unwrap();
    let project = first.project("p").await;
    first.start_session(&project).await;
    first.idle(&project).await;
    let path = format!("/output-projects/{project}/screen");
    second.get(&path).await.expect(200);
    let cost = async |server: &Server| {
        let before = (first_proxy.requests(), second_proxy.requests());
        for _ in 0..REQUESTS {
            server.get(&path).await.expect(200);
        }
        (
            first_proxy.requests() - before.0,
            second_proxy.requests() - before.1,
        )
    };
    let direct = cost(&first).await;
    let forwarded = cost(&second).await;
    println!(
        "{REQUESTS} requests cost the database at the owner and at the other node: direct {direct:?}, forwarded {forwarded:?}"
    );
    assert!(forwarded.0 <= direct.0 + OTHERS, "{forwarded:?} {direct:?}");
    assert!(forwarded.1 <= OTHERS, "{forwarded:?}");
    // A lease that moves is found all the same.
    first
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    first.post("/nodes/self/drain", json!({})).await.expect(202);
    second.start_session(&project).await;
    assert_eq!(second.session(&project).await["node"], "second");
}

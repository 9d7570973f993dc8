//! A database far away: each request takes a second.

use super::*;

/// Half of a second for the request, half for its answer.
const DELAY: Duration = Duration::from_millis(500);
/// Most requests to queue a delivery, and until it is submitted.
const QUEUED_MAX: u64 = 9;
const SUBMITTED_MAX: u64 = 34;
/// Tries: requests of heartbeats and looks come in between.
const TRIES: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_makes_few_round_trips() {
    let Some(mongo) = shared().await else { return };
    let Some(port) = mongo.port() else {
        return skip("a server that is given is not delayed");
    };
    let proxy = Proxy::before(port).await.unwrap();
    let address = mongo.address_by(proxy.port, &database());
    let server = Server::start_on(Agent::fake(""), Some(address)).await;
    let project = server.project("p").await;
    let path = format!("/output-projects/{project}/deliveries");
    let mut events = Events::follow(&server, &project).await;
    let mut submitted = async || {
        while events.named("delivery.state").await.data["state"] != "submitted" {}
    };
    server.deliver(&project, "first").await;
    submitted().await;
    server.idle(&project).await;

    let mut least = (u64::MAX, u64::MAX);
    for number in 0..TRIES {
        let before = proxy.requests();
        server.deliver(&project, &format!("text {number}")).await;
        let queued = proxy.requests() - before;
        submitted().await;
        least = (least.0.min(queued), least.1.min(proxy.requests() - before));
    }
    println!(
        "a delivery is queued with {} requests to the database, and submitted with {}",
        least.0, least.1
    );

    proxy.be(Weather::Fair(DELAY));
    let began = Instant::now();
    let body = json!({ "text": "far away" });
    server.post(&path, body).await.expect(202);
    let queued = began.elapsed();
    submitted().await;
    println!(
        "where each takes 1 s, it is queued after {queued:.1?} and submitted after {:.1?}",
        began.elapsed()
    );
    proxy.be(Weather::Fair(Duration::ZERO));
    assert!(
        least.0 <= QUEUED_MAX && least.1 <= SUBMITTED_MAX,
        "{least:?}"
    );
}

//! Lost answers of a healthy database: a command is typed all the same, without any other request.

use super::*;
use crate::support::Socket;

/// Bytes found only in the request of a queueing.
const QUEUE: &[u8] = b"wxcode.work.queued\0";
/// Number of losses of an answer.
const TIMES: usize = 6;
/// The retry time of an operation, and the interval of the search for leftovers: see
/// `docs/mongodb.md`.
const TRIED: Duration = Duration::from_secs(10);

/// A server with an idle session and a proxy before its database; `None`, with the reason printed,
/// without one.
async fn prepare() -> Option<(Proxy, Server, String, Socket)> {
    let mongo = shared().await?;
    let Some(port) = mongo.port() else {
        skip("a server that is given has no proxy before it");
        return None;
    };
    let proxy = Proxy::before(port).await.unwrap();
    let address = mongo.address_by(proxy.port, &database());
    let server = Server::start_on(Agent::fake(""), Some(address)).await;
    let project = server.project("p").await;
    let terminal = format!("/output-projects/{project}/terminal");
    let socket = server.socket(&terminal).await;
    server.idle(&project).await;
    Some((proxy, server, project, socket))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_costs_no_delivery() {
    let Some((proxy, server, project, mut socket)) = prepare().await else {
        return;
    };
    let path = format!("/output-projects/{project}/deliveries");
    let mut slowest = Duration::ZERO;
    for number in 0..TIMES {
        let text = format!("answer {number} is lost");
        proxy.strike(QUEUE, Fault::SwallowAnswer);
        let asked = Instant::now();
        server
            .post(&path, json!({ "text": text }))
            .await
            .expect(202);
        assert!(!proxy.is_to_strike());
        slowest = slowest.max(asked.elapsed());
        socket.until(&format!("last: {text}")).await;
    }
    eprintln!(
        "the slowest of {TIMES} deliveries with a lost answer was accepted after {slowest:?}"
    );
    assert!(slowest < TRIED, "{slowest:?}");
    let deliveries = server.get(&path).await.expect(200);
    assert_eq!(deliveries["total"], TIMES, "{deliveries}");
}

/// The database applies the write and is then away for longer than the server retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_delivery_is_typed_later() {
    let Some((proxy, server, project, mut socket)) = prepare().await else {
        return;
    };
    let path = format!("/output-projects/{project}/deliveries");
    proxy.strike(QUEUE, Fault::SilenceAfter);
    let refused = server.post(&path, json!({ "text": "given up" })).await;
    assert!(refused.problem(503).contains("try again"));
    proxy.be(Weather::Fair(Duration::ZERO));
    socket.until("last: given up").await;

    // The same without a running session.
    server
        .delete(&format!("/output-projects/{project}/session"))
        .await
        .expect(204);
    proxy.strike(QUEUE, Fault::SilenceAfter);
    let refused = server
        .post(&path, json!({ "text": "without a session" }))
        .await;
    assert!(refused.problem(503).contains("try again"));
    proxy.be(Weather::Fair(Duration::ZERO));
    server
        .session_until(&project, "a session takes it", |session| {
            session["status"] == "running"
        })
        .await;
    let deliveries = server.get(&path).await.expect(200);
    assert_eq!(deliveries["total"], 2, "{deliveries}");
    let last = &deliveries["deliveries"][1];
    server.delivery_until(&project, last, "submitted").await;
}

//! A replica set tells of changes by other programs; nobody waits for the next look.

use wxcode_store::{Command, DeliveryStore as _, NewDelivery, Queued};
use wxcode_store_mongodb::MongoStore;
use wxcode_testbed::mongodb::ReplicaSet;

use super::*;

/// Deliveries of another process.
const DELIVERIES: usize = 5;
/// The usual look comes each 15 s: without being told, the deliveries would take longer.
const IN_TIME: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_tells_of_deliveries() {
    let set = match ReplicaSet::start().await {
        Ok(set) => set,
        Err(reason) => return skip(&reason),
    };
    let address = set.address(&database());
    let server = Server::start_on(Agent::fake(""), Some(address.clone())).await;
    let project = server.project("p").await;
    let first = server.deliver(&project, "first").await;
    server.delivery_until(&project, &first, "submitted").await;
    let store = MongoStore::open(&address.parse().unwrap()).await.unwrap();
    let began = Instant::now();
    for number in 0..DELIVERIES {
        let at = wxcode_core::time::to_millis(jiff::Timestamp::now());
        let new = NewDelivery {
            id: wxcode_core::id::Id::generate(at),
            output_project_id: project.parse().unwrap(),
            command: Command::Text(format!("foreign {number}")),
            idempotency_key: None,
            not_before: None,
            steer: false,
            at,
            fence: None,
        };
        let Queued::New(queued) = store.queue(&new).await.unwrap() else {
            panic!("not queued")
        };
        let delivery = json!({ "id": queued.id.to_string() });
        server
            .delivery_until(&project, &delivery, "submitted")
            .await;
    }
    println!(
        "{DELIVERIES} deliveries of another process took {:.1?}",
        began.elapsed()
    );
    assert!(began.elapsed() < IN_TIME, "{:?}", began.elapsed());
    drop(server);
    drop(tokio::task::spawn_blocking(move || drop(set)).await);
}

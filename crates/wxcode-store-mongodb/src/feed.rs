//! Changes of other processes, from a change stream of the database. A standalone server has none.

use std::time::Duration;

use mongodb::{
    bson::{Bson, doc, oid::ObjectId},
    change_stream::event::OperationType,
};
use wxcode_core::id::Id;
use wxcode_store::Change;

use crate::{
    failure::Failure,
    records::{CREDENTIALS, DELIVERIES, NODES, Records},
};

/// Longest wait of the database for a change, before it answers that there was none.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest time without an answer: the connection is broken.
const ANSWER_MAX: Duration = Duration::from_secs(45);

/// Tells of changes until the stream breaks; returns on a server without change streams.
pub(crate) async fn follow(
    records: &Records,
    tell: &(dyn Fn(Change) + Send + Sync),
) -> Result<(), Failure> {
    let wanted = doc! { "$match": { "$or": [
        { "ns.coll": DELIVERIES, "operationType": "insert" },
        { "ns.coll": CREDENTIALS, "operationType": { "$in": ["delete", "replace"] } },
        { "ns.coll": NODES, "operationType": { "$in": ["insert", "delete"] } },
    ] } };
    let brief = doc! { "$project": {
        "operationType": 1,
        "ns": 1,
        "fullDocument.mark": 1,
        "fullDocument.output_project_id": 1,
    } };
    let asked = records
        .database
        .watch()
        .pipeline([wanted, brief])
        .max_await_time(WAIT_MAX);
    let mut stream = match records.ask(asked).await {
        Err(failure) if failure.is_unstreamed() => return Ok(()),
        stream => stream?,
    };
    tell(Change::Any);
    let own = process_of(ObjectId::new());
    loop {
        let Ok(next) = tokio::time::timeout(ANSWER_MAX, stream.next_if_any()).await else {
            return Err(Failure::Late);
        };
        let Some(event) = next? else {
            if !stream.is_alive() {
                return Err(Failure::Late);
            }
            continue;
        };
        let collection = event.ns.and_then(|place| place.coll).unwrap_or_default();
        match (collection.as_str(), &event.operation_type) {
            (DELIVERIES, OperationType::Insert) => {
                let document = event.full_document.unwrap_or_default();
                // This process knows of its own deliveries.
                let mark = document.get_object_id("mark").ok().map(process_of);
                if mark == Some(own) {
                    continue;
                }
                if let Some(Bson::ObjectId(project)) = document.get("output_project_id") {
                    tell(Change::Delivery(Id::from_bytes(project.bytes())));
                }
            }
            (CREDENTIALS, _) => tell(Change::Credential),
            (NODES, _) => tell(Change::Node),
            _ => {}
        }
    }
}

/// The part of a new id that is the same in a whole process.
fn process_of(id: ObjectId) -> [u8; 5] {
    let [_, _, _, _, a, b, c, d, e, ..] = id.bytes();
    [a, b, c, d, e]
}

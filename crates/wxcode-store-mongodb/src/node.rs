//! Nodes in collections of our own, and the held leases in the projects' documents.

use mongodb::bson::{Binary, Bson, Document, doc, spec::BinarySubtype};
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Lease, node::NodeRecord};
use wxcode_store::{NODE_KEY, NODES_MAX};

use crate::{
    failure::Failure,
    fields::{self, Fields, time},
    lease,
    records::{NODES, PROJECTS, Records},
};

/// The id of the document with the key, in the collection of the nodes.
const KEY: &str = "key";

pub(crate) async fn put(records: &Records, node: &NodeRecord) -> Result<(), Failure> {
    let record = doc! {
        "name": &node.name,
        "address": &node.address,
        "fingerprint": node.fingerprint.as_deref(),
        "version": &node.version,
        "sessions": fields::count(node.sessions)?,
        "capacity": node.capacity.map(fields::count).transpose()?,
        "draining": node.draining,
        "beat": fields::count(node.beat)?,
        "seen_at": time(node.seen_at),
    };
    let filter = doc! { "_id": node.id.to_string() };
    let replace = records.nodes.replace_one(filter, record).upsert(true);
    records.ask(replace).await.map(drop)
}

pub(crate) async fn all(records: &Records) -> Result<Vec<NodeRecord>, Failure> {
    let limit = i64::try_from(NODES_MAX).unwrap_or(i64::MAX);
    let query = records
        .nodes
        .find(doc! { "_id": { "$ne": KEY } })
        .sort(doc! { "name": 1, "_id": 1 })
        .limit(limit);
    let found = records.all(query).await?;
    found.iter().map(read).collect()
}

fn read(document: &Document) -> Result<NodeRecord, Failure> {
    let fields = Fields::of(NODES, document);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    let count = |path: &str| fields.required(path, fields.count(path)?);
    Ok(NodeRecord {
        id: Uuid::try_parse(&text("_id")?).map_err(|_| fields.wrong("_id", "is no id"))?,
        name: text("name")?,
        address: text("address")?,
        fingerprint: fields.text("fingerprint")?,
        version: text("version")?,
        sessions: count("sessions")?,
        capacity: fields.count("capacity")?,
        draining: fields.flag("draining")?,
        beat: count("beat")?,
        seen_at: fields.required("seen_at", fields.time("seen_at")?)?,
    })
}

pub(crate) async fn remove(records: &Records, id: Uuid, beat: u64) -> Result<bool, Failure> {
    let filter = doc! { "_id": id.to_string(), "beat": fields::count(beat)? };
    let removed = records.ask(records.nodes.delete_one(filter)).await?;
    Ok(removed.deleted_count > 0)
}

pub(crate) async fn key(
    records: &Records,
    proposed: [u8; NODE_KEY],
) -> Result<[u8; NODE_KEY], Failure> {
    let bytes = Binary {
        subtype: BinarySubtype::Generic,
        bytes: proposed.to_vec(),
    };
    let filter = doc! { "_id": KEY };
    let update = doc! { "$setOnInsert": { "key": bytes } };
    let changed = records
        .nodes
        .update_one(filter.clone(), update)
        .upsert(true);
    match records.ask(changed).await {
        // Another node added it at the same moment.
        Err(failure) if failure.is_duplicate() => {}
        changed => drop(changed?),
    }
    let found = records.ask(records.nodes.find_one(filter)).await?;
    let found = found.unwrap_or_default();
    let fields = Fields::of(NODES, &found);
    match fields.get("key") {
        Some(Bson::Binary(kept)) => kept.bytes[..]
            .try_into()
            .map_err(|_| fields.wrong("key", "is no key")),
        _ => Err(fields.wrong("key", "is no key")),
    }
}

pub(crate) async fn held(records: &Records, but: &[Uuid]) -> Result<Vec<(Id, Lease)>, Failure> {
    let mut filter = doc! { "wxcode.lease.term_ms": { "$gt": 0_i64 } };
    if !but.is_empty() {
        let but: Vec<String> = but.iter().map(Uuid::to_string).collect();
        filter.insert("wxcode.lease.node.id", doc! { "$nin": but });
    }
    let query = records
        .projects
        .find(filter)
        .projection(doc! { "wxcode.lease": 1 });
    let found = records.all(query).await?;
    let mut held = Vec::new();
    for document in &found {
        let fields = Fields::of(PROJECTS, document);
        let id = fields.required("_id", fields.id("_id")?)?;
        if let Some(lease) = lease::read(document)?.filter(|lease| lease.owner().is_some()) {
            held.push((id, lease));
        }
    }
    Ok(held)
}

//! A project's lease, in the project's document: replaced by a conditional update on epoch and
//! renewal count.

use std::time::Duration;

use mongodb::bson::{Bson, Document, doc};
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    lease::{Lease, Node},
};
use wxcode_store::Swapped;

use crate::{
    failure::Failure,
    fields::{self, Fields, oid},
    records::{PROJECTS, Records},
};

const LEASE: &str = "wxcode.lease";
/// The number of the owner.
pub(crate) const EPOCH: &str = "wxcode.lease.epoch";

/// Whether the lease has a later epoch than `fence`. An earlier one comes from a document that went
/// back in time: the owner takes its lease again.
pub(crate) fn is_later(epoch: Option<u64>, fence: Option<u64>) -> bool {
    fence.is_some_and(|fence| epoch.is_some_and(|epoch| epoch > fence))
}

/// The condition on the epoch of a change under `fence`; a missing epoch meets it too.
pub(crate) fn up_to(fence: u64) -> Result<Document, Failure> {
    Ok(doc! { "$not": { "$gt": fields::count(fence)? } })
}

pub(crate) async fn get(records: &Records, project: Id) -> Result<Option<Lease>, Failure> {
    match find(records, project).await? {
        Some(document) => read(&document),
        None => Ok(None),
    }
}

pub(crate) async fn swap(
    records: &Records,
    project: Id,
    old: Option<&Lease>,
    new: &Lease,
    again: bool,
) -> Result<Swapped, Failure> {
    let (epoch, beat) = match old {
        Some(old) => (
            Bson::Int64(fields::count(old.epoch)?),
            Bson::Int64(fields::count(old.beat)?),
        ),
        None => (Bson::Null, Bson::Null),
    };
    let filter = doc! {
        "_id": oid(project),
        format!("{LEASE}.epoch"): epoch,
        format!("{LEASE}.beat"): beat,
    };
    let update = doc! { "$set": { LEASE: write(new)? } };
    let changed = records
        .ask(records.projects.update_one(filter, update))
        .await?;
    if changed.matched_count > 0 {
        return Ok(Swapped::Won);
    }
    let Some(document) = find(records, project).await? else {
        return Ok(Swapped::NoProject);
    };
    let found = read(&document)?;
    // The answer to our own earlier try may have been lost. No other node writes the same lease,
    // because a lease names its node.
    if again && found.as_ref() == Some(new) {
        return Ok(Swapped::Won);
    }
    Ok(Swapped::Lost(found))
}

async fn find(records: &Records, project: Id) -> Result<Option<Document>, Failure> {
    records
        .ask(
            records
                .projects
                .find_one(doc! { "_id": oid(project) })
                .projection(doc! { LEASE: 1 }),
        )
        .await
}

fn write(lease: &Lease) -> Result<Document, Failure> {
    Ok(doc! {
        "node": lease.node.as_ref().map(|node| doc! { "id": node.id.to_string(), "name": &node.name }),
        "epoch": fields::count(lease.epoch)?,
        "beat": fields::count(lease.beat)?,
        "term_ms": fields::millis(lease.term)?,
    })
}

pub(crate) fn read(document: &Document) -> Result<Option<Lease>, Failure> {
    let fields = Fields::of(PROJECTS, document);
    let Some(epoch) = fields.count("wxcode.lease.epoch")? else {
        return Ok(None);
    };
    let count = |path: &str| fields.required(path, fields.count(path)?);
    let node = match fields.text("wxcode.lease.node.id")? {
        Some(id) => {
            let path = "wxcode.lease.node.name";
            Some(Node {
                id: Uuid::try_parse(&id)
                    .map_err(|_| fields.wrong("wxcode.lease.node.id", "is no id of a server"))?,
                name: fields.required(path, fields.text(path)?)?,
            })
        }
        None => None,
    };
    Ok(Some(Lease {
        node,
        epoch,
        beat: count("wxcode.lease.beat")?,
        term: Duration::from_millis(count("wxcode.lease.term_ms")?),
    }))
}

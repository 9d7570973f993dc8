//! Targets and notices, in two collections.

use jiff::Timestamp;
use mongodb::{
    bson::{Document, doc},
    options::ReturnDocument,
};
use wxcode_core::{
    id::Id,
    notice::{Address, Notice, Target},
};
use wxcode_store::{NOTICES_MAX, TARGETS_MAX};

use crate::{
    failure::Failure,
    fields::{Fields, oid, time},
    records::{NOTICE_TARGETS, NOTICES, Records},
};

pub(crate) async fn add_target(records: &Records, target: &Target) -> Result<bool, Failure> {
    let count = records
        .ask(records.notice_targets.count_documents(doc! {}))
        .await?;
    let document = doc! {
        "_id": oid(target.id),
        "created_at": time(target.created_at),
        "created_by": &target.created_by,
        "credential_id": target.credential.map(oid),
        "address": target.address.to_json(),
    };
    if count < TARGETS_MAX {
        match records
            .ask(records.notice_targets.insert_one(document))
            .await
        {
            Ok(_) => return Ok(true),
            Err(failure) if failure.is_duplicate() => {}
            Err(failure) => return Err(failure),
        }
    }
    let found = records
        .notice_targets
        .find_one(doc! { "_id": oid(target.id) });
    match records.ask(found).await? {
        None => Ok(false),
        Some(found) if read_target(&found)? == *target => Ok(true),
        Some(_) => Err(Failure::taken(target.id)),
    }
}

pub(crate) async fn targets(records: &Records) -> Result<Vec<Target>, Failure> {
    let query = records
        .notice_targets
        .find(doc! {})
        .sort(doc! { "created_at": 1, "_id": 1 });
    records.all(query).await?.iter().map(read_target).collect()
}

pub(crate) async fn remove_target(records: &Records, id: Id, again: bool) -> Result<bool, Failure> {
    let removed = records
        .ask(records.notice_targets.delete_one(doc! { "_id": oid(id) }))
        .await?;
    let notices = records.notices.delete_many(doc! { "target_id": oid(id) });
    records.ask(notices).await?;
    // The answer to our own earlier try may have been lost.
    Ok(removed.deleted_count > 0 || again)
}

pub(crate) async fn add_notice(records: &Records, notice: &Notice) -> Result<u64, Failure> {
    let target = oid(notice.target);
    let found = records.notice_targets.find_one(doc! { "_id": target });
    if records.ask(found).await?.is_none() {
        return Ok(0);
    }
    let document = doc! {
        "_id": oid(notice.id),
        "target_id": target,
        "event": &notice.event,
        "kind": &notice.kind,
        "body": &notice.body,
        "attempts": i64::from(notice.attempts),
        "created_at": time(notice.created_at),
        "due_at": time(notice.due_at),
    };
    match records.ask(records.notices.insert_one(document)).await {
        Ok(_) => {}
        // An earlier try whose answer was lost.
        Err(failure) if failure.is_duplicate() => {}
        Err(failure) => return Err(failure),
    }
    let of_target = doc! { "target_id": target };
    let count = records
        .ask(records.notices.count_documents(of_target.clone()))
        .await?;
    let mut removed = 0;
    for _ in NOTICES_MAX..count {
        let oldest = records
            .notices
            .find_one_and_delete(of_target.clone())
            .sort(doc! { "created_at": 1, "_id": 1 });
        removed += u64::from(records.ask(oldest).await?.is_some());
    }
    Ok(removed)
}

pub(crate) async fn claim(
    records: &Records,
    targets: &[Id],
    now: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Result<Vec<Notice>, Failure> {
    let targets: Vec<_> = targets.iter().copied().map(oid).collect();
    let due = doc! { "due_at": { "$lte": time(now) }, "target_id": { "$in": targets } };
    let mut claimed = Vec::new();
    for _ in 0..limit {
        let update = doc! { "$set": { "due_at": time(until) } };
        let next = records
            .notices
            .find_one_and_update(due.clone(), update)
            .sort(doc! { "created_at": 1, "_id": 1 })
            .return_document(ReturnDocument::Before);
        match records.ask(next).await? {
            Some(document) => claimed.push(read_notice(&document)?),
            None => break,
        }
    }
    Ok(claimed)
}

pub(crate) async fn remove_notice(records: &Records, id: Id) -> Result<(), Failure> {
    let removing = records.notices.delete_one(doc! { "_id": oid(id) });
    records.ask(removing).await.map(drop)
}

pub(crate) async fn delay(
    records: &Records,
    id: Id,
    attempts: u32,
    due_at: Timestamp,
) -> Result<(), Failure> {
    let update = doc! { "$set": { "attempts": i64::from(attempts), "due_at": time(due_at) } };
    let delaying = records.notices.update_one(doc! { "_id": oid(id) }, update);
    records.ask(delaying).await.map(drop)
}

fn read_target(document: &Document) -> Result<Target, Failure> {
    let fields = Fields::of(NOTICE_TARGETS, document);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    let address = Address::from_json(&text("address")?);
    Ok(Target {
        id: fields.required("_id", fields.id("_id")?)?,
        created_at: fields.required("created_at", fields.time("created_at")?)?,
        created_by: text("created_by")?,
        credential: fields.id("credential_id")?,
        address: fields.required("address", address)?,
    })
}

fn read_notice(document: &Document) -> Result<Notice, Failure> {
    let fields = Fields::of(NOTICES, document);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    let attempts = fields.required("attempts", fields.count("attempts")?)?;
    Ok(Notice {
        id: fields.required("_id", fields.id("_id")?)?,
        target: fields.required("target_id", fields.id("target_id")?)?,
        event: text("event")?,
        kind: text("kind")?,
        body: text("body")?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        created_at: fields.required("created_at", fields.time("created_at")?)?,
        due_at: fields.required("due_at", fields.time("due_at")?)?,
    })
}

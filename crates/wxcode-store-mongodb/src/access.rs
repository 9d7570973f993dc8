//! Credentials and the audit, in two collections.

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, Grant, LastUse},
    id::Id,
};
use wxcode_store::{AUDIT_MAX, CREDENTIALS_MAX};

use crate::{
    failure::Failure,
    fields::{Fields, oid, time},
    records::{AUDIT, CREDENTIALS, Records},
};

/// The store cuts the audit to its bound after this many additions of a process.
const CUT_EVERY: u64 = 1_000;

pub(crate) async fn add(records: &Records, credential: &Credential) -> Result<bool, Failure> {
    let mut document = doc! {
        "_id": oid(credential.id),
        "kind": credential.kind.as_str(),
        "name": &credential.name,
        "role": credential.grant.role.as_str(),
        "output_project_id": credential.grant.project.map(oid),
        "hash": &credential.hash,
        "created_at": time(credential.created_at),
        "created_by": &credential.created_by,
        "expires_at": credential.expires_at.map(time),
        "source": credential.source.map(oid),
    };
    if let Some(last) = &credential.last_use {
        document.insert("used_at", time(last.at));
        document.insert("used_from", &last.from);
    }
    match records.ask(records.credentials.insert_one(document)).await {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_duplicate() => match get(records, credential.id).await? {
            Some(found) if found == *credential => Ok(true),
            Some(_) => Err(Failure::taken(credential.id)),
            None => Ok(false),
        },
        Err(failure) => Err(failure),
    }
}

pub(crate) async fn get(records: &Records, id: Id) -> Result<Option<Credential>, Failure> {
    let found = records
        .ask(records.credentials.find_one(doc! { "_id": oid(id) }))
        .await?;
    found.as_ref().map(read).transpose()
}

pub(crate) async fn list(
    records: &Records,
    kind: CredentialKind,
    project: Option<Id>,
) -> Result<Vec<Credential>, Failure> {
    let mut filter = doc! { "kind": kind.as_str() };
    if let Some(project) = project {
        filter.insert("output_project_id", oid(project));
    }
    let limit = i64::try_from(CREDENTIALS_MAX).unwrap_or(i64::MAX);
    let query = records
        .credentials
        .find(filter)
        .sort(doc! { "created_at": 1, "_id": 1 })
        .limit(limit);
    records.all(query).await?.iter().map(read).collect()
}

pub(crate) async fn note_use(
    records: &Records,
    id: Id,
    last_use: &LastUse,
    expires_at: Option<Timestamp>,
) -> Result<bool, Failure> {
    let update = doc! { "$set": {
        "used_at": time(last_use.at),
        "used_from": &last_use.from,
        "expires_at": expires_at.map(time),
    } };
    let changed = records
        .ask(
            records
                .credentials
                .update_one(doc! { "_id": oid(id) }, update),
        )
        .await?;
    Ok(changed.matched_count > 0)
}

pub(crate) async fn remove(records: &Records, id: Id, again: bool) -> Result<bool, Failure> {
    let removed = records
        .ask(records.credentials.delete_one(doc! { "_id": oid(id) }))
        .await?;
    // The answer to our own earlier try may have been lost.
    Ok(removed.deleted_count > 0 || again)
}

/// Removes the credentials of a removed project.
pub(crate) async fn remove_of(records: &Records, project: Id) -> Result<(), Failure> {
    let filter = doc! { "output_project_id": oid(project) };
    records
        .ask(records.credentials.delete_many(filter))
        .await
        .map(drop)
}

pub(crate) async fn remove_expired(records: &Records, before: Timestamp) -> Result<u64, Failure> {
    let filter = doc! { "expires_at": { "$lt": time(before) } };
    let removed = records.ask(records.credentials.delete_many(filter)).await?;
    Ok(removed.deleted_count)
}

fn read(document: &Document) -> Result<Credential, Failure> {
    let fields = Fields::of(CREDENTIALS, document);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    let last_use = match (fields.time("used_at")?, fields.text("used_from")?) {
        (Some(at), Some(from)) => Some(LastUse { at, from }),
        _ => None,
    };
    Ok(Credential {
        id: fields.required("_id", fields.id("_id")?)?,
        kind: fields.word("kind")?,
        name: text("name")?,
        grant: Grant {
            role: fields.word("role")?,
            project: fields.id("output_project_id")?,
        },
        hash: text("hash")?,
        created_at: fields.required("created_at", fields.time("created_at")?)?,
        created_by: text("created_by")?,
        source: fields.id("source")?,
        expires_at: fields.time("expires_at")?,
        last_use,
    })
}

pub(crate) async fn add_audit(records: &Records, entry: &AuditEntry) -> Result<(), Failure> {
    let document = doc! {
        "_id": oid(entry.id),
        "at": time(entry.at),
        "actor": &entry.actor,
        "from": &entry.from,
        "action": &entry.action,
        "output_project_id": entry.project.map(oid),
        "outcome": &entry.outcome,
    };
    match records.ask(records.audit.insert_one(document)).await {
        Ok(_) => {}
        // An earlier try whose answer was lost.
        Err(failure) if failure.is_duplicate() => {}
        Err(failure) => return Err(failure),
    }
    if records.count_audit().is_multiple_of(CUT_EVERY) {
        let oldest_kept = records
            .ask(
                records
                    .audit
                    .find_one(doc! {})
                    .sort(doc! { "_id": -1 })
                    .skip(AUDIT_MAX - 1),
            )
            .await?;
        if let Some(id) = oldest_kept.and_then(|kept| kept.get_object_id("_id").ok()) {
            let filter = doc! { "_id": { "$lt": id } };
            records.ask(records.audit.delete_many(filter)).await?;
        }
    }
    Ok(())
}

pub(crate) async fn audit(
    records: &Records,
    before: Option<Id>,
    limit: u64,
) -> Result<Vec<AuditEntry>, Failure> {
    let filter = match before {
        Some(id) => doc! { "_id": { "$lt": Bson::ObjectId(oid(id)) } },
        None => doc! {},
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    // The database takes a limit of 0 as none.
    if limit == 0 {
        return Ok(Vec::new());
    }
    let query = records
        .audit
        .find(filter)
        .sort(doc! { "_id": -1 })
        .limit(limit);
    let found = records.all(query).await?;
    found.iter().map(read_audit).collect()
}

fn read_audit(document: &Document) -> Result<AuditEntry, Failure> {
    let fields = Fields::of(AUDIT, document);
    let text = |path: &str| fields.required(path, fields.text(path)?);
    Ok(AuditEntry {
        id: fields.required("_id", fields.id("_id")?)?,
        at: fields.required("at", fields.time("at")?)?,
        actor: text("actor")?,
        from: text("from")?,
        action: text("action")?,
        project: fields.id("output_project_id")?,
        outcome: text("outcome")?,
    })
}

//! Credentials and the audit in SQL.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, Grant, LastUse},
    id::Id,
};

use super::{
    columns::{self, Columns},
    failure::Failure,
};
use crate::{AUDIT_MAX, CREDENTIALS_MAX};

pub(super) fn add(tx: &Transaction<'_>, credential: &Credential) -> Result<bool, Failure> {
    if let Some(found) = get(tx, credential.id)? {
        return Failure::unless_same(credential.id, found == *credential).map(|()| true);
    }
    let added = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO credentials
                (_id, kind, name, role, output_project_id, hash, created_at, created_by, expires_at, used_at, used_from,
                 source)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
             WHERE ?2 <> 'token' OR NOT EXISTS (SELECT 1 FROM credentials WHERE kind = 'token' AND name = ?3)",
        )?
        .execute(params![
            credential.id.to_string(),
            credential.kind.as_str(),
            credential.name,
            credential.grant.role.as_str(),
            credential.grant.project.map(|id| id.to_string()),
            credential.hash,
            credential.created_at.as_millisecond(),
            credential.created_by,
            credential.expires_at.map(Timestamp::as_millisecond),
            credential.last_use.as_ref().map(|last| last.at.as_millisecond()),
            credential.last_use.as_ref().map(|last| &last.from),
            credential.source.map(|id| id.to_string()),
        ])?;
    Ok(added > 0)
}

pub(super) fn get(tx: &Transaction<'_>, id: Id) -> Result<Option<Credential>, Failure> {
    Ok(tx
        .prepare_cached("SELECT * FROM credentials WHERE _id = ?")?
        .query_row([id.to_string()], read)
        .optional()?)
}

pub(super) fn list(
    tx: &Transaction<'_>,
    kind: CredentialKind,
    project: Option<Id>,
) -> Result<Vec<Credential>, Failure> {
    let mut query = tx.prepare_cached(
        "SELECT * FROM credentials WHERE kind = ?1 AND (?2 IS NULL OR output_project_id = ?2)
         ORDER BY n LIMIT ?3",
    )?;
    let rows = query.query_map(
        params![
            kind.as_str(),
            project.map(|id| id.to_string()),
            columns::count(CREDENTIALS_MAX)?
        ],
        read,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn note_use(
    tx: &Transaction<'_>,
    id: Id,
    last_use: &LastUse,
    expires_at: Option<Timestamp>,
) -> Result<bool, Failure> {
    let changed = tx
        .prepare_cached(
            "UPDATE credentials SET used_at = ?, used_from = ?, expires_at = ? WHERE _id = ?",
        )?
        .execute(params![
            last_use.at.as_millisecond(),
            last_use.from,
            expires_at.map(Timestamp::as_millisecond),
            id.to_string(),
        ])?;
    Ok(changed > 0)
}

pub(super) fn remove(tx: &Transaction<'_>, id: Id) -> Result<bool, Failure> {
    let removed = tx
        .prepare_cached("DELETE FROM credentials WHERE _id = ?")?
        .execute([id.to_string()])?;
    Ok(removed > 0)
}

pub(super) fn remove_expired(tx: &Transaction<'_>, before: Timestamp) -> Result<u64, Failure> {
    let removed = tx
        .prepare_cached("DELETE FROM credentials WHERE expires_at < ?")?
        .execute([before.as_millisecond()])?;
    Ok(u64::try_from(removed).unwrap_or(u64::MAX))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Credential> {
    let used_at = row.time("used_at")?;
    let used_from: Option<String> = row.get("used_from")?;
    Ok(Credential {
        id: row.required("_id", row.parsed("_id")?)?,
        kind: row.word("kind")?,
        name: row.get("name")?,
        grant: Grant {
            role: row.word("role")?,
            project: row.parsed("output_project_id")?,
        },
        hash: row.get("hash")?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        created_by: row.get("created_by")?,
        source: row.parsed("source")?,
        expires_at: row.time("expires_at")?,
        last_use: used_at
            .zip(used_from)
            .map(|(at, from)| LastUse { at, from }),
    })
}

pub(super) fn add_audit(tx: &Transaction<'_>, entry: &AuditEntry) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO audit (_id, at, actor, caller, action, output_project_id, outcome)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        entry.id.to_string(),
        entry.at.as_millisecond(),
        entry.actor,
        entry.from,
        entry.action,
        entry.project.map(|id| id.to_string()),
        entry.outcome,
    ])?;
    tx.prepare_cached("DELETE FROM audit WHERE n <= (SELECT max(n) FROM audit) - ?")?
        .execute([columns::count(AUDIT_MAX)?])?;
    Ok(())
}

pub(super) fn audit(
    tx: &Transaction<'_>,
    before: Option<Id>,
    limit: u64,
) -> Result<Vec<AuditEntry>, Failure> {
    let mut query = tx.prepare_cached(
        "SELECT * FROM audit WHERE ?1 IS NULL OR n < (SELECT n FROM audit WHERE _id = ?1)
         ORDER BY n DESC LIMIT ?2",
    )?;
    let rows = query.query_map(
        params![before.map(|id| id.to_string()), columns::count(limit)?],
        |row| {
            Ok(AuditEntry {
                id: row.required("_id", row.parsed("_id")?)?,
                at: row.required("at", row.time("at")?)?,
                actor: row.get("actor")?,
                from: row.get("caller")?,
                action: row.get("action")?,
                project: row.parsed("output_project_id")?,
                outcome: row.get("outcome")?,
            })
        },
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

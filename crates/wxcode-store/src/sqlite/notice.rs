//! Targets and notices in SQL.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use wxcode_core::{
    id::Id,
    notice::{Address, Notice, Target},
};

use super::{
    columns::{self, Columns},
    failure::Failure,
};
use crate::{NOTICES_MAX, TARGETS_MAX};

pub(super) fn add_target(tx: &Transaction<'_>, target: &Target) -> Result<bool, Failure> {
    let id = target.id.to_string();
    let found = tx
        .prepare_cached("SELECT * FROM notice_targets WHERE _id = ?")?
        .query_row([&id], read_target)
        .optional()?;
    if let Some(found) = found {
        return Failure::unless_same(target.id, found == *target).map(|()| true);
    }
    let added = tx
        .prepare_cached(
            "INSERT INTO notice_targets (_id, created_at, created_by, credential_id, address)
             SELECT ?1, ?2, ?3, ?4, ?5 WHERE (SELECT count(*) FROM notice_targets) < ?6",
        )?
        .execute(params![
            id,
            target.created_at.as_millisecond(),
            target.created_by,
            target.credential.map(|id| id.to_string()),
            target.address.to_json(),
            columns::count(TARGETS_MAX)?,
        ])?;
    Ok(added > 0)
}

pub(super) fn targets(tx: &Transaction<'_>) -> Result<Vec<Target>, Failure> {
    let mut query = tx.prepare_cached("SELECT * FROM notice_targets ORDER BY n")?;
    let rows = query.query_map([], read_target)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn remove_target(tx: &Transaction<'_>, id: Id) -> Result<bool, Failure> {
    let removed = tx
        .prepare_cached("DELETE FROM notice_targets WHERE _id = ?")?
        .execute([id.to_string()])?;
    Ok(removed > 0)
}

pub(super) fn add_notice(tx: &Transaction<'_>, notice: &Notice) -> Result<u64, Failure> {
    let target = notice.target.to_string();
    // A target that was removed meanwhile gets nothing.
    tx.prepare_cached(
        "INSERT OR IGNORE INTO notices (_id, target_id, event, kind, body, attempts, created_at, due_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
         WHERE EXISTS (SELECT 1 FROM notice_targets WHERE _id = ?2)",
    )?
    .execute(params![
        notice.id.to_string(),
        target,
        notice.event,
        notice.kind,
        notice.body,
        notice.attempts,
        notice.created_at.as_millisecond(),
        notice.due_at.as_millisecond(),
    ])?;
    let removed = tx
        .prepare_cached(
            "DELETE FROM notices WHERE target_id = ?1 AND n <= (
                SELECT n FROM notices WHERE target_id = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![target, columns::count(NOTICES_MAX)?])?;
    Ok(u64::try_from(removed).unwrap_or(u64::MAX))
}

pub(super) fn claim(
    tx: &Transaction<'_>,
    targets: &[Id],
    now: Timestamp,
    until: Timestamp,
    limit: u64,
) -> Result<Vec<Notice>, Failure> {
    // Ids are hexadecimal digits, so this is JSON.
    let targets: Vec<String> = targets.iter().map(|id| format!("\"{id}\"")).collect();
    let targets = format!("[{}]", targets.join(","));
    let mut query =
        tx.prepare_cached(
            "SELECT * FROM notices
             WHERE due_at <= ? AND target_id IN (SELECT value FROM json_each(?)) ORDER BY n LIMIT ?",
        )?;
    let rows = query.query_map(
        params![now.as_millisecond(), targets, columns::count(limit)?],
        read_notice,
    )?;
    let notices = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut claim = tx.prepare_cached("UPDATE notices SET due_at = ? WHERE _id = ?")?;
    for notice in &notices {
        claim.execute(params![until.as_millisecond(), notice.id.to_string()])?;
    }
    Ok(notices)
}

pub(super) fn remove_notice(tx: &Transaction<'_>, id: Id) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM notices WHERE _id = ?")?
        .execute([id.to_string()])?;
    Ok(())
}

pub(super) fn delay(
    tx: &Transaction<'_>,
    id: Id,
    attempts: u32,
    due_at: Timestamp,
) -> Result<(), Failure> {
    tx.prepare_cached("UPDATE notices SET attempts = ?, due_at = ? WHERE _id = ?")?
        .execute(params![attempts, due_at.as_millisecond(), id.to_string()])?;
    Ok(())
}

fn read_target(row: &Row<'_>) -> rusqlite::Result<Target> {
    let address: String = row.get("address")?;
    let address = Address::from_json(&address);
    Ok(Target {
        id: row.required("_id", row.parsed("_id")?)?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        created_by: row.get("created_by")?,
        credential: row.parsed("credential_id")?,
        address: row.required("address", address)?,
    })
}

fn read_notice(row: &Row<'_>) -> rusqlite::Result<Notice> {
    Ok(Notice {
        id: row.required("_id", row.parsed("_id")?)?,
        target: row.required("target_id", row.parsed("target_id")?)?,
        event: row.get("event")?,
        kind: row.get("kind")?,
        body: row.get("body")?,
        attempts: row.get("attempts")?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        due_at: row.required("due_at", row.time("due_at")?)?,
    })
}

//! Leases in SQL: a row is replaced by compare-and-set on the row's epoch and renewal count.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};
use wxcode_core::{
    id::Id,
    lease::{Lease, Node},
};

use super::{
    columns::{self, Columns},
    failure::Failure,
};
use crate::Swapped;

pub(super) fn get(tx: &Transaction<'_>, project: Id) -> Result<Option<Lease>, Failure> {
    let found = tx
        .prepare_cached("SELECT * FROM leases WHERE output_project_id = ?")?
        .query_row([project.to_string()], |row| {
            let id = row.parsed("node_id")?;
            let name: Option<String> = row.get("node_name")?;
            Ok(Lease {
                node: id.zip(name).map(|(id, name)| Node { id, name }),
                epoch: row.required("epoch", row.count("epoch")?)?,
                beat: row.required("beat", row.count("beat")?)?,
                term: Duration::from_millis(row.required("term_ms", row.count("term_ms")?)?),
            })
        })
        .optional()?;
    Ok(found)
}

/// Whether the project's lease has a later epoch than this one, if one is given.
pub(super) fn is_fenced(
    tx: &Transaction<'_>,
    project: Id,
    fence: Option<u64>,
) -> Result<bool, Failure> {
    let Some(fence) = fence else { return Ok(false) };
    Ok(get(tx, project)?.is_some_and(|lease| lease.epoch > fence))
}

pub(super) fn swap(
    tx: &Transaction<'_>,
    project: Id,
    old: Option<&Lease>,
    new: &Lease,
) -> Result<Swapped, Failure> {
    let is_there: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM output_projects WHERE _id = ?)")?
        .query_row([project.to_string()], |row| row.get(0))?;
    if !is_there {
        return Ok(Swapped::NoProject);
    }
    let found = get(tx, project)?;
    let is_same = match (&found, old) {
        (None, None) => true,
        (Some(found), Some(old)) => found.is_same(old),
        _ => false,
    };
    if !is_same {
        return Ok(Swapped::Lost(found));
    }
    tx.prepare_cached(
        "INSERT OR REPLACE INTO leases (output_project_id, node_id, node_name, epoch, beat, term_ms)
         VALUES (?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        project.to_string(),
        new.node.as_ref().map(|node| node.id.to_string()),
        new.node.as_ref().map(|node| &node.name),
        columns::count(new.epoch)?,
        columns::count(new.beat)?,
        columns::millis(new.term)?,
    ])?;
    Ok(Swapped::Won)
}

//! The claude session ids of a project in SQL: the current id by compare-and-set, the history
//! append-only.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction, params};
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    identity::{HistoryEntry, rotated},
    project::HookCursor,
};

use super::{
    columns::{self, Columns},
    failure::Failure,
    lease,
};
use crate::{Rotated, Rotation};

pub(super) fn history(tx: &Transaction<'_>, project: Id) -> Result<Vec<HistoryEntry>, Failure> {
    let mut query = tx.prepare_cached(
        "SELECT * FROM claude_session_history WHERE output_project_id = ? ORDER BY n",
    )?;
    let entries = query.query_map([project.to_string()], |row| {
        Ok(HistoryEntry {
            id: row.required("id", row.parsed("id")?)?,
            since: row.required("since", row.time("since")?)?,
            until: row.time("until")?,
            source: row.word("source")?,
            reason: row.get("reason")?,
            transcript_path: row.path("transcript_path")?,
            spoke: row.get("spoke")?,
        })
    })?;
    Ok(entries.collect::<Result<_, _>>()?)
}

pub(super) fn append(
    tx: &Transaction<'_>,
    project: Id,
    entry: &HistoryEntry,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO claude_session_history
            (output_project_id, id, since, until, source, reason, transcript_path, spoke)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        project.to_string(),
        entry.id.to_string(),
        entry.since.as_millisecond(),
        entry.until.map(|until| until.as_millisecond()),
        entry.source.as_str(),
        entry.reason,
        entry
            .transcript_path
            .as_deref()
            .map(columns::path)
            .transpose()?,
        entry.spoke,
    ])?;
    Ok(())
}

pub(super) fn rotate(
    tx: &Transaction<'_>,
    project: Id,
    rotation: &Rotation,
) -> Result<Rotated, Failure> {
    let found = tx
        .prepare_cached(
            "SELECT claude_session_id, identity_cursor_session_id, identity_cursor_seq
             FROM output_projects WHERE _id = ?",
        )?
        .query_row([project.to_string()], |row| {
            Ok((row.parsed::<Uuid>("claude_session_id")?, cursor(row)?))
        })
        .optional()?;
    let Some((current, last)) = found else {
        return Ok(Rotated::NoProject);
    };
    if lease::is_fenced(tx, project, rotation.fence)? {
        return Ok(Rotated::Fenced);
    }
    if current != rotation.old || rotation.cursor.is_some_and(|cursor| cursor.is_behind(last)) {
        return Ok(Rotated::Lost(current));
    }

    let history = rotated(
        history(tx, project)?,
        rotation.new,
        rotation.source,
        &rotation.reason,
        rotation.transcript_path.clone(),
        rotation.at,
    );
    if let [.., left, _] = history.as_slice() {
        // An index permits at most one entry without an end.
        tx.prepare_cached(
            "UPDATE claude_session_history SET until = ?, reason = ? WHERE output_project_id = ? AND until IS NULL",
        )?
        .execute(params![left.until.map(|until| until.as_millisecond()), left.reason, project.to_string()])?;
    }
    if let Some(entry) = history.last() {
        append(tx, project, entry)?;
    }
    let cursor = rotation.cursor.or(last);
    tx.prepare_cached(
        "UPDATE output_projects
         SET claude_session_id = ?, identity_cursor_session_id = ?, identity_cursor_seq = ? WHERE _id = ?",
    )?
    .execute(params![
        rotation.new.to_string(),
        cursor.map(|cursor| cursor.session_id.to_string()),
        cursor.map(|cursor| columns::count(cursor.seq)).transpose()?,
        project.to_string(),
    ])?;
    Ok(Rotated::Won)
}

pub(super) fn note(
    tx: &Transaction<'_>,
    project: Id,
    conversation: Uuid,
    spoke: bool,
    transcript_path: Option<&Path>,
) -> Result<bool, Failure> {
    let changed = tx
        .prepare_cached(
            "UPDATE claude_session_history
             SET spoke = spoke OR ?3, transcript_path = coalesce(?4, transcript_path)
             WHERE n = (SELECT max(n) FROM claude_session_history WHERE output_project_id = ?1 AND id = ?2)",
        )?
        .execute(params![
            project.to_string(),
            conversation.to_string(),
            spoke,
            transcript_path.map(columns::path).transpose()?,
        ])?;
    Ok(changed > 0)
}

/// The hook cursor of a project's row.
pub(super) fn cursor(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<HookCursor>> {
    let session_id = row.parsed("identity_cursor_session_id")?;
    let seq = row.count("identity_cursor_seq")?;
    Ok(session_id
        .zip(seq)
        .map(|(session_id, seq)| HookCursor { session_id, seq }))
}

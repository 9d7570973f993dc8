//! The queue of a project in SQL: the next delivery, and the user's changes of waiting deliveries.

use rusqlite::{OptionalExtension, Transaction, params};
use wxcode_core::{delivery::Delivery, id::Id};

use super::{
    columns::{self, Columns},
    delivery::{beginning, get, read},
    failure::Failure,
    lease,
};
use crate::{Edit, Edited, Next, NextQuery, moved};

pub(super) fn next(tx: &Transaction<'_>, project: Id, query: NextQuery) -> Result<Next, Failure> {
    let now = query.now.as_millisecond();
    let project = project.to_string();
    let delivery = tx
        .prepare_cached(
            "SELECT * FROM deliveries
             WHERE output_project_id = ?1 AND state IN ('queued', 'written')
                AND (state = 'written' OR route = 'prompt' OR not_before IS NULL OR not_before <= ?2)
             ORDER BY state = 'written' OR route = 'prompt' DESC, (?3 AND steer) DESC, place LIMIT 1",
        )?
        .query_row(params![project, now, query.in_turn], read)
        .optional()?;
    let due_at = tx
        .prepare_cached(
            "SELECT min(not_before) AS due_at FROM deliveries
             WHERE output_project_id = ?1 AND state IN ('queued', 'written') AND not_before > ?2
                AND state = 'queued' AND route = 'typed'",
        )?
        .query_row(params![project, now], |row| row.time("due_at"))?;
    Ok(Next { delivery, due_at })
}

pub(super) fn edit(tx: &Transaction<'_>, edit: &Edit) -> Result<Edited, Failure> {
    let of_project = |id: Id| -> Result<Option<Delivery>, Failure> {
        Ok(get(tx, id)?.filter(|found| found.output_project_id == edit.output_project_id))
    };
    let Some(delivery) = of_project(edit.id)? else {
        return Ok(Edited::Missing);
    };
    if lease::is_fenced(tx, edit.output_project_id, edit.fence)? {
        return Ok(Edited::Fenced);
    }
    if !delivery.is_waiting() {
        return Ok(Edited::NotWaiting(delivery));
    }
    if let Some(before) = edit.before {
        match of_project(before)? {
            None => return Ok(Edited::PlaceMissing),
            Some(other) if !other.is_waiting() => return Ok(Edited::PlaceNotWaiting(other)),
            Some(_) => {}
        }
        reorder(tx, edit, before)?;
    }
    let edited = edit.of(&delivery);
    let (text, whole) = beginning(&edited.text);
    tx.prepare_cached(
        "UPDATE deliveries SET text = ?2, text_bytes = ?3, whole_text = ?4, not_before = ?5, edits = ?6, version = ?7,
            updated_at = ?8, error = NULL WHERE _id = ?1",
    )?
    .execute(params![
        edited.id.to_string(),
        text,
        whole
            .map(|whole| columns::count(whole.len() as u64))
            .transpose()?,
        whole,
        edited.not_before.map(|at| at.as_millisecond()),
        edited.edits,
        columns::count(edited.version)?,
        edited.updated_at.as_millisecond(),
    ])?;
    Ok(Edited::Done(edited))
}

/// Moves a waiting delivery before another waiting delivery.
fn reorder(tx: &Transaction<'_>, edit: &Edit, before: Id) -> Result<(), Failure> {
    let queue = tx
        .prepare_cached(
            "SELECT _id, place FROM deliveries
             WHERE output_project_id = ? AND state IN ('queued', 'written') AND state = 'queued' AND route = 'typed'
             ORDER BY place",
        )?
        .query_map([edit.output_project_id.to_string()], |row| {
            let id = row.required("_id", row.parsed("_id")?)?;
            Ok((id, row.required("place", row.count("place")?)?))
        })?
        .collect::<Result<Vec<(Id, u64)>, _>>()?;
    for (id, place) in moved(&queue, edit.id, before) {
        tx.prepare_cached(
            "UPDATE deliveries SET place = ?2, version = version + 1 WHERE _id = ?1",
        )?
        .execute(params![id.to_string(), columns::count(place)?])?;
    }
    Ok(())
}

//! Deliveries in SQL: queued once per key and milestone, moved by compare-and-set on the version.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::{self, Excerpt},
    id::Id,
    milestone::{MilestoneStatus, MovedBy, SUBMITTED},
    project::ProjectStatus,
};

use super::{
    columns::{self, Columns},
    failure::Failure,
    lease, milestone, project,
};
use crate::{Command, Listing, Moved, NewDelivery, Page, QUEUE_MAX, Queued, Step};

pub(super) fn queue(tx: &Transaction<'_>, new: &NewDelivery) -> Result<Queued, Failure> {
    let Some(first) = project::new_project_delivery(tx, new.output_project_id)? else {
        return Ok(Queued::Missing);
    };
    if let Some(found) = get(tx, new.id)? {
        Failure::unless_same(new.id, new.is_of(&found))?;
        return Ok(Queued::New(found));
    }
    if let Some(key) = &new.idempotency_key
        && let Some(existing) = by_key(tx, new.output_project_id, key)?
    {
        return Ok(Queued::Existing(existing));
    }
    if lease::is_fenced(tx, new.output_project_id, new.fence)? {
        return Ok(Queued::Fenced);
    }
    let (milestone_id, text, is_first) = match &new.command {
        Command::Text(text) => (None, text, false),
        Command::Milestone {
            id,
            new_project,
            new_milestone,
        } => {
            if let Some(answer) = not_startable(tx, new.output_project_id, *id)? {
                return Ok(answer);
            }
            let text = if first.is_none() {
                new_project
            } else {
                new_milestone
            };
            (Some(*id), text, first.is_none())
        }
    };
    if open_count(tx, new.output_project_id)? >= QUEUE_MAX {
        return Ok(Queued::Full);
    }

    let delivery = new.queued(milestone_id, text);
    insert(tx, &delivery)?;
    if let Some(milestone_id) = milestone_id {
        milestone::link(tx, milestone_id, new.id)?;
    }
    if is_first {
        project::hold_new_project(tx, new.output_project_id, new.id)?;
    }
    Ok(Queued::New(delivery))
}

/// Returns the answer for a milestone whose command must not be queued now.
fn not_startable(tx: &Transaction<'_>, project: Id, id: Id) -> Result<Option<Queued>, Failure> {
    let Some(milestone) =
        milestone::get(tx, id)?.filter(|found| found.output_project_id == project)
    else {
        return Ok(Some(Queued::Missing));
    };
    let earlier = match milestone.delivery_id {
        Some(delivery) => get(tx, delivery)?,
        None => None,
    };
    Ok(Queued::instead(milestone.status, earlier))
}

pub(super) fn step(tx: &Transaction<'_>, step: &Step) -> Result<Option<Delivery>, Failure> {
    if lease::is_fenced(tx, step.project, step.fence)? {
        return Ok(None);
    }
    let changed = tx
        .prepare_cached(
            "UPDATE deliveries SET state = ?3, attempts = ?4, error = ?5, session_id = ?6, route = ?7,
                after_seq = ?8, version = version + 1, updated_at = ?9, typings = ?10
             WHERE _id = ?1 AND version = ?2 AND state IN ('queued', 'written')",
        )?
        .execute(params![
            step.id.to_string(),
            columns::count(step.version)?,
            step.state.as_str(),
            step.attempts,
            step.error,
            step.session_id.map(|id| id.to_string()),
            step.route.as_str(),
            step.after_seq.map(columns::count).transpose()?,
            step.at.as_millisecond(),
            step.typings,
        ])?;
    if changed == 0 {
        return Ok(None);
    }
    let Some(delivery) = get(tx, step.id)? else {
        return Ok(None);
    };
    match (delivery.state, delivery.milestone_id) {
        (DeliveryState::Submitted, Some(id)) => {
            milestone::advance(
                tx,
                id,
                MilestoneStatus::Pending,
                MilestoneStatus::InProgress,
                &Moved {
                    by: MovedBy::Delivery,
                    reason: Some(SUBMITTED.to_owned()),
                    at: step.at,
                    fence: None,
                },
            )?;
            let project = delivery.output_project_id;
            project::advance(
                tx,
                project,
                ProjectStatus::Created,
                ProjectStatus::Initialized,
                step.at,
            )?;
        }
        (DeliveryState::Failed, milestone) => {
            project::give_back_new_project(tx, step.id)?;
            if let Some(id) = milestone {
                milestone::note_failure(tx, id, step.id, delivery.error.as_deref())?;
            }
        }
        _ => {}
    }
    Ok(Some(delivery))
}

pub(super) fn restore(tx: &Transaction<'_>, delivery: &Delivery) -> Result<bool, Failure> {
    if project::new_project_delivery(tx, delivery.output_project_id)?.is_none() {
        return Ok(false);
    }
    if let Some(found) = get(tx, delivery.id)? {
        Failure::unless_same(delivery.id, found == *delivery)?;
        return Ok(true);
    }
    insert(tx, delivery)?;
    Ok(true)
}

/// Fails the delivery of a milestone if the delivery is still queued.
pub(super) fn fail_queued_of(
    tx: &Transaction<'_>,
    milestone: Id,
    error: &str,
    at: Timestamp,
) -> Result<(), Failure> {
    let failed: Option<Id> = tx
        .prepare_cached(
            "UPDATE deliveries SET state = 'failed', error = ?2, version = version + 1, updated_at = ?3
             WHERE _id = (SELECT delivery_id FROM milestones WHERE _id = ?1) AND state = 'queued'
             RETURNING _id",
        )?
        .query_row(params![milestone.to_string(), error, at.as_millisecond()], |row| {
            row.required("_id", row.parsed("_id")?)
        })
        .optional()?;
    failed.map_or(Ok(()), |delivery| {
        project::give_back_new_project(tx, delivery)
    })
}

pub(super) fn get(tx: &Transaction<'_>, id: Id) -> Result<Option<Delivery>, Failure> {
    Ok(tx
        .prepare_cached("SELECT * FROM deliveries WHERE _id = ?")?
        .query_row([id.to_string()], read)
        .optional()?)
}

pub(super) fn list(
    tx: &Transaction<'_>,
    project: Id,
    page: Page,
) -> Result<Listing<Excerpt<Delivery>>, Failure> {
    let (limit, skip) = columns::window(page);
    let project = project.to_string();
    let items = tx
        .prepare_cached(&format!(
            "SELECT {LISTED} FROM deliveries WHERE output_project_id = ? ORDER BY place LIMIT ? OFFSET ?",
        ))?
        .query_map(params![project, limit, skip], read_excerpt)?
        .collect::<Result<_, _>>()?;
    let total = tx
        .prepare_cached("SELECT count(*) AS total FROM deliveries WHERE output_project_id = ?")?
        .query_row([project], |row| row.required("total", row.count("total")?))?;
    Ok(Listing { items, total })
}

pub(super) fn open(tx: &Transaction<'_>, project: Id) -> Result<Vec<Excerpt<Delivery>>, Failure> {
    let mut query = tx.prepare_cached(&format!(
        "SELECT {LISTED} FROM deliveries
         WHERE output_project_id = ? AND state IN ('queued', 'written') ORDER BY place",
    ))?;
    let open = query.query_map([project.to_string()], read_excerpt)?;
    Ok(open.collect::<Result<_, _>>()?)
}

pub(super) fn projects_with_open(tx: &Transaction<'_>) -> Result<Vec<Id>, Failure> {
    let mut query = tx.prepare_cached(
        "SELECT DISTINCT output_project_id FROM deliveries WHERE state IN ('queued', 'written')",
    )?;
    let projects = query.query_map([], |row| {
        row.required("output_project_id", row.parsed("output_project_id")?)
    })?;
    Ok(projects.collect::<Result<_, _>>()?)
}

fn by_key(tx: &Transaction<'_>, project: Id, key: &str) -> Result<Option<Delivery>, Failure> {
    Ok(tx
        .prepare_cached(
            "SELECT * FROM deliveries WHERE output_project_id = ? AND idempotency_key = ?",
        )?
        .query_row(params![project.to_string(), key], read)
        .optional()?)
}

fn open_count(tx: &Transaction<'_>, project: Id) -> Result<u64, Failure> {
    Ok(tx
        .prepare_cached(
            "SELECT count(*) AS open FROM deliveries WHERE output_project_id = ? AND state IN ('queued', 'written')",
        )?
        .query_row([project.to_string()], |row| row.required("open", row.count("open")?))?)
}

fn insert(tx: &Transaction<'_>, delivery: &Delivery) -> Result<(), Failure> {
    let (text, whole) = beginning(&delivery.text);
    tx.prepare_cached(
        "INSERT INTO deliveries
            (_id, output_project_id, milestone_id, text, state, attempts, error, idempotency_key, session_id,
             route, after_seq, version, created_at, updated_at, text_bytes, whole_text, typings, not_before, steer,
             edits, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
            (SELECT coalesce(max(place), 0) + 1 FROM deliveries WHERE output_project_id = ?2))",
    )?
    .execute(params![
        delivery.id.to_string(),
        delivery.output_project_id.to_string(),
        delivery.milestone_id.map(|id| id.to_string()),
        text,
        delivery.state.as_str(),
        delivery.attempts,
        delivery.error,
        delivery.idempotency_key,
        delivery.session_id.map(|id| id.to_string()),
        delivery.route.as_str(),
        delivery.after_seq.map(columns::count).transpose()?,
        columns::count(delivery.version)?,
        delivery.created_at.as_millisecond(),
        delivery.updated_at.as_millisecond(),
        whole.map(|whole| columns::count(whole.len() as u64)).transpose()?,
        whole,
        delivery.typings,
        delivery.not_before.map(|at| at.as_millisecond()),
        delivery.steer,
        delivery.edits,
    ])?;
    Ok(())
}

/// The beginning of a text, and the whole of a long text.
pub(super) fn beginning(text: &str) -> (&str, Option<&str>) {
    let beginning = excerpt::beginning(text);
    (beginning, (beginning.len() < text.len()).then_some(text))
}

/// The columns for lists: all but the whole text.
const LISTED: &str =
    "_id, output_project_id, milestone_id, text, state, attempts, error, idempotency_key,
    session_id, route, version, created_at, updated_at, after_seq, text_bytes, typings, not_before, steer, edits";

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let mut delivery = read_listed(row)?;
    if let Some(whole) = row.get("whole_text")? {
        delivery.text = whole;
    }
    Ok(delivery)
}

fn read_excerpt(row: &Row<'_>) -> rusqlite::Result<Excerpt<Delivery>> {
    let delivery = read_listed(row)?;
    let length = delivery.text.len();
    Ok(Excerpt::new(delivery, length, row.count("text_bytes")?))
}

/// Converts a row to a delivery, with the beginning of a long text.
fn read_listed(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.required("_id", row.parsed("_id")?)?,
        output_project_id: row.required("output_project_id", row.parsed("output_project_id")?)?,
        milestone_id: row.parsed("milestone_id")?,
        text: row.get("text")?,
        state: row.word("state")?,
        attempts: row.get("attempts")?,
        error: row.get("error")?,
        idempotency_key: row.get("idempotency_key")?,
        session_id: row.parsed("session_id")?,
        route: row.word("route")?,
        after_seq: row.count("after_seq")?,
        not_before: row.time("not_before")?,
        steer: row.get("steer")?,
        edits: row.get("edits")?,
        typings: row.get("typings")?,
        version: row.required("version", row.count("version")?)?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        updated_at: row.required("updated_at", row.time("updated_at")?)?,
    })
}

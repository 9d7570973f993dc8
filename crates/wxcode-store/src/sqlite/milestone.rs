//! Milestones in SQL.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::{self, Excerpt},
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
};

use super::{
    columns::{self, Columns},
    delivery,
    failure::Failure,
    lease, project,
};
use crate::{Added, Listing, MilestoneEdit, MilestoneEdited, Moved, Page, Removed, kept};

/// Most projects of a question for milestones in work.
#[expect(clippy::cast_possible_truncation, reason = "a thousand")]
const PAGES_PROJECTS: usize = crate::PAGE_MAX as usize;

pub(super) fn add(tx: &Transaction<'_>, milestone: &Milestone) -> Result<Added, Failure> {
    if project::new_project_delivery(tx, milestone.output_project_id)?.is_none() {
        return Ok(Added::NoProject);
    }
    if let Some(found) = get(tx, milestone.id)? {
        Failure::unless_same(milestone.id, found == kept::milestone(milestone))?;
        return Ok(Added::Added);
    }
    let duplicate = tx
        .prepare_cached("SELECT 1 FROM milestones WHERE output_project_id = ? AND element_id = ?")?
        .exists(params![
            milestone.output_project_id.to_string(),
            milestone.element_id
        ])?;
    if duplicate {
        return Ok(Added::DuplicateElement);
    }
    let context = Context::of(milestone)?;
    tx.prepare_cached(
        "INSERT INTO milestones
            (_id, output_project_id, element_id, element_name, status, status_by, status_reason, context,
             wxcode_version, milestone_folder_name, delivery_id, created_at, updated_at, completed_at,
             context_bytes, whole_context)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        milestone.id.to_string(),
        milestone.output_project_id.to_string(),
        milestone.element_id,
        milestone.element_name,
        milestone.status.as_str(),
        milestone.status_by.map(MovedBy::as_str),
        milestone.status_reason,
        context.beginning,
        milestone.wxcode_version,
        milestone.milestone_folder_name,
        milestone.delivery_id.map(|id| id.to_string()),
        milestone.created_at.as_millisecond(),
        milestone.updated_at.map(|at| at.as_millisecond()),
        milestone.completed_at.map(|at| at.as_millisecond()),
        context.bytes,
        context.whole,
    ])?;
    Ok(Added::Added)
}

/// The columns of a context.
struct Context<'a> {
    beginning: Option<&'a str>,
    /// The length and the text of a long context.
    bytes: Option<i64>,
    whole: Option<&'a str>,
}

impl<'a> Context<'a> {
    fn of(milestone: &'a Milestone) -> Result<Self, Failure> {
        let context = milestone.context.as_deref();
        let beginning = context.map(excerpt::beginning);
        let whole = context
            .filter(|whole| beginning.is_some_and(|beginning| beginning.len() < whole.len()));
        let bytes = whole.map(|whole| columns::count(whole.len() as u64));
        Ok(Self {
            beginning,
            bytes: bytes.transpose()?,
            whole,
        })
    }
}

pub(super) fn get(tx: &Transaction<'_>, id: Id) -> Result<Option<Milestone>, Failure> {
    Ok(tx
        .prepare_cached("SELECT * FROM milestones WHERE _id = ?")?
        .query_row([id.to_string()], read)
        .optional()?)
}

pub(super) fn list(
    tx: &Transaction<'_>,
    project: Id,
    status: Option<MilestoneStatus>,
    page: Page,
) -> Result<Listing<Excerpt<Milestone>>, Failure> {
    let (project, status) = (project.to_string(), status.map(MilestoneStatus::as_str));
    let (limit, skip) = columns::window(page);
    let mut query = tx.prepare_cached(&format!(
        "SELECT {LISTED} FROM milestones WHERE output_project_id = ?1 AND (?2 IS NULL OR status = ?2)
         ORDER BY n LIMIT ?3 OFFSET ?4",
    ))?;
    let items = query
        .query_map(params![project, status, limit, skip], read_excerpt)?
        .collect::<Result<_, _>>()?;
    let total = tx
        .prepare_cached(
            "SELECT count(*) AS total FROM milestones
             WHERE output_project_id = ?1 AND (?2 IS NULL OR status = ?2)",
        )?
        .query_row(params![project, status], |row| {
            row.required("total", row.count("total")?)
        })?;
    Ok(Listing { items, total })
}

pub(super) fn in_work(tx: &Transaction<'_>, projects: &[Id]) -> Result<Vec<Milestone>, Failure> {
    let mut query = tx.prepare_cached(&format!(
        "SELECT {LISTED} FROM milestones WHERE output_project_id = ? AND status = 'in_progress'
         ORDER BY n DESC LIMIT 1",
    ))?;
    let projects = projects.iter().take(PAGES_PROJECTS);
    projects
        .filter_map(|project| {
            let found = query
                .query_row([project.to_string()], read_excerpt)
                .optional();
            found.transpose()
        })
        .map(|found| Ok(found?.record))
        .collect()
}

pub(super) fn advance(
    tx: &Transaction<'_>,
    id: Id,
    from: MilestoneStatus,
    to: MilestoneStatus,
    moved: &Moved,
) -> Result<Option<Milestone>, Failure> {
    let at = moved.at;
    if moved.fence.is_some()
        && let Some(milestone) = get(tx, id)?
        && lease::is_fenced(tx, milestone.output_project_id, moved.fence)?
    {
        return Ok(None);
    }
    let completed_at = (to == MilestoneStatus::Completed).then_some(at);
    let changed = tx
        .prepare_cached(
            "UPDATE milestones SET status = ?3, updated_at = ?4, completed_at = ?5, status_by = ?6, status_reason = ?7
             WHERE _id = ?1 AND status = ?2",
        )?
        .execute(params![
            id.to_string(),
            from.as_str(),
            to.as_str(),
            at.as_millisecond(),
            completed_at.map(|at| at.as_millisecond()),
            moved.by.as_str(),
            moved.reason,
        ])?;
    if changed == 0 {
        return Ok(None);
    }
    match (from, to) {
        (_, MilestoneStatus::Pending) => {
            // A delivery on its way stays: dropping it would let a second command follow.
            tx.prepare_cached(
                "UPDATE milestones SET delivery_id = NULL WHERE _id = ? AND delivery_id NOT IN
                    (SELECT _id FROM deliveries WHERE state IN ('queued', 'written'))",
            )?
            .execute([id.to_string()])?;
        }
        (MilestoneStatus::Pending, MilestoneStatus::Failed) => {
            delivery::fail_queued_of(tx, id, "the milestone was given up", at)?;
        }
        _ => {}
    }
    get(tx, id)
}

pub(super) fn edit(
    tx: &Transaction<'_>,
    id: Id,
    edit: &MilestoneEdit,
) -> Result<MilestoneEdited, Failure> {
    let Some(milestone) = get(tx, id)? else {
        return Ok(MilestoneEdited::Missing);
    };
    if lease::is_fenced(tx, milestone.output_project_id, edit.fence)? {
        return Ok(MilestoneEdited::Fenced);
    }
    let delivery = carrier(tx, &milestone)?;
    if !edit.suits(&milestone, delivery.as_ref()) {
        return Ok(MilestoneEdited::NotPending(milestone.status));
    }
    let edited = edit.of(&milestone);
    let context = Context::of(&edited)?;
    tx.prepare_cached(
        "UPDATE milestones SET element_name = ?2, context = ?3, context_bytes = ?4,
            whole_context = ?5, updated_at = ?6
         WHERE _id = ?1",
    )?
    .execute(params![
        id.to_string(),
        edited.element_name,
        context.beginning,
        context.bytes,
        context.whole,
        edited.updated_at.map(|at| at.as_millisecond()),
    ])?;
    Ok(MilestoneEdited::Done(edited))
}

/// The delivery of the milestone's command.
fn carrier(tx: &Transaction<'_>, milestone: &Milestone) -> Result<Option<Delivery>, Failure> {
    match milestone.delivery_id {
        Some(delivery) => delivery::get(tx, delivery),
        None => Ok(None),
    }
}

pub(super) fn remove(
    tx: &Transaction<'_>,
    id: Id,
    at: Timestamp,
    fence: Option<u64>,
) -> Result<Removed, Failure> {
    let Some(milestone) = get(tx, id)? else {
        return Ok(Removed::Missing);
    };
    if lease::is_fenced(tx, milestone.output_project_id, fence)? {
        return Ok(Removed::Fenced);
    }
    let state = carrier(tx, &milestone)?.map(|delivery| delivery.state);
    let on_its_way = matches!(
        state,
        Some(DeliveryState::Written | DeliveryState::Submitted)
    );
    if milestone.status != MilestoneStatus::Pending || on_its_way {
        return Ok(Removed::NotPending(milestone.status));
    }
    delivery::fail_queued_of(tx, id, "the milestone was deleted", at)?;
    tx.prepare_cached("DELETE FROM milestones WHERE _id = ?")?
        .execute([id.to_string()])?;
    Ok(Removed::Removed)
}

/// Records on a pending milestone that its `delivery` failed.
pub(super) fn note_failure(
    tx: &Transaction<'_>,
    id: Id,
    delivery: Id,
    error: Option<&str>,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "UPDATE milestones SET status_by = ?3, status_reason = ?4
         WHERE _id = ?1 AND delivery_id = ?2 AND status = 'pending'",
    )?
    .execute(params![
        id.to_string(),
        delivery.to_string(),
        MovedBy::Delivery.as_str(),
        error
    ])?;
    Ok(())
}

/// Makes `delivery` the carrier of the milestone's command.
pub(super) fn link(tx: &Transaction<'_>, id: Id, delivery: Id) -> Result<(), Failure> {
    tx.prepare_cached("UPDATE milestones SET delivery_id = ? WHERE _id = ?")?
        .execute([delivery.to_string(), id.to_string()])?;
    Ok(())
}

/// The columns for lists: all but the whole context.
const LISTED: &str = "_id, output_project_id, element_id, element_name, status, context, wxcode_version,
    milestone_folder_name, delivery_id, created_at, updated_at, completed_at, status_by, status_reason,
    context_bytes";

fn read(row: &Row<'_>) -> rusqlite::Result<Milestone> {
    let mut milestone = read_listed(row)?;
    if let Some(whole) = row.get("whole_context")? {
        milestone.context = Some(whole);
    }
    Ok(milestone)
}

fn read_excerpt(row: &Row<'_>) -> rusqlite::Result<Excerpt<Milestone>> {
    let milestone = read_listed(row)?;
    let length = milestone.context.as_ref().map_or(0, String::len);
    Ok(Excerpt::new(milestone, length, row.count("context_bytes")?))
}

/// Converts a row to a milestone, with the beginning of a long context.
fn read_listed(row: &Row<'_>) -> rusqlite::Result<Milestone> {
    Ok(Milestone {
        id: row.required("_id", row.parsed("_id")?)?,
        output_project_id: row.required("output_project_id", row.parsed("output_project_id")?)?,
        element_id: row.get("element_id")?,
        element_name: row.get("element_name")?,
        status: row.word("status")?,
        status_by: row.word_or_null("status_by")?,
        status_reason: row.get("status_reason")?,
        context: row.get("context")?,
        wxcode_version: row.get("wxcode_version")?,
        milestone_folder_name: row.get("milestone_folder_name")?,
        delivery_id: row.parsed("delivery_id")?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        updated_at: row.time("updated_at")?,
        completed_at: row.time("completed_at")?,
    })
}

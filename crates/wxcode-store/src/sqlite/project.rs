//! Output projects in SQL.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use wxcode_core::{
    id::Id,
    project::{AgentSettings, OutputProject, ProjectStatus},
};

use super::{
    columns::{self, Columns},
    failure::Failure,
    identity,
};
use crate::{Listing, Page, ProjectPatch, kept};

pub(super) fn add(tx: &Transaction<'_>, project: &OutputProject) -> Result<(), Failure> {
    if let Some(found) = get(tx, project.id)? {
        return Failure::unless_same(project.id, found == kept::project(project));
    }
    is_free(tx, project.id, &project.workspace_path)?;
    insert(tx, project, true)
}

/// Adds a project; if another project has the folder, both share the folder.
pub(super) fn restore(tx: &Transaction<'_>, project: &OutputProject) -> Result<(), Failure> {
    if let Some(found) = get(tx, project.id)? {
        return Failure::unless_same(project.id, found == kept::project(project));
    }
    let owns = match is_free(tx, project.id, &project.workspace_path) {
        Ok(()) => true,
        Err(Failure::WorkspaceTaken { .. }) => false,
        Err(failure) => return Err(failure),
    };
    insert(tx, project, owns)
}

/// Checks that no project but `id` has the folder, also as a shared folder. The unique index guards
/// the folder afterwards.
fn is_free(tx: &Transaction<'_>, id: Id, folder: &Path) -> Result<(), Failure> {
    let owner = tx
        .prepare_cached(
            "SELECT _id, name FROM output_projects WHERE workspace_path = ? AND _id <> ?
             ORDER BY workspace_owned IS NULL, n LIMIT 1",
        )?
        .query_row(params![columns::path(folder)?, id.to_string()], |row| {
            Ok((row.required("_id", row.parsed("_id")?)?, row.get("name")?))
        })
        .optional()?;
    owner.map_or(Ok(()), |(project, name)| {
        Err(Failure::WorkspaceTaken { project, name })
    })
}

fn insert(tx: &Transaction<'_>, project: &OutputProject, owns: bool) -> Result<(), Failure> {
    let folder = columns::path(&project.workspace_path)?;
    tx.prepare_cached(
        "INSERT INTO output_projects
            (_id, kb_id, name, stack_id, configuration_id, workspace_path, status, claude_session_id,
             identity_cursor_session_id, identity_cursor_seq, new_project_delivery, created_at, updated_at,
             workspace_owned, settings)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        project.id.to_string(),
        project.kb_id,
        project.name,
        project.stack_id,
        project.configuration_id,
        folder,
        project.status.as_str(),
        project.claude_session_id.map(|id| id.to_string()),
        project.identity_cursor.map(|cursor| cursor.session_id.to_string()),
        project.identity_cursor.map(|cursor| columns::count(cursor.seq)).transpose()?,
        project.new_project_delivery.map(|id| id.to_string()),
        project.created_at.as_millisecond(),
        project.updated_at.as_millisecond(),
        owns.then_some(folder),
        written(&project.settings)?,
    ])?;
    project
        .claude_session_history
        .iter()
        .try_for_each(|entry| identity::append(tx, project.id, entry))
}

pub(super) fn get(tx: &Transaction<'_>, id: Id) -> Result<Option<OutputProject>, Failure> {
    let found = tx
        .prepare_cached("SELECT * FROM output_projects WHERE _id = ?")?
        .query_row([id.to_string()], read)
        .optional()?;
    found.map(|project| with_history(tx, project)).transpose()
}

pub(super) fn list(tx: &Transaction<'_>, page: Page) -> Result<Listing<OutputProject>, Failure> {
    let mut query =
        tx.prepare_cached("SELECT * FROM output_projects ORDER BY n LIMIT ? OFFSET ?")?;
    let items = query
        .query_map(columns::window(page), read)?
        .map(|project| with_history(tx, project?))
        .collect::<Result<_, Failure>>()?;
    let total = tx
        .prepare_cached("SELECT count(*) AS total FROM output_projects")?
        .query_row([], |row| row.required("total", row.count("total")?))?;
    Ok(Listing { items, total })
}

pub(super) fn metered(tx: &Transaction<'_>, limit: u64) -> Result<Vec<OutputProject>, Failure> {
    // Most projects have no settings of their own, and the rest of them no such one.
    let mut query = tx.prepare_cached(
        "SELECT * FROM output_projects
         WHERE settings LIKE '%\"usage_metrics\":true%'
            AND json_valid(settings) AND json_extract(settings, '$.usage_metrics') = 1
         ORDER BY n LIMIT ? OFFSET ?",
    )?;
    query
        .query_map(columns::window(Page { skip: 0, limit }), read)?
        .map(|project| with_history(tx, project?))
        .collect()
}

pub(super) fn patch(
    tx: &Transaction<'_>,
    id: Id,
    patch: &ProjectPatch,
    at: Timestamp,
) -> Result<Option<OutputProject>, Failure> {
    let folder = match &patch.workspace_path {
        Some(folder) => {
            is_free(tx, id, folder)?;
            Some(columns::path(folder)?)
        }
        None => None,
    };
    let Some(before) = get(tx, id)? else {
        return Ok(None);
    };
    tx.prepare_cached(
        "UPDATE output_projects SET
            name = coalesce(?2, name),
            workspace_path = coalesce(?8, workspace_path),
            workspace_owned = coalesce(?8, workspace_owned),
            stack_id = iif(?3, ?4, stack_id),
            configuration_id = iif(?5, ?6, configuration_id),
            settings = ?9,
            updated_at = ?7
         WHERE _id = ?1",
    )?
    .execute(params![
        id.to_string(),
        patch.name,
        patch.stack_id.is_some(),
        patch.stack_id.as_ref().and_then(Option::as_ref),
        patch.configuration_id.is_some(),
        patch.configuration_id.as_ref().and_then(Option::as_ref),
        at.as_millisecond(),
        folder,
        written(&patch.settings.apply(before.settings))?,
    ])?;
    get(tx, id)
}

pub(super) fn advance(
    tx: &Transaction<'_>,
    id: Id,
    from: ProjectStatus,
    to: ProjectStatus,
    at: Timestamp,
) -> Result<bool, Failure> {
    let changed = tx
        .prepare_cached("UPDATE output_projects SET status = ?3, updated_at = ?4 WHERE _id = ?1 AND status = ?2")?
        .execute(params![id.to_string(), from.as_str(), to.as_str(), at.as_millisecond()])?;
    Ok(changed > 0)
}

/// Removes a project; foreign keys remove the project's history, milestones and deliveries.
pub(super) fn remove(tx: &Transaction<'_>, id: Id) -> Result<bool, Failure> {
    let removed = tx
        .prepare_cached("DELETE FROM output_projects WHERE _id = ?")?
        .execute([id.to_string()])?;
    Ok(removed > 0)
}

/// The delivery of the project's first command; the outer `Option` is `None` without the project.
pub(super) fn new_project_delivery(
    tx: &Transaction<'_>,
    id: Id,
) -> Result<Option<Option<Id>>, Failure> {
    Ok(tx
        .prepare_cached("SELECT new_project_delivery FROM output_projects WHERE _id = ?")?
        .query_row([id.to_string()], |row| row.parsed("new_project_delivery"))
        .optional()?)
}

/// Makes `delivery` the carrier of the project's first command.
pub(super) fn hold_new_project(tx: &Transaction<'_>, id: Id, delivery: Id) -> Result<(), Failure> {
    tx.prepare_cached("UPDATE output_projects SET new_project_delivery = ? WHERE _id = ?")?
        .execute([delivery.to_string(), id.to_string()])?;
    Ok(())
}

/// Frees the project's first command for the next milestone, if `delivery` carried it.
pub(super) fn give_back_new_project(tx: &Transaction<'_>, delivery: Id) -> Result<(), Failure> {
    tx.prepare_cached(
        "UPDATE output_projects SET new_project_delivery = NULL
         WHERE _id = (SELECT output_project_id FROM deliveries WHERE _id = ?1) AND new_project_delivery = ?1",
    )?
    .execute([delivery.to_string()])?;
    Ok(())
}

/// The column of settings.
fn written(settings: &AgentSettings) -> Result<Option<String>, Failure> {
    if settings.is_default() {
        return Ok(None);
    }
    let written = serde_json::to_string(settings);
    let written = written.map_err(|error| {
        Failure::Refused(format!("the settings cannot be kept: {error}; change them"))
    })?;
    Ok(Some(written))
}

fn with_history(tx: &Transaction<'_>, project: OutputProject) -> Result<OutputProject, Failure> {
    Ok(OutputProject {
        claude_session_history: identity::history(tx, project.id)?,
        ..project
    })
}

/// Converts a row to a project, without the history.
fn read(row: &Row<'_>) -> rusqlite::Result<OutputProject> {
    Ok(OutputProject {
        id: row.required("_id", row.parsed("_id")?)?,
        kb_id: row.get("kb_id")?,
        name: row.get("name")?,
        stack_id: row.get("stack_id")?,
        configuration_id: row.get("configuration_id")?,
        workspace_path: row.required("workspace_path", row.path("workspace_path")?)?,
        settings: row.json("settings")?.unwrap_or_default(),
        status: row.word("status")?,
        claude_session_id: row.parsed("claude_session_id")?,
        claude_session_history: Vec::new(),
        identity_cursor: identity::cursor(row)?,
        new_project_delivery: row.parsed("new_project_delivery")?,
        created_at: row.required("created_at", row.time("created_at")?)?,
        updated_at: row.required("updated_at", row.time("updated_at")?)?,
    })
}

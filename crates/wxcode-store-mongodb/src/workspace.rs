//! Assigns a workspace folder to a single project, by a unique index on a field of our own,
//! `wxcode.workspace`.
//!
//! The first implementation does not know the field, and its projects may share a folder. The store
//! refuses our projects a folder of such a project too; nothing prevents a clash with a project
//! added at the same moment.

use std::path::Path;

use mongodb::bson::{Document, doc};
use wxcode_core::{id::Id, project::OutputProject};

use crate::{
    attempt::Attempt,
    failure::Failure,
    fields::{self, Fields, oid},
    project,
    records::{PROJECTS, Records},
};

/// The canonical path of the project's own folder.
pub(crate) const FIELD: &str = "wxcode.workspace";

/// The condition of a field to be this text. The type selects the partial index: without it, the
/// database reads all projects.
fn equal(text: &str) -> Document {
    doc! { "$eq": text, "$type": "string" }
}

/// Checks that no project but `id` has the folder.
pub(crate) async fn is_free(records: &Records, id: Id, folder: &Path) -> Result<(), Failure> {
    let folder = fields::path(folder)?;
    // Our own field first: our projects own the folder.
    for field in [FIELD, "workspace_path"] {
        let others = records
            .projects
            .find_one(doc! { field: equal(folder), "_id": { "$ne": oid(id) } })
            .projection(doc! { "name": 1 });
        let Some(other) = records.ask(others).await? else {
            continue;
        };
        return Err(taken_by(&other)?);
    }
    Ok(())
}

/// Checks that no other project of ours has the folder, right after the store gave the folder to a
/// project of ours.
///
/// The unique index rejects such a second project, unless another program dropped the index. Two
/// simultaneous callers may both see each other, but at least one caller sees the other.
pub(crate) async fn is_own(records: &Records, id: Id, folder: &Path) -> Result<(), Failure> {
    let others = records
        .projects
        .find_one(doc! { FIELD: equal(fields::path(folder)?), "_id": { "$ne": oid(id) } })
        .projection(doc! { "name": 1 });
    match records.ask(others).await? {
        None => Ok(()),
        Some(other) => Err(taken_by(&other)?),
    }
}

/// The folder of a project, and the project's own folder, if any.
pub(crate) async fn paths(records: &Records, id: Id) -> Result<Option<Document>, Failure> {
    let found = records
        .projects
        .find_one(doc! { "_id": oid(id) })
        .projection(doc! { "workspace_path": 1, FIELD: 1 });
    records.ask(found).await
}

/// Takes the move of a project to `folder` back.
pub(crate) async fn return_to(
    records: &Records,
    id: Id,
    folder: &Path,
    before: &Document,
) -> Result<(), Failure> {
    let fields = Fields::of(PROJECTS, before);
    let mut set = doc! { "workspace_path": fields.get("workspace_path").cloned() };
    let mut update = doc! {};
    match fields.get(FIELD) {
        Some(own) => drop(set.insert(FIELD, own.clone())),
        None => drop(update.insert("$unset", doc! { FIELD: "" })),
    }
    update.insert("$set", set);
    let moved = doc! { "_id": oid(id), FIELD: fields::path(folder)? };
    let back = records.projects.update_one(moved, update);
    records.ask(back).await.map(drop)
}

fn taken_by(other: &Document) -> Result<Failure, Failure> {
    let fields = Fields::of(PROJECTS, other);
    Ok(Failure::WorkspaceTaken {
        project: fields.required("_id", fields.id("_id")?)?,
        name: fields.text("name")?.unwrap_or_default(),
    })
}

/// Adds a project of another store; if another project has the folder, both share the folder.
pub(crate) async fn restore(
    records: &Records,
    project: &OutputProject,
    attempt: Attempt,
) -> Result<(), Failure> {
    match project::add(records, project, attempt).await {
        Err(Failure::WorkspaceTaken { .. }) => {}
        answer => return answer,
    }
    let mut document = project::write(project, attempt)?;
    if let Ok(ours) = document.get_document_mut("wxcode") {
        ours.remove("workspace");
    }
    project::insert(records, project, document, attempt).await
}

/// The value in the unique index.
pub(crate) fn is_owned() -> Document {
    doc! { FIELD: { "$type": "string" } }
}

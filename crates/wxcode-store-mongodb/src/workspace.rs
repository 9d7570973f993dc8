//! Assigns a workspace folder to one project, by a unique index on a field of our own,
//! `wxcode.workspace`.
//!
//! The first implementation does not know this field, and its projects may share a folder. A
//! project of ours is refused a folder of theirs too; nothing prevents a clash with one added at
//! the same moment.

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

/// Checks that no project but `id` has the folder.
pub(crate) async fn is_free(records: &Records, id: Id, folder: &Path) -> Result<(), Failure> {
    let folder = fields::path(folder)?;
    // Ours first: they own the folder.
    for field in [FIELD, "workspace_path"] {
        let others = records
            .projects
            .find_one(doc! { field: folder, "_id": { "$ne": oid(id) } })
            .projection(doc! { "name": 1 });
        let Some(other) = records.ask(others).await? else {
            continue;
        };
        return Err(taken_by(&other)?);
    }
    Ok(())
}

/// Checks, after a folder was given to a project of ours, that no other project of ours has it.
///
/// The unique index rejects such a second project, unless another program dropped it. Two
/// simultaneous callers may both see each other, but never neither.
pub(crate) async fn is_own(records: &Records, id: Id, folder: &Path) -> Result<(), Failure> {
    let others = records
        .projects
        .find_one(doc! { FIELD: fields::path(folder)?, "_id": { "$ne": oid(id) } })
        .projection(doc! { "name": 1 });
    match records.ask(others).await? {
        None => Ok(()),
        Some(other) => Err(taken_by(&other)?),
    }
}

/// The folder of a project, and its own folder if it has one.
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

/// Adds a project of another store; it shares its folder if another project has it.
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

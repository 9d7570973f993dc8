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
        let fields = Fields::of(PROJECTS, &other);
        return Err(Failure::WorkspaceTaken {
            project: fields.required("_id", fields.id("_id")?)?,
            name: fields.text("name")?.unwrap_or_default(),
        });
    }
    Ok(())
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

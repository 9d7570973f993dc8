//! Whose a workspace folder is: a unique index on a field of our own, `wxcode.workspace`, keeps it to one project.
//!
//! The first implementation knows no such field, and its projects may share a folder. A project of ours is not
//! added beside one of those either; against one that is being added at the same moment nothing can be done.

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

/// The canonical path of the folder that the project has for itself.
pub(crate) const FIELD: &str = "wxcode.workspace";

/// That no project but `id` has the folder.
pub(crate) async fn is_free(records: &Records, id: Id, folder: &Path) -> Result<(), Failure> {
    let folder = fields::path(folder)?;
    // One of ours first: it has the folder for itself.
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

/// Adds a project of another store, beside one that has its folder, if there is one.
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

/// What the unique index covers.
pub(crate) fn is_owned() -> Document {
    doc! { FIELD: { "$type": "string" } }
}

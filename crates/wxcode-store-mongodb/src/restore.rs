//! Adds many projects of another store at once, each with all its records: a few requests for the
//! records of all of them.
//!
//! Invariant: a project is inserted after its records. So a project that exists is whole, and what
//! an interrupted try left behind belongs to no project.

use std::collections::{HashMap, HashSet};

use mongodb::{
    Collection,
    bson::{Bson, Document, doc},
    error::ErrorKind,
};
use wxcode_store::ProjectRecords;

use crate::{
    attempt::Attempt,
    delivery,
    failure::{DUPLICATE_KEY, Failure},
    fields::{self, Fields, oid},
    milestone, project,
    records::{PROJECTS, Records},
    workspace,
};

/// Adds the projects that the database does not have.
pub(crate) async fn projects(
    records: &Records,
    all: &[ProjectRecords],
    attempt: Attempt,
) -> Result<(), Failure> {
    let ids: Vec<Bson> = all.iter().map(|of| oid(of.project.id).into()).collect();
    let known = ids_of(records, doc! { "_id": { "$in": ids } }).await?;
    let new: Vec<&ProjectRecords> = all
        .iter()
        .filter(|of| !known.contains(&oid(of.project.id).to_hex()))
        .collect();
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<Bson> = new.iter().map(|of| oid(of.project.id).into()).collect();
    // What an interrupted try left, and the notes of earlier removals.
    let of_them = doc! { "output_project_id": { "$in": &ids } };
    records
        .ask(records.deliveries.delete_many(of_them.clone()))
        .await?;
    records.ask(records.milestones.delete_many(of_them)).await?;
    let notes = records.removals.delete_many(doc! { "_id": { "$in": ids } });
    records.ask(notes).await?;

    let (mut milestones, mut deliveries) = (Vec::new(), Vec::new());
    for of in &new {
        for one in &of.milestones {
            milestones.push(milestone::write(one, attempt));
        }
        for (number, one) in (1..).zip(&of.deliveries) {
            deliveries.push(delivery::document::write(one, number)?);
        }
    }
    insert(records, &records.milestones, milestones).await?;
    insert(records, &records.deliveries, deliveries).await?;
    let projects = written(records, &new, attempt).await?;
    insert(records, &records.projects, projects).await
}

/// The documents of the projects. Of several projects in one folder, the first one owns it.
async fn written(
    records: &Records,
    new: &[&ProjectRecords],
    attempt: Attempt,
) -> Result<Vec<Document>, Failure> {
    let mut folders = HashMap::new();
    for of in new {
        let folder = fields::path(&of.project.workspace_path)?;
        folders.insert(of.project.id, folder.to_owned());
    }
    let all: Vec<&String> = folders.values().collect();
    let owners = doc! { "$or": [
        { workspace::FIELD: { "$in": &all, "$type": "string" } },
        { "workspace_path": { "$in": &all } },
    ] };
    let owners = records
        .projects
        .find(owners)
        .projection(doc! { "workspace_path": 1, workspace::FIELD: 1 });
    let mut taken = HashSet::new();
    for owner in records.all(owners).await? {
        let fields = Fields::of(PROJECTS, &owner);
        for field in ["workspace_path", workspace::FIELD] {
            taken.extend(fields.text(field)?);
        }
    }
    let mut documents = Vec::new();
    for of in new {
        let mut document = project::write(&of.project, attempt)?;
        if let Ok(ours) = document.get_document_mut("wxcode") {
            let is_free = folders
                .remove(&of.project.id)
                .is_some_and(|folder| taken.insert(folder));
            if !is_free {
                ours.remove("workspace");
            }
            if let Ok(work) = ours.get_document_mut("work") {
                let open = of.deliveries.iter().filter(|one| !one.state.is_over());
                work.insert("queued", fields::count(of.deliveries.len() as u64)?);
                work.insert("open", fields::count(open.count() as u64)?);
            }
        }
        documents.push(document);
    }
    Ok(documents)
}

/// Inserts documents, in their order. Those that an earlier, equal request inserted stay.
async fn insert(
    records: &Records,
    collection: &Collection<Document>,
    documents: Vec<Document>,
) -> Result<(), Failure> {
    if documents.is_empty() {
        return Ok(());
    }
    let inserting = collection.insert_many(documents).ordered(false);
    match records.ask(inserting).await {
        Err(Failure::Driver(error)) => match error.kind.as_ref() {
            ErrorKind::InsertMany(many)
                if many.write_concern_error.is_none()
                    && many
                        .write_errors
                        .iter()
                        .flatten()
                        .all(|error| error.code == DUPLICATE_KEY) =>
            {
                Ok(())
            }
            _ => Err(Failure::Driver(error)),
        },
        answer => answer.map(drop),
    }
}

async fn ids_of(records: &Records, filter: Document) -> Result<HashSet<String>, Failure> {
    let found = records.projects.find(filter).projection(doc! { "_id": 1 });
    let found = records.all(found).await?;
    let ids = found
        .iter()
        .filter_map(|document| Some(document.get_object_id("_id").ok()?.to_hex()));
    Ok(ids.collect())
}

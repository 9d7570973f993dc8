//! Deliveries read: one, a project's list, the open ones.

use mongodb::bson::doc;
use wxcode_core::{delivery::Delivery, excerpt::Excerpt, id::Id};
use wxcode_store::{Listing, Page};

use super::{
    document::{listed, read, read_excerpt},
    of_open,
};
use crate::{
    failure::Failure,
    fields::{Fields, oid},
    reading,
    records::{self, PROJECTS, Records},
    repair,
};

pub(crate) async fn get(records: &Records, id: Id) -> Result<Option<Delivery>, Failure> {
    let found = reading::record(records, &records.deliveries, oid(id)).await?;
    found.as_ref().map(read).transpose()
}

pub(crate) async fn list(
    records: &Records,
    project: Id,
    page: Page,
) -> Result<Listing<Excerpt<Delivery>>, Failure> {
    let project = oid(project);
    let read = || async move {
        let filter = doc! { "output_project_id": project };
        let found = (filter.clone(), doc! { "n": 1 }, listed());
        records.page(&records.deliveries, found, page, filter).await
    };
    let Some((found, total)) = reading::settled(records, project, read).await? else {
        return Ok(records::nothing());
    };
    let items = found.iter().map(read_excerpt).collect::<Result<_, _>>()?;
    Ok(Listing { items, total })
}

pub(crate) async fn open(
    records: &Records,
    project: Id,
) -> Result<Vec<Excerpt<Delivery>>, Failure> {
    let project = oid(project);
    let read = || async move {
        let open = records.deliveries.find(of_open(project));
        let open = open.sort(doc! { "n": 1 }).projection(listed());
        records.all(open).await
    };
    let found = reading::settled(records, project, read).await?;
    found.iter().flatten().map(read_excerpt).collect()
}

pub(crate) async fn projects_with_open(records: &Records) -> Result<Vec<Id>, Failure> {
    // A decided delivery may not be in the collection yet.
    repair::changes(records).await?;
    let found = records
        .ask(
            records
                .deliveries
                .distinct("output_project_id", doc! { "open": true }),
        )
        .await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    // Records left for a moment by a removal belong to no project.
    let there = doc! { "_id": { "$in": found } };
    let projects = records
        .all(records.projects.find(there).projection(doc! { "_id": 1 }))
        .await?;
    projects
        .iter()
        .map(|project| {
            let fields = Fields::of(PROJECTS, project);
            fields.required("_id", fields.id("_id")?)
        })
        .collect()
}

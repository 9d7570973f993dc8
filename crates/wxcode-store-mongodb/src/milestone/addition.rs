//! Adds milestones, one for each element of a project.
//!
//! An index and a decided change both keep an element's milestone unique. The first implementation
//! may drop the index (`allow_index_dropping`), so the change alone suffices: no two creations of a
//! project are decided from the same state.

use mongodb::bson::{Document, doc};
use wxcode_core::milestone::Milestone;
use wxcode_store::{Added, kept};

use super::{find, read, write};
use crate::{
    attempt::Attempt,
    change::{self, ProjectUpdate, Write},
    failure::Failure,
    fields::{self, Fields, NO_REFERENCE, oid},
    project,
    reading::Lookups,
    records::{ELEMENTS, MILESTONES, Records},
};

pub(crate) async fn add(
    records: &Records,
    milestone: &Milestone,
    attempt: Attempt,
) -> Result<Added, Failure> {
    // An unreadable project gets no milestone either.
    let Some(_) = project::get(records, milestone.output_project_id).await? else {
        return Ok(Added::NoProject);
    };
    match &milestone.element_id {
        Some(element) => decide(records, milestone, element, attempt).await,
        None => insert(records, milestone, attempt).await,
    }
}

/// Adds the milestone of an element by a change of the project.
async fn decide(
    records: &Records,
    milestone: &Milestone,
    element: &str,
    attempt: Attempt,
) -> Result<Added, Failure> {
    let project = milestone.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let same = [
        doc! { "$match": of_element(milestone, element) },
        doc! { "$limit": 1 },
        doc! { "$project": { "_id": 1 } },
    ];
    let lookups = Lookups::default()
        .id("there", MILESTONES, oid(milestone.id))
        .find("same", MILESTONES, same);
    loop {
        let Some((work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(Added::NoProject);
        };
        if is_same(found.one("there"), milestone, attempt)? {
            return Ok(Added::Added);
        }
        if found.one("same").is_some() {
            return Ok(Added::DuplicateElement);
        }
        let writes = vec![Write::Add(write(milestone, attempt))];
        let own = ProjectUpdate::default();
        if !change::commit(records, &work, writes, own, attempt.mark).await? {
            continue;
        }
        if find(records, milestone.id).await?.is_some() {
            return Ok(Added::Added);
        }
        return Ok(match change::is_gone(records, oid(project)).await? {
            true => Added::NoProject,
            // A server of an older version took the element, by the index alone.
            false => Added::DuplicateElement,
        });
    }
}

/// The other milestones of the element, ours or the first implementation's.
fn of_element(milestone: &Milestone, element: &str) -> Document {
    // The type selects the partial index.
    let mut forms = vec![doc! { "wxcode.element": { "$eq": element, "$type": "string" } }];
    let reference = fields::reference(Some(element));
    if reference != NO_REFERENCE {
        forms.push(doc! { "element_id": reference });
    }
    doc! {
        "output_project_id": oid(milestone.output_project_id),
        "_id": { "$ne": oid(milestone.id) },
        "$or": forms,
    }
}

/// Adds a milestone without an element.
async fn insert(
    records: &Records,
    milestone: &Milestone,
    attempt: Attempt,
) -> Result<Added, Failure> {
    let document = write(milestone, attempt);
    match records.ask(records.milestones.insert_one(document)).await {
        Err(failure) if failure.is_duplicate() => {
            is_there(records, milestone, attempt).await?;
        }
        answer => drop(answer?),
    }
    // The project may have been removed since the check, with its other milestones but without the
    // new milestone.
    let project = oid(milestone.output_project_id);
    if change::is_gone(records, project).await? {
        let id = doc! { "_id": oid(milestone.id) };
        records.ask(records.milestones.delete_one(id)).await?;
        return Ok(Added::NoProject);
    }
    Ok(Added::Added)
}

/// Whether this operation, or an equal operation, added the milestone; an error if a different
/// operation did.
async fn is_there(
    records: &Records,
    milestone: &Milestone,
    attempt: Attempt,
) -> Result<bool, Failure> {
    let id = doc! { "_id": oid(milestone.id) };
    let found = records.ask(records.milestones.find_one(id)).await?;
    is_same(found.as_ref(), milestone, attempt)
}

fn is_same(
    found: Option<&Document>,
    milestone: &Milestone,
    attempt: Attempt,
) -> Result<bool, Failure> {
    let Some(found) = found else {
        return Ok(false);
    };
    let is_made = fields::is_made_by(found, attempt.mark);
    if !is_made && read(found)? != kept::milestone(milestone) {
        return Err(Failure::taken(milestone.id));
    }
    Ok(true)
}

/// The name of an element in the first implementation's collection.
pub(crate) async fn element_name(
    records: &Records,
    element: &str,
) -> Result<Option<String>, Failure> {
    let reference = fields::reference(Some(element));
    if reference == NO_REFERENCE {
        return Ok(None);
    }
    let found = records
        .elements
        .find_one(doc! { "_id": reference })
        .projection(doc! { "source_name": 1 });
    Ok(match records.ask(found).await? {
        Some(found) => Fields::of(ELEMENTS, &found).text("source_name")?,
        None => None,
    })
}

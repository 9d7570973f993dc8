//! Output projects as documents: the fields in the first implementation's form, ours under
//! `wxcode`.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};
use wxcode_core::{
    id::Id,
    project::{OutputProject, ProjectStatus},
};
use wxcode_store::{Listing, Page, ProjectPatch, kept};

use crate::{
    attempt::Attempt,
    change,
    failure::Failure,
    fields::{self, Fields, NO_REFERENCE, oid, time},
    identity, lease,
    records::{PROJECTS, Records},
    settings, workspace,
};

pub(crate) async fn add(
    records: &Records,
    project: &OutputProject,
    attempt: Attempt,
) -> Result<(), Failure> {
    workspace::is_free(records, project.id, &project.workspace_path).await?;
    let document = write(project, attempt)?;
    insert(records, project, document, attempt).await?;
    // The index may be dropped: of several projects, a project that sees another project does not
    // stay.
    let taken = workspace::is_own(records, project.id, &project.workspace_path).await;
    if taken.is_err() {
        let ours = doc! { "_id": oid(project.id), "wxcode.made": attempt.mark };
        records.ask(records.projects.delete_one(ours)).await?;
    }
    taken
}

/// The documents readable by [`read`], as to the fields that another program writes.
pub(crate) fn readable_documents() -> Document {
    let all = [
        ProjectStatus::Created,
        ProjectStatus::Initialized,
        ProjectStatus::Active,
    ];
    doc! {
        "_id": { "$type": "objectId" },
        "name": { "$type": "string" },
        "workspace_path": { "$type": "string" },
        "status": { "$in": all.map(ProjectStatus::as_str).to_vec() },
        "$and": [
            fields::optional("configuration_id", "string"),
            fields::optional("created_at", "date"),
            fields::optional("updated_at", "date"),
        ],
    }
}

/// Inserts the document of a new project.
pub(crate) async fn insert(
    records: &Records,
    project: &OutputProject,
    document: Document,
    attempt: Attempt,
) -> Result<(), Failure> {
    // A project restored from a copy after its removal must not be removed again by the removal's
    // note.
    drop_note(records, oid(project.id)).await?;
    match records.ask(records.projects.insert_one(document)).await {
        Err(failure) if failure.is_duplicate() => {
            let id = doc! { "_id": oid(project.id) };
            let found = records.ask(records.projects.find_one(id)).await?;
            if found.is_some_and(|found| fields::is_made_by(&found, attempt.mark)) {
                return Ok(());
            }
            match get(records, project.id).await? {
                Some(found) if found == kept::project(project) => return Ok(()),
                Some(_) => {}
                // Another project took the folder in between.
                None => workspace::is_free(records, project.id, &project.workspace_path).await?,
            }
            Err(Failure::taken(project.id))
        }
        answer => answer.map(drop),
    }
}

pub(crate) async fn get(records: &Records, id: Id) -> Result<Option<OutputProject>, Failure> {
    loop {
        let found = records
            .ask(records.projects.find_one(doc! { "_id": oid(id) }))
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        if !change::settle(records, oid(id), &found).await? {
            return read(&found).map(Some);
        }
    }
}

pub(crate) async fn list(records: &Records, page: Page) -> Result<Listing<OutputProject>, Failure> {
    // An index tells the number of documents, whatever they hold: to leave out those that cannot be
    // read, all would have to be.
    let all = doc! { "created_at": { "$gte": Bson::MinKey } };
    filtered(records, readable_documents(), page, all).await
}

pub(crate) async fn metered(records: &Records, limit: u64) -> Result<Vec<OutputProject>, Failure> {
    let mut filter = readable_documents();
    filter.insert("wxcode.settings.usage_metrics", true);
    let page = Page { skip: 0, limit };
    let found = filtered(records, filter.clone(), page, filter).await?;
    Ok(found.items)
}

/// The projects with these documents, in the order of creation.
async fn filtered(
    records: &Records,
    filter: Document,
    page: Page,
    counted: Document,
) -> Result<Listing<OutputProject>, Failure> {
    let order = doc! { "created_at": 1, "_id": 1 };
    loop {
        let (found, total) = records
            .page(
                &records.projects,
                (filter.clone(), order.clone(), doc! {}),
                page,
                counted.clone(),
            )
            .await?;
        let mut was_settled = false;
        for document in &found {
            if let Ok(id) = document.get_object_id("_id") {
                was_settled |= change::settle(records, id, document).await?;
            }
        }
        if !was_settled {
            let items = found.iter().filter_map(|document| readable(read(document)));
            return Ok(Listing {
                items: items.collect(),
                total,
            });
        }
    }
}

pub(crate) async fn patch(
    records: &Records,
    id: Id,
    patch: &ProjectPatch,
    at: Timestamp,
) -> Result<Option<OutputProject>, Failure> {
    let (mut set, mut unset) = (doc! { "updated_at": time(at) }, Document::new());
    if let Some(name) = &patch.name {
        set.insert("name", name);
    }
    let mut before = None;
    if let Some(folder) = &patch.workspace_path {
        workspace::is_free(records, id, folder).await?;
        before = workspace::paths(records, id).await?;
        set.insert("workspace_path", fields::path(folder)?);
        set.insert(workspace::FIELD, fields::path(folder)?);
    }
    if let Some(stack) = &patch.stack_id {
        set.insert("stack_id", stack.as_deref().unwrap_or_default());
        match stack.as_deref() {
            Some("") => drop(set.insert("wxcode.stack_id", "")),
            _ => drop(unset.insert("wxcode.stack_id", "")),
        }
    }
    settings::change(&patch.settings, &mut set, &mut unset)?;
    if let Some(configuration) = &patch.configuration_id {
        set.insert("configuration_id", configuration.clone());
    }
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    let update = records.projects.update_one(doc! { "_id": oid(id) }, update);
    match (records.ask(update).await, &patch.workspace_path) {
        (Err(failure), Some(folder)) if failure.is_duplicate() => {
            // Another project took the folder after the check.
            workspace::is_free(records, id, folder).await?;
            return Err(failure);
        }
        (answer, _) => drop(answer?),
    }
    if let (Some(folder), Some(before)) = (&patch.workspace_path, before) {
        let taken = workspace::is_own(records, id, folder).await;
        if taken.is_err() {
            workspace::return_to(records, id, folder, &before).await?;
        }
        taken?;
    }
    get(records, id).await
}

pub(crate) async fn advance(
    records: &Records,
    id: Id,
    (from, to): (ProjectStatus, ProjectStatus),
    (at, fence): (Timestamp, Option<u64>),
    again: bool,
) -> Result<bool, Failure> {
    let mut filter = doc! { "_id": oid(id), "status": from.as_str() };
    if let Some(fence) = fence {
        filter.insert(lease::EPOCH, lease::up_to(fence)?);
    }
    let moved = records
        .ask(records.projects.update_one(
            filter,
            doc! { "$set": { "status": to.as_str(), "updated_at": time(at) } },
        ))
        .await?;
    // Matched, not modified: a move to the same status at the same moment counts too.
    if moved.matched_count > 0 || !again {
        return Ok(moved.matched_count > 0);
    }
    let now = get(records, id).await?;
    Ok(now.is_some_and(|now| now.status == to && now.updated_at == millis(at)))
}

/// Removes the project first, so that the project is gone for all readers, then the project's
/// records. An earlier note lets the next start finish after a crash; the note is removed at the
/// end. `seen` remembers over the tries whether the project existed.
pub(crate) async fn remove(records: &Records, id: Id, seen: &AtomicBool) -> Result<bool, Failure> {
    let project = oid(id);
    let key = doc! { "_id": project };
    if change::is_gone(records, project).await? {
        // An earlier try, or a crashed server, may not have finished.
        if records.ask(records.removals.find_one(key)).await?.is_some() {
            finish_removal(records, project).await?;
        }
        return Ok(seen.load(Ordering::Relaxed));
    }
    let note = doc! { "$set": { "at": mongodb::bson::DateTime::now() } };
    records
        .ask(records.removals.update_one(key.clone(), note).upsert(true))
        .await?;
    let is_first = !seen.swap(true, Ordering::Relaxed);
    let removed = records.ask(records.projects.delete_one(key)).await?;
    finish_removal(records, project).await?;
    // Of two concurrent calls, one removed the project. If an earlier try lost its answer, the
    // removal was the try's own.
    Ok(removed.deleted_count > 0 || !is_first)
}

/// Removes the records of a removed project, and the note of the removal.
pub(crate) async fn finish_removal(records: &Records, project: ObjectId) -> Result<(), Failure> {
    let of_it = doc! { "output_project_id": project };
    records
        .ask(records.deliveries.delete_many(of_it.clone()))
        .await?;
    records.ask(records.milestones.delete_many(of_it)).await?;
    drop_note(records, project).await
}

/// Removes the note of a removal.
pub(crate) async fn drop_note(records: &Records, project: ObjectId) -> Result<(), Failure> {
    let note = records.removals.delete_one(doc! { "_id": project });
    records.ask(note).await.map(drop)
}

fn millis(at: Timestamp) -> Timestamp {
    wxcode_core::time::to_millis(at)
}

/// Returns the record, or logs the error for the operator and returns nothing: a document of
/// another program must not hide the rest of a listing.
pub(crate) fn readable<T>(read: Result<T, Failure>) -> Option<T> {
    read.inspect_err(|failure| {
        if let Failure::Corrupt(what) = failure {
            tracing::warn!(error = what, "document left out of a listing");
        }
    })
    .ok()
}

/// Converts a project to the first implementation's form, with that form's required fields and
/// ours.
pub(crate) fn write(project: &OutputProject, attempt: Attempt) -> Result<Document, Failure> {
    let reference = fields::reference(project.kb_id.as_deref());
    let mut ours = doc! {
        "identity": identity::write(project)?,
        "work": {},
        "made": attempt.mark,
        "workspace": fields::path(&project.workspace_path)?,
    };
    if !project.settings.is_default() {
        ours.insert("settings", settings::write(&project.settings)?);
    }
    if let (NO_REFERENCE, Some(kb_id)) = (reference, &project.kb_id) {
        ours.insert("kb_id", kb_id);
    }
    if project.stack_id.as_deref() == Some("") {
        ours.insert("stack_id", "");
    }
    if let (Some(first), Ok(work)) = (project.new_project_delivery, ours.get_document_mut("work")) {
        work.insert("first", oid(first));
    }
    Ok(doc! {
        "_id": oid(project.id),
        "kb_id": reference,
        "name": &project.name,
        "stack_id": project.stack_id.as_deref().unwrap_or_default(),
        "configuration_id": project.configuration_id.clone(),
        "workspace_path": fields::path(&project.workspace_path)?,
        "status": project.status.as_str(),
        "claude_session_id": project.claude_session_id.map(|id| id.to_string()),
        "connections": [],
        "created_at": time(project.created_at),
        "updated_at": time(project.updated_at),
        "wxcode": ours,
    })
}

pub(crate) fn read(document: &Document) -> Result<OutputProject, Failure> {
    let fields = Fields::of(PROJECTS, document);
    let id = fields.required("_id", fields.id("_id")?)?;
    let created_at = match fields.time("created_at")? {
        Some(at) => at,
        None => born(document)?,
    };
    let updated_at = fields.time("updated_at")?.unwrap_or(created_at);
    let kb_id = match fields.get("kb_id") {
        Some(Bson::ObjectId(NO_REFERENCE)) => fields.text("wxcode.kb_id")?,
        _ => fields.reference("kb_id"),
    };
    let stack_id = match fields.reference("stack_id") {
        Some(stack) if stack.is_empty() => fields.text("wxcode.stack_id")?,
        stack => stack,
    };
    let identity = identity::read(&fields, created_at, updated_at)?;
    Ok(OutputProject {
        id,
        kb_id,
        name: fields.required("name", fields.text("name")?)?,
        stack_id,
        configuration_id: fields.text("configuration_id")?,
        workspace_path: fields
            .required("workspace_path", fields.text("workspace_path")?)?
            .into(),
        settings: settings::read(&fields)?,
        status: fields.word("status")?,
        claude_session_id: identity.current,
        claude_session_history: identity.history,
        identity_cursor: identity.cursor,
        new_project_delivery: fields.id("wxcode.work.first")?,
        created_at,
        updated_at,
    })
}

/// The creation time in a document's id.
pub(crate) fn born(document: &Document) -> Result<Timestamp, Failure> {
    let fields = Fields::of(PROJECTS, document);
    let at = document
        .get_object_id("_id")
        .ok()
        .and_then(|id| Timestamp::from_millisecond(id.timestamp().timestamp_millis()).ok());
    fields.required("created_at", at)
}

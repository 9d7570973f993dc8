//! Finishes the changes and the removals that a process left half done: at a start, and by a timer.

use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};

use crate::{change, failure::Failure, project, records::Records};

/// Age up to which the note of a removal may be that of one under way, which has still to delete the project: longer than
/// an operation is tried.
const NOTE_YOUNG: Duration = Duration::from_secs(60);

/// Carries out every change that was decided, and finishes every removal that was begun. Several processes may do this
/// at once, and while others work.
pub(crate) async fn all(records: &Records) -> Result<(), Failure> {
    changes(records).await?;
    for note in records.all(records.removals.find(doc! {})).await? {
        removal(records, &note).await?;
    }
    Ok(())
}

/// Carries out every change that was decided.
pub(crate) async fn changes(records: &Records) -> Result<(), Failure> {
    let changes = doc! { "wxcode.work.change.rev": { "$exists": true } };
    for document in records.all(records.projects.find(changes)).await? {
        if let Ok(id) = document.get_object_id("_id") {
            change::settle(records, id, &document).await?;
        }
    }
    Ok(())
}

/// Finishes a removal, unless its project exists: then the removal did not come to it, or the project was restored since.
async fn removal(records: &Records, note: &Document) -> Result<(), Failure> {
    let Ok(id) = note.get_object_id("_id") else {
        return Ok(());
    };
    if change::is_gone(records, id).await? {
        return project::finish_removal(records, id).await;
    }
    let age = note.get_datetime("at").ok().map(|at| {
        DateTime::now()
            .timestamp_millis()
            .saturating_sub(at.timestamp_millis())
    });
    let is_young = |age| u128::try_from(age).is_ok_and(|age: u128| age < NOTE_YOUNG.as_millis());
    if age.is_some_and(is_young) {
        return Ok(());
    }
    tracing::warn!(
        project = %id.to_hex(),
        "dropped the note of a removal: the project exists, and all of it stays"
    );
    project::drop_note(records, id).await
}

//! Finishes incomplete changes and removals of other processes: at a start, and by a timer.

use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};

use crate::{change, failure::Failure, project, records::Records};

/// Below this age, a removal's note may belong to a removal still in progress, with the project not
/// yet deleted. The age is longer than an operation is retried.
const NOTE_YOUNG: Duration = Duration::from_secs(60);

/// Executes every decided change, and finishes every begun removal. Several processes may repair
/// concurrently, during other work.
pub(crate) async fn all(records: &Records) -> Result<(), Failure> {
    changes(records).await?;
    for note in records.all(records.removals.find(doc! {})).await? {
        removal(records, &note).await?;
    }
    Ok(())
}

/// Executes every decided change.
pub(crate) async fn changes(records: &Records) -> Result<(), Failure> {
    let changes = doc! { "wxcode.work.change.rev": { "$exists": true } };
    for document in records.all(records.projects.find(changes)).await? {
        if let Ok(id) = document.get_object_id("_id") {
            change::settle(records, id, &document).await?;
        }
    }
    Ok(())
}

/// Removes nulls written by another program in place of our nested documents.
pub(crate) async fn nulls(records: &Records) -> Result<(), Failure> {
    let places = ["wxcode", "wxcode.work", "wxcode.identity", "wxcode.lease"];
    for collection in [&records.projects, &records.milestones] {
        for place in places {
            let null = doc! { place: { "$type": "null" } };
            let update = collection.update_many(null, doc! { "$unset": { place: "" } });
            let mended = records.ask(update).await?.modified_count;
            if mended > 0 {
                let collection = collection.name();
                tracing::warn!(
                    collection,
                    place,
                    mended,
                    "removed nulls of another program"
                );
            }
        }
    }
    Ok(())
}

/// Finishes a removal, unless the project exists: then the removal never reached the project, or a
/// copy restored the project.
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
        "dropped the note of a removal; its project exists and stays"
    );
    project::drop_note(records, id).await
}

//! What a process that died left half done, finished when the next one starts.

use std::time::Duration;

use mongodb::bson::{DateTime, doc};

use crate::{change, failure::Failure, project, records::Records};

/// How long the note of a removal is kept: longer than any process could still be about to add to the project.
const NOTE_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Carries out every change that was decided, and finishes every removal that was begun. Several processes may do this
/// at once, and while others work.
pub(crate) async fn all(records: &Records) -> Result<(), Failure> {
    let changes = doc! { "wxcode.work.change.rev": { "$exists": true } };
    for document in records.all(records.projects.find(changes)).await? {
        if let Ok(id) = document.get_object_id("_id") {
            change::settle(records, id, &document).await?;
        }
    }
    let removals = records.all(records.removals.find(doc! {})).await?;
    for removal in removals {
        let Ok(project) = removal.get_object_id("_id") else {
            continue;
        };
        project::finish_removal(records, project).await?;
        let age = removal.get_datetime("at").ok().map(|at| {
            DateTime::now()
                .timestamp_millis()
                .saturating_sub(at.timestamp_millis())
        });
        if age.is_none_or(|age| u128::try_from(age).is_ok_and(|age| age > NOTE_KEPT.as_millis())) {
            let note = doc! { "_id": project };
            records.ask(records.removals.delete_one(note)).await?;
        }
    }
    Ok(())
}

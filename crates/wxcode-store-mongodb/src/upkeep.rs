//! Looks at the collections shared with other programs, from time to time: makes dropped indexes
//! again, and names unreadable documents.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use mongodb::{
    Collection,
    bson::{Bson, Document, doc},
};

use crate::{
    failure::Failure,
    index, milestone, project,
    records::{MILESTONES, PROJECTS, Records},
};

/// Pause between two looks at the indexes.
const EVERY: Duration = Duration::from_secs(60);
/// Pause between two looks for unreadable documents; such a look reads whole collections.
const NAME_EVERY: Duration = Duration::from_secs(3_600);
/// Most unreadable documents named, per collection and look.
const NAMED_MAX: i64 = 20;
/// Most named documents remembered; beyond this number, no document is named again.
const REMEMBERED_MAX: usize = 1_000;

/// The looks of a process.
#[derive(Default)]
pub(crate) struct Upkeep(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Instant>,
    /// The last look for unreadable documents.
    last_named: Option<Instant>,
    /// The ids of the named documents.
    named: HashSet<String>,
}

impl Upkeep {
    /// Looks, unless the last look was a moment ago.
    pub(crate) async fn look(&self, records: &Records) -> Result<(), Failure> {
        let now = Instant::now();
        let is_to_name = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state
                .last
                .is_some_and(|last| now.duration_since(last) < EVERY)
            {
                return Ok(());
            }
            state.last = Some(now);
            let last = state.last_named;
            let is_to_name = last.is_none_or(|last| now.duration_since(last) >= NAME_EVERY);
            if is_to_name {
                state.last_named = Some(now);
            }
            is_to_name
        };
        restore_indexes(records).await?;
        if !is_to_name {
            return Ok(());
        }
        self.name(
            records,
            &records.projects,
            (PROJECTS, project::readable_documents()),
        )
        .await?;
        self.name(
            records,
            &records.milestones,
            (MILESTONES, milestone::readable()),
        )
        .await
    }

    /// Names documents outside of `readable` not named before.
    async fn name(
        &self,
        records: &Records,
        collection: &Collection<Document>,
        (name, readable): (&'static str, Document),
    ) -> Result<(), Failure> {
        let others = doc! { "$nor": [readable] };
        let found = records
            .all(
                collection
                    .find(others)
                    .projection(doc! { "_id": 1 })
                    .limit(NAMED_MAX),
            )
            .await?;
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for document in found {
            let id = match document.get("_id") {
                Some(Bson::ObjectId(id)) => id.to_hex(),
                Some(other) => other.to_string(),
                None => continue,
            };
            if state.named.len() < REMEMBERED_MAX && state.named.insert(format!("{name} {id}")) {
                tracing::warn!(
                    collection = name,
                    document = id,
                    "a document cannot be read, and lists leave it out: show it to see the field"
                );
            }
        }
        Ok(())
    }
}

/// Makes indexes again after another program dropped them.
pub(crate) async fn restore_indexes(records: &Records) -> Result<(), Failure> {
    if !index::are_missing(records).await? {
        return Ok(());
    }
    match index::make(records).await {
        Ok(()) => tracing::warn!(
            "another program had dropped indexes (in Beanie, allow_index_dropping does so); they \
             are made again"
        ),
        Err(error) => tracing::error!(%error, "dropped indexes cannot be made again"),
    }
    Ok(())
}

//! Makes a change of several documents atomic: one conditional update writes the whole change into
//! the project's document, then the change is executed, then it is taken out again.
//!
//! The first step decides. It succeeds only if no other change of the project came between, so
//! everything read for the decision still holds. From then on the change happens, even if its
//! process dies: each of its writes is made at most once, because every document remembers the
//! number of the last change that touched it. A process that finds an unfinished change completes
//! it before reading further. This needs no transaction, and so works on a standalone server.

use mongodb::{
    Collection,
    bson::{self, Bson, Document, doc, oid::ObjectId},
    options::WriteConcern,
};
use serde::{Deserialize, Serialize};
use wxcode_core::{id::Id, milestone::MilestoneStatus, project::ProjectStatus};

use crate::{
    failure::Failure,
    fields::{Fields, oid},
    records::{PROJECTS, Records},
};

/// One write of a change to a document other than the project's. The stored form must stay
/// readable: an older version may leave a change behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Write {
    /// A new delivery.
    Insert(Document),
    /// New values of a delivery's fields.
    Delivery {
        id: ObjectId,
        set: Document,
        /// Whether the delivery is over.
        over: bool,
    },
    /// New values of a milestone's fields.
    Milestone {
        id: ObjectId,
        /// The expected status: another program may have moved the milestone.
        from: Option<String>,
        set: Document,
        /// The values of our own fields.
        #[serde(default)]
        ours: Document,
        /// The effect on its delivery.
        link: Link,
    },
    /// The removal of a pending milestone.
    Remove { id: ObjectId },
}

/// The effect on a milestone's link to the delivery of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// Keeps it.
    Keep,
    /// Removes it.
    Forget,
    /// Sets it to this delivery.
    To(ObjectId),
}

/// A decided change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    /// The number in the project.
    rev: i64,
    /// The mark of the deciding operation.
    mark: ObjectId,
    writes: Vec<Write>,
}

/// The project's document as to its milestones and deliveries, with no change left to execute.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    project: ObjectId,
    rev: Option<Bson>,
    /// The project's status.
    pub(crate) status: Option<String>,
    /// The number of the last queued delivery.
    pub(crate) queued: u64,
    /// The number of open deliveries.
    pub(crate) open: u64,
    /// The delivery of the project's first command.
    pub(crate) first: Option<Id>,
}

/// The effect of a change on the project's own document.
#[derive(Debug, Default)]
pub(crate) struct ProjectUpdate {
    /// The number of the last queued delivery.
    pub(crate) queued: Option<u64>,
    /// The difference of open deliveries.
    pub(crate) opened: i64,
    /// The delivery of the first command from now on; `Some(None)` frees it.
    pub(crate) first: Option<Option<Id>>,
    /// The old status, the new one, and the time.
    pub(crate) status: Option<(ProjectStatus, ProjectStatus, bson::DateTime)>,
}

/// Reads a project's work, after executing an unfinished change; `None` without the project.
pub(crate) async fn work(records: &Records, project: Id) -> Result<Option<Work>, Failure> {
    let project = oid(project);
    loop {
        let found = records
            .ask(
                records
                    .projects
                    .find_one(doc! { "_id": project })
                    .projection(doc! { "wxcode.work": 1, "status": 1 }),
            )
            .await?;
        let Some(found) = found else {
            return Ok(None);
        };
        if settle(records, project, &found).await? {
            continue;
        }
        let fields = Fields::of(PROJECTS, &found);
        return Ok(Some(Work {
            project,
            rev: fields.get("wxcode.work.rev").cloned(),
            status: fields.text("status")?,
            queued: fields.count("wxcode.work.queued")?.unwrap_or_default(),
            open: fields.count("wxcode.work.open")?.unwrap_or_default(),
            first: fields.id("wxcode.work.first")?,
        }));
    }
}

/// Decides on a change and executes it; `false`, with nothing changed, if another change came
/// first. `mark` is the operation's.
pub(crate) async fn commit(
    records: &Records,
    work: &Work,
    writes: Vec<Write>,
    own: ProjectUpdate,
    mark: ObjectId,
) -> Result<bool, Failure> {
    let last = match &work.rev {
        Some(Bson::Int64(rev)) => *rev,
        Some(Bson::Int32(rev)) => i64::from(*rev),
        _ => 0,
    };
    let change = Change {
        rev: last + 1,
        mark,
        writes,
    };
    let mut filter = doc! {
        "_id": work.project,
        "wxcode.work.rev": work.rev.clone(),
        "wxcode.work.change": { "$exists": false },
    };
    let mut set = doc! {
        "wxcode.work.rev": change.rev,
        "wxcode.work.mark": mark,
        "wxcode.work.change": encode(&change)?,
    };
    let mut unset = Document::new();
    if let Some(queued) = own.queued {
        set.insert("wxcode.work.queued", crate::fields::count(queued)?);
    }
    match own.first {
        Some(Some(first)) => drop(set.insert("wxcode.work.first", oid(first))),
        Some(None) => drop(unset.insert("wxcode.work.first", "")),
        None => {}
    }
    if let Some((from, to, at)) = own.status {
        filter.insert("status", from.as_str());
        set.insert("status", to.as_str());
        set.insert("updated_at", at);
    }
    let mut update = doc! { "$set": set };
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    if own.opened != 0 {
        update.insert("$inc", doc! { "wxcode.work.open": own.opened });
    }
    let decided = records
        .ask(records.projects.update_one(filter, update))
        .await?;
    // The request may have been executed twice: then the first time decided.
    if decided.modified_count == 0
        && !is_marked(
            &records.projects,
            "wxcode.work.mark",
            work.project,
            mark,
            records,
        )
        .await?
    {
        return Ok(false);
    }
    carry_out(records, work.project, &change).await?;
    Ok(true)
}

/// Whether a document has a mark in this field.
pub(crate) async fn is_marked(
    collection: &Collection<Document>,
    field: &str,
    id: ObjectId,
    mark: ObjectId,
    records: &Records,
) -> Result<bool, Failure> {
    let marked = collection
        .find_one(doc! { "_id": id, field: mark })
        .projection(doc! { "_id": 1 });
    Ok(records.ask(marked).await?.is_some())
}

/// The validity of a read record of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The record is valid.
    Whole,
    /// A change was executed that may touch the record: read it again.
    Changed,
    /// The project is gone, and the record with it.
    Gone,
}

/// Executes a project's unfinished change before any read record is trusted.
pub(crate) async fn freshness(records: &Records, project: Id) -> Result<Freshness, Failure> {
    let project = oid(project);
    let found = records
        .ask(
            records
                .projects
                .find_one(doc! { "_id": project })
                .projection(doc! { "wxcode.work.change": 1 }),
        )
        .await?;
    Ok(match found {
        None => Freshness::Gone,
        Some(found) if settle(records, project, &found).await? => Freshness::Changed,
        Some(_) => Freshness::Whole,
    })
}

/// Executes the unfinished change in a read project document; true if there was one, so that the
/// caller reads again.
pub(crate) async fn settle(
    records: &Records,
    project: ObjectId,
    document: &Document,
) -> Result<bool, Failure> {
    let fields = Fields::of(PROJECTS, document);
    let Some(change) = fields.get("wxcode.work.change") else {
        return Ok(false);
    };
    let change: Change = bson::deserialize_from_bson(change.clone())
        .map_err(|error| fields.wrong("wxcode.work.change", &format!("is not known: {error}")))?;
    carry_out(records, project, &change).await?;
    Ok(true)
}

/// Executes a change and takes it out of the project's document.
async fn carry_out(records: &Records, project: ObjectId, change: &Change) -> Result<(), Failure> {
    for write in &change.writes {
        perform(records, change, write).await?;
    }
    // This write need not be durable: executing the change again has no effect.
    let cleared = records
        .ask(
            records
                .projects
                .update_one(
                    doc! { "_id": project, "wxcode.work.change.rev": change.rev },
                    doc! { "$unset": { "wxcode.work.change": "" } },
                )
                .write_concern(WriteConcern::nodes(1)),
        )
        .await?;
    if cleared.matched_count == 0 && is_gone(records, project).await? {
        // The project was removed meanwhile; later insertions belong to no project.
        for write in &change.writes {
            if let Write::Insert(delivery) = write {
                let id = delivery.get("_id").cloned();
                records
                    .ask(records.deliveries.delete_one(doc! { "_id": id }))
                    .await?;
            }
        }
    }
    Ok(())
}

/// Whether the project no longer exists.
pub(crate) async fn is_gone(records: &Records, project: ObjectId) -> Result<bool, Failure> {
    let found = records
        .ask(
            records
                .projects
                .find_one(doc! { "_id": project })
                .projection(doc! { "_id": 1 }),
        )
        .await?;
    Ok(found.is_none())
}

/// Makes one write of a change, unless it was made already.
async fn perform(records: &Records, change: &Change, write: &Write) -> Result<(), Failure> {
    let (rev, mark) = (change.rev, change.mark);
    match write {
        Write::Insert(delivery) => {
            let mut delivery = delivery.clone();
            delivery.insert("change", rev);
            delivery.insert("mark", mark);
            match records.ask(records.deliveries.insert_one(delivery)).await {
                Err(failure) if failure.is_duplicate() => {}
                answer => drop(answer?),
            }
        }
        Write::Delivery { id, set, over } => {
            let mut set = set.clone();
            set.insert("change", rev);
            set.insert("mark", mark);
            let mut update = doc! { "$set": set };
            if *over {
                update.insert("$unset", doc! { "open": "" });
            }
            let filter = doc! { "_id": id, "change": { "$not": { "$gte": rev } } };
            records
                .ask(records.deliveries.update_one(filter, update))
                .await?;
        }
        Write::Milestone {
            id,
            from,
            set,
            ours,
            link,
        } => {
            let mut set = set.clone();
            for (name, value) in ours {
                set.insert(format!("wxcode.{name}"), value.clone());
            }
            set.insert("wxcode.change", rev);
            set.insert("wxcode.mark", mark);
            let mut filter = doc! { "_id": id, "wxcode.change": { "$not": { "$gte": rev } } };
            if let Some(from) = from {
                filter.insert("status", from);
            }
            if let Link::To(delivery) = link {
                set.insert("wxcode.delivery_id", delivery);
            }
            let mut update = doc! { "$set": set };
            if *link == Link::Forget {
                update.insert("$unset", doc! { "wxcode.delivery_id": "" });
            }
            records
                .ask(records.milestones.update_one(filter, update))
                .await?;
        }
        Write::Remove { id } => {
            let filter = doc! { "_id": id, "status": MilestoneStatus::Pending.as_str() };
            records.ask(records.milestones.delete_one(filter)).await?;
        }
    }
    Ok(())
}

fn encode(change: &Change) -> Result<Bson, Failure> {
    bson::serialize_to_bson(change).map_err(|error| Failure::Refused(error.to_string()))
}

#[cfg(test)]
mod tests;

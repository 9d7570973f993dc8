//! Makes a change of several documents atomic: one conditional update writes the whole change into
//! the project's document, then the change is executed, then the change is taken out again.
//!
//! The first step decides. The step succeeds only if no other change of the project came between,
//! so everything read for the decision still holds. From then on the change happens, even if its
//! process dies. Each write of the change is made at most once, because every document remembers
//! the number of the last change of the document. A process that finds an unfinished change
//! completes the change before reading further. The scheme needs no transaction, and so works on a
//! standalone server.

mod execution;

use mongodb::bson::{self, Bson, Document, doc, oid::ObjectId};
use serde::{Deserialize, Serialize};
use wxcode_core::{id::Id, project::ProjectStatus};

use crate::{
    failure::Failure,
    fields::{Fields, oid},
    lease,
    reading::{self, Found, Lookups},
    records::{PROJECTS, Records},
};

/// A write of a change to a document other than the project's. The stored form must stay readable:
/// an older version may leave a change behind.
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
        /// The effect on the milestone's link to its delivery.
        link: Link,
    },
    /// A new milestone.
    Add(Document),
    /// The removal of a pending milestone.
    Remove { id: ObjectId },
}

/// The effect on a milestone's link to the delivery of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// Keeps the link.
    Keep,
    /// Removes the link.
    Forget,
    /// Sets the link to this delivery.
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

/// The project's document as to milestones and deliveries, with no change left to execute.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    project: ObjectId,
    rev: Option<Bson>,
    /// The number of the last change of any record read with it; a change writes no other one.
    latest: i64,
    /// The project's status.
    pub(crate) status: Option<String>,
    /// The number of the last queued delivery.
    pub(crate) queued: u64,
    /// The delivery of the project's first command.
    pub(crate) first: Option<Id>,
    /// The epoch of the project's lease.
    pub(crate) epoch: Option<u64>,
    /// The latest epoch that the lease may have at the commit, if any.
    pub(crate) fence: Option<u64>,
}

impl Work {
    /// Whether another node has the project.
    pub(crate) fn is_fenced(&self) -> bool {
        lease::is_later(self.epoch, self.fence)
    }
}

/// The effect of a change on the project's own document.
#[derive(Debug, Default)]
pub(crate) struct ProjectUpdate {
    /// The number of the last queued delivery.
    pub(crate) queued: Option<u64>,
    /// The number of open deliveries from now on. Only older versions read this number.
    pub(crate) open: Option<u64>,
    /// The delivery of the first command from now on; `Some(None)` frees it.
    pub(crate) first: Option<Option<Id>>,
    /// The old status, the new status, and the time.
    pub(crate) status: Option<(ProjectStatus, ProjectStatus, bson::DateTime)>,
}

/// Reads a project's work, and records for a decision after it; executes an unfinished change
/// first. `None` without the project.
pub(crate) async fn work(
    records: &Records,
    project: Id,
    lookups: &Lookups,
) -> Result<Option<(Work, Found)>, Failure> {
    let project = oid(project);
    loop {
        let Some(found) = reading::read(records, project, lookups).await? else {
            return Ok(None);
        };
        if settle(records, project, &found.project).await? {
            continue;
        }
        let fields = Fields::of(PROJECTS, &found.project);
        let work = Work {
            project,
            rev: fields.get("wxcode.work.rev").cloned(),
            latest: found.latest()?,
            status: fields.text("status")?,
            queued: fields.count("wxcode.work.queued")?.unwrap_or_default(),
            first: fields.id("wxcode.work.first")?,
            epoch: fields.count("wxcode.lease.epoch")?,
            fence: None,
        };
        return Ok(Some((work, found)));
    }
}

/// Decides on a change and executes the change; `false`, with nothing changed, if another change
/// came first. `mark` is the operation's.
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
    // Numbers begin again after a restore, or another program, took the project's document back in
    // time. A write with a number of the past would be skipped.
    let latest = work.latest;
    if latest > last {
        tracing::warn!(
            project = %work.project.to_hex(),
            last,
            latest,
            "the document of a project went back in time: a restore or another program wrote an \
             earlier state over it; its changes are numbered above its records again"
        );
    }
    let change = Change {
        rev: last.max(latest) + 1,
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
    if let Some(open) = own.open {
        set.insert("wxcode.work.open", crate::fields::count(open)?);
    }
    match own.first {
        Some(Some(first)) => drop(set.insert("wxcode.work.first", oid(first))),
        Some(None) => drop(unset.insert("wxcode.work.first", "")),
        None => {}
    }
    if let Some(fence) = work.fence {
        filter.insert(lease::EPOCH, lease::up_to(fence)?);
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
    let decided = records
        .ask(records.projects.update_one(filter, update))
        .await?;
    // The request may have been executed twice: then the first time decided.
    if decided.modified_count == 0 && !has_decided(records, work.project, mark).await? {
        return Ok(false);
    }
    execution::carry_out(records, work.project, &change).await?;
    Ok(true)
}

/// Whether the operation with this mark made the project's last decision.
async fn has_decided(
    records: &Records,
    project: ObjectId,
    mark: ObjectId,
) -> Result<bool, Failure> {
    let marked = records
        .projects
        .find_one(doc! { "_id": project, "wxcode.work.mark": mark })
        .projection(doc! { "_id": 1 });
    Ok(records.ask(marked).await?.is_some())
}

/// Executes the unfinished change in a read project document; true if there was a change, so that
/// the caller reads again.
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
    execution::carry_out(records, project, &change).await?;
    Ok(true)
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

fn encode(change: &Change) -> Result<Bson, Failure> {
    bson::serialize_to_bson(change).map_err(|error| Failure::Refused(error.to_string()))
}

#[cfg(test)]
mod tests;

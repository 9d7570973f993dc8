//! A change of several documents made whole: first it is written, complete, into the project's document by one
//! conditional update, then it is carried out, then it is taken out again.
//!
//! The first step decides: it succeeds only if no other change of the project came in between, so everything that was
//! read for the decision still holds. From then on the change happens, whoever dies: each write of it is made at most
//! once, because every document remembers the number of the last change that touched it, and whoever finds a change
//! that is not carried out does so before looking further. Nothing here needs a transaction, which a standalone server
//! does not have.

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

/// One write of a change to a document other than the project's. Values are stored as they are written here: a change
/// that an older version left behind must be understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Write {
    /// A new delivery.
    Insert(Document),
    /// New values of a delivery's fields.
    Delivery {
        /// Which.
        id: ObjectId,
        /// The values.
        set: Document,
        /// Whether nothing more will happen to it.
        over: bool,
    },
    /// New values of a milestone's fields.
    Milestone {
        /// Which.
        id: ObjectId,
        /// Only if it has this status: another program may have moved it.
        from: Option<String>,
        /// The values.
        set: Document,
        /// The values of fields that are ours.
        #[serde(default)]
        ours: Document,
        /// What becomes of its delivery.
        link: Link,
    },
    /// The end of a milestone, if it is pending.
    Remove {
        /// Which.
        id: ObjectId,
    },
}

/// What becomes of a milestone's link to the delivery that carries its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Link {
    /// It stays.
    Keep,
    /// It goes.
    Forget,
    /// It leads here.
    To(ObjectId),
}

/// A change that was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    /// Its number in the project.
    rev: i64,
    /// The mark of the operation that decided on it.
    mark: ObjectId,
    writes: Vec<Write>,
}

/// What a project's document says about its milestones and deliveries, while no change is left to be carried out.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    project: ObjectId,
    rev: Option<Bson>,
    /// The project's status.
    pub(crate) status: Option<String>,
    /// Deliveries that were ever queued: the number of the last one.
    pub(crate) queued: u64,
    /// Deliveries that are not over.
    pub(crate) open: u64,
    /// The delivery that carries the project's first command.
    pub(crate) first: Option<Id>,
}

/// What a change does to the project's own document.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// The number of the last queued delivery.
    pub(crate) queued: Option<u64>,
    /// How many more deliveries are open.
    pub(crate) opened: i64,
    /// The delivery that carries the first command from now on; `Some(None)`: none does.
    pub(crate) first: Option<Option<Id>>,
    /// A status that is left, the one that is entered, and when.
    pub(crate) status: Option<(ProjectStatus, ProjectStatus, bson::DateTime)>,
}

/// Looks at a project's work, after carrying out what is left of its last change; `None` without the project.
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

/// Decides on a change and carries it out; `false`, with nothing changed, if another one came before it. `mark` is the
/// operation's.
pub(crate) async fn commit(
    records: &Records,
    work: &Work,
    writes: Vec<Write>,
    own: Own,
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
    // The request may have been carried out twice: then it was the first time that decided.
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

/// What became of something that was read, and belongs to a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is as it was read.
    Whole,
    /// A change that it may be a part of was carried out: it has to be read again.
    Changed,
    /// The project is gone, and this with it.
    Gone,
}

/// Carries out what is left of a project's last change, before anything that was read of it is believed.
pub(crate) async fn standing(records: &Records, project: Id) -> Result<Standing, Failure> {
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
        None => Standing::Gone,
        Some(found) if settle(records, project, &found).await? => Standing::Changed,
        Some(_) => Standing::Whole,
    })
}

/// Carries out what is left of a change, in a project's document that was read; whether there was something, so that it
/// has to be read again.
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

/// Carries out a change and takes it out of the project's document.
async fn carry_out(records: &Records, project: ObjectId, change: &Change) -> Result<(), Failure> {
    for write in &change.writes {
        perform(records, change, write).await?;
    }
    // That it is done need not last: doing it again changes nothing.
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
        // The project was removed meanwhile, and what was inserted after that is nobody's.
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

/// Whether there is no such project any more.
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
mod tests {
    use super::*;

    #[test]
    fn a_change_reads_back_with_every_kind_of_value() {
        let (a, b) = (ObjectId::new(), ObjectId::new());
        let at = bson::DateTime::from_millis(5);
        let change = Change {
            rev: 7,
            mark: ObjectId::new(),
            writes: vec![
                Write::Insert(doc! { "_id": a, "text": "\0", "n": 1_i64, "at": at, "key": null }),
                Write::Delivery {
                    id: a,
                    set: doc! { "state": "failed", "at": at },
                    over: true,
                },
                Write::Milestone {
                    id: b,
                    from: Some("pending".to_owned()),
                    set: doc! {},
                    ours: doc! { "status_reason": null },
                    link: Link::To(a),
                },
                Write::Remove { id: b },
            ],
        };
        let kept = encode(&change).unwrap();
        assert_eq!(bson::deserialize_from_bson::<Change>(kept).unwrap(), change);
    }
}

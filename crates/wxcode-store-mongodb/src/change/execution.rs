//! Executes a decided change: makes the writes, and takes the change out of the project's document.
//!
//! A write is skipped if the written document has the number of this change, or of a later change.

use mongodb::{
    bson::{doc, oid::ObjectId},
    options::WriteConcern,
};
use wxcode_core::milestone::MilestoneStatus;

use super::{Change, Link, Write, is_gone};
use crate::{failure::Failure, records::Records};

/// Executes a change and takes the change out of the project's document.
pub(super) async fn carry_out(
    records: &Records,
    project: ObjectId,
    change: &Change,
) -> Result<(), Failure> {
    for write in &change.writes {
        perform(records, change, write).await?;
    }
    // This write need not be durable: a second execution of the change has no effect.
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
            let (collection, document) = match write {
                Write::Insert(delivery) => (&records.deliveries, delivery),
                Write::Add(milestone) => (&records.milestones, milestone),
                _ => continue,
            };
            let id = document.get("_id").cloned();
            records
                .ask(collection.delete_one(doc! { "_id": id }))
                .await?;
        }
    }
    Ok(())
}

/// Makes a write of a change, unless the write was made already.
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
        Write::Add(milestone) => {
            let mut milestone = milestone.clone();
            if let Ok(ours) = milestone.get_document_mut("wxcode") {
                ours.insert("change", rev);
                ours.insert("mark", mark);
            }
            match records.ask(records.milestones.insert_one(milestone)).await {
                Err(failure) if failure.is_duplicate() => {}
                answer => drop(answer?),
            }
        }
        Write::Remove { id } => {
            let filter = doc! { "_id": id, "status": MilestoneStatus::Pending.as_str() };
            records.ask(records.milestones.delete_one(filter)).await?;
        }
    }
    Ok(())
}

//! Edits of a pending milestone's texts.

use mongodb::bson::{Document, doc};
use wxcode_core::{id::Id, milestone::MilestoneStatus};
use wxcode_store::{MilestoneEdit, MilestoneEdited};

use super::{context, find, one, read, to_change};
use crate::{
    attempt::Attempt,
    change::{self, Link, ProjectUpdate, Write},
    delivery,
    failure::Failure,
    fields::{self, oid, time},
    records::Records,
};

pub(crate) async fn edit(
    records: &Records,
    id: Id,
    edit: &MilestoneEdit,
    attempt: Attempt,
) -> Result<MilestoneEdited, Failure> {
    let Some(milestone) = find(records, id).await? else {
        return Ok(MilestoneEdited::Missing);
    };
    let project = milestone.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let mut may_be_done = attempt.is_again;
    let lookups = to_change(project, id);
    let is_ours = |document: &Document| fields::is_marked(document, "wxcode.mark", attempt.mark);
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(MilestoneEdited::Missing);
        };
        work.fence = edit.fence;
        let Some(milestone) = one(&found, project)? else {
            return Ok(MilestoneEdited::Missing);
        };
        // The answer to our own earlier try may have been lost.
        if may_be_done && found.one("milestone").is_some_and(is_ours) {
            return Ok(MilestoneEdited::Done(milestone));
        }
        if work.is_fenced() {
            return Ok(MilestoneEdited::Fenced);
        }
        let delivery = delivery::one(&found, "delivery")?;
        if !edit.suits(&milestone, delivery.as_ref()) {
            return Ok(MilestoneEdited::NotPending(milestone.status));
        }
        let edited = edit.of(&milestone);
        let write = Write::Milestone {
            id: oid(id),
            from: Some(MilestoneStatus::Pending.as_str().to_owned()),
            set: doc! {
                "element_name": &edited.element_name,
                "updated_at": edited.updated_at.map(time),
            },
            ours: context(edited.context.as_deref()),
            link: Link::Keep,
        };
        let own = ProjectUpdate::default();
        if !change::commit(records, &work, vec![write], own, attempt.mark).await? {
            may_be_done = true;
            continue;
        }
        let now = records.milestones.find_one(doc! { "_id": oid(id) });
        let Some(document) = records.ask(now).await? else {
            return Ok(MilestoneEdited::Missing);
        };
        let now = read(&document)?;
        // Another program may have moved the milestone in between.
        return Ok(match is_ours(&document) {
            true => MilestoneEdited::Done(now),
            false => MilestoneEdited::NotPending(now.status),
        });
    }
}

//! Milestones as documents: the fields in the first implementation's form, ours under `wxcode`.

mod addition;
mod edit;

use std::collections::HashMap;

use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};
use wxcode_core::{
    delivery::DeliveryState,
    excerpt::{self, Excerpt},
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
};
use wxcode_store::{Listing, Moved, PAGE_MAX, Page, Removed};

pub(crate) use addition::{add, element_name};
pub(crate) use edit::edit;

use crate::{
    attempt::Attempt,
    change::{self, Link, ProjectUpdate, Write},
    delivery,
    failure::Failure,
    fields::{self, Fields, NO_REFERENCE, oid, time},
    project,
    reading::{self, Found, Lookups},
    records::{self, DELIVERIES, MILESTONES, Records},
};

/// The path of the link to the delivery of a milestone's command.
pub(crate) const DELIVERY: &str = "wxcode.delivery_id";

pub(crate) async fn get(records: &Records, id: Id) -> Result<Option<Milestone>, Failure> {
    let found = reading::record(records, &records.milestones, oid(id)).await?;
    found.as_ref().map(read).transpose()
}

/// The records for a change of a milestone: it, its delivery, and the number of open deliveries.
fn to_change(project: Id, id: Id) -> Lookups {
    Lookups::default()
        .id("milestone", MILESTONES, oid(id))
        .linked("delivery", DELIVERIES, ("milestone", DELIVERY))
        .count("open", DELIVERIES, delivery::of_open(oid(project)))
}

/// The milestone of the lookup with this name, if it belongs to the project.
pub(crate) fn one(found: &Found, project: Id) -> Result<Option<Milestone>, Failure> {
    let milestone = found.one("milestone").map(read).transpose()?;
    Ok(milestone.filter(|milestone| milestone.output_project_id == project))
}

/// The milestone as in the milestone's document, ignoring an unfinished change.
async fn find(records: &Records, id: Id) -> Result<Option<Milestone>, Failure> {
    let found = records
        .ask(records.milestones.find_one(doc! { "_id": oid(id) }))
        .await?;
    found.as_ref().map(read).transpose()
}

pub(crate) async fn list(
    records: &Records,
    project: Id,
    status: Option<MilestoneStatus>,
    page: Page,
) -> Result<Listing<Excerpt<Milestone>>, Failure> {
    let mut filter = readable();
    filter.insert("output_project_id", oid(project));
    if let Some(status) = status {
        filter.insert("status", status.as_str());
    }
    let read = || async {
        let order = doc! { "created_at": 1, "_id": 1 };
        let found = (filter.clone(), order, doc! { WHOLE: 0 });
        records
            .page(&records.milestones, found, page, filter.clone())
            .await
    };
    let Some((found, total)) = reading::settled(records, oid(project), read).await? else {
        return Ok(records::nothing());
    };
    let items = found
        .iter()
        .filter_map(|document| project::readable(read_excerpt(document)));
    Ok(Listing {
        items: items.collect(),
        total,
    })
}

/// The newest milestone in progress of each project. During a change of a project, the milestone
/// counts as found.
pub(crate) async fn in_work(records: &Records, projects: &[Id]) -> Result<Vec<Milestone>, Failure> {
    let limit = usize::try_from(PAGE_MAX).unwrap_or(usize::MAX);
    let ids: Vec<_> = projects.iter().take(limit).map(|id| oid(*id)).collect();
    let filter = doc! {
        "output_project_id": { "$in": ids },
        "status": MilestoneStatus::InProgress.as_str(),
    };
    let order = doc! { "created_at": 1, "_id": 1 };
    let found = records
        .milestones
        .find(filter)
        .sort(order)
        .projection(doc! { WHOLE: 0 });
    let mut newest = HashMap::new();
    for document in records.all(found).await? {
        if let Some(milestone) = project::readable(read_excerpt(&document)) {
            newest.insert(milestone.record.output_project_id, milestone.record);
        }
    }
    Ok(newest.into_values().collect())
}

pub(crate) async fn advance(
    records: &Records,
    id: Id,
    (from, to): (MilestoneStatus, MilestoneStatus),
    how: &Moved,
    attempt: Attempt,
) -> Result<Option<Milestone>, Failure> {
    let at = how.at;
    let Some(milestone) = find(records, id).await? else {
        return Ok(None);
    };
    let project = milestone.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let mut may_be_done = attempt.is_again;
    let lookups = to_change(project, id);
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(None);
        };
        work.fence = how.fence;
        let Some(milestone) = one(&found, project)? else {
            return Ok(None);
        };
        let is_ours = |document| fields::is_marked(document, "wxcode.mark", attempt.mark);
        if may_be_done && found.one("milestone").is_some_and(is_ours) {
            return Ok(Some(milestone));
        }
        if work.is_fenced() || milestone.status != from {
            return Ok(None);
        }
        let delivery = delivery::one(&found, "delivery")?;
        let state = delivery.as_ref().map(|delivery| delivery.state);
        // A delivery on its way stays: without the delivery a second command could follow.
        let link = match to {
            MilestoneStatus::Pending if state.is_none_or(DeliveryState::is_over) => Link::Forget,
            _ => Link::Keep,
        };
        let mut writes = vec![moved(id, from, to, how, link)];
        let mut own = ProjectUpdate::default();
        if (from, to) == (MilestoneStatus::Pending, MilestoneStatus::Failed)
            && let Some(delivery) = delivery.filter(|d| d.state == DeliveryState::Queued)
        {
            let error = "the milestone was given up";
            let open = found.count("open");
            let (write, update) = delivery::given_up(&work, &delivery, error, at, open)?;
            writes.push(write);
            own = update;
        }
        if !change::commit(records, &work, writes, own, attempt.mark).await? {
            may_be_done = true;
            continue;
        }
        let now = find(records, id).await?;
        // Another program may have moved the milestone in between.
        return Ok(now.filter(|now| now.status == to));
    }
}

/// The write for moving a milestone.
pub(crate) fn moved(
    id: Id,
    from: MilestoneStatus,
    to: MilestoneStatus,
    how: &Moved,
    link: Link,
) -> Write {
    let at = how.at;
    let completed_at = (to == MilestoneStatus::Completed).then(|| time(at));
    Write::Milestone {
        id: oid(id),
        from: Some(from.as_str().to_owned()),
        set: doc! { "status": to.as_str(), "updated_at": time(at), "completed_at": completed_at },
        ours: doc! { "status_by": how.by.as_str(), "status_reason": how.reason.clone() },
        link,
    }
}

/// The write of a failed command's error to the command's pending milestone.
pub(crate) fn failed(id: Id, error: Option<&str>) -> Write {
    Write::Milestone {
        id: oid(id),
        from: Some(MilestoneStatus::Pending.as_str().to_owned()),
        set: Document::new(),
        ours: doc! { "status_by": MovedBy::Delivery.as_str(), "status_reason": error },
        link: Link::Keep,
    }
}

pub(crate) async fn remove(
    records: &Records,
    id: Id,
    (at, fence): (Timestamp, Option<u64>),
    attempt: Attempt,
) -> Result<Removed, Failure> {
    let missing = if attempt.is_again {
        Removed::Removed
    } else {
        Removed::Missing
    };
    let Some(milestone) = find(records, id).await? else {
        return Ok(missing);
    };
    let project = milestone.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let lookups = to_change(project, id);
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(missing);
        };
        work.fence = fence;
        let Some(milestone) = one(&found, project)? else {
            return Ok(missing);
        };
        if work.is_fenced() {
            return Ok(Removed::Fenced);
        }
        let delivery = delivery::one(&found, "delivery")?;
        let on_its_way = delivery.as_ref().is_some_and(|delivery| {
            matches!(
                delivery.state,
                DeliveryState::Written | DeliveryState::Submitted
            )
        });
        if milestone.status != MilestoneStatus::Pending || on_its_way {
            return Ok(Removed::NotPending(milestone.status));
        }
        let mut writes = vec![Write::Remove { id: oid(id) }];
        let mut own = ProjectUpdate::default();
        if let Some(delivery) = delivery.filter(|d| d.state == DeliveryState::Queued) {
            let error = "the milestone was deleted";
            let open = found.count("open");
            let (write, update) = delivery::given_up(&work, &delivery, error, at, open)?;
            writes.push(write);
            own = update;
        }
        if change::commit(records, &work, writes, own, attempt.mark).await? {
            return Ok(Removed::Removed);
        }
    }
}

/// The documents readable by [`read`], as to the fields that another program writes.
pub(crate) fn readable() -> Document {
    let all = [
        MilestoneStatus::Pending,
        MilestoneStatus::InProgress,
        MilestoneStatus::Completed,
        MilestoneStatus::Failed,
    ];
    doc! {
        "element_name": { "$type": "string" },
        "status": { "$in": all.map(MilestoneStatus::as_str).to_vec() },
        "$and": [
            fields::optional("wxcode_version", "string"),
            fields::optional("milestone_folder_name", "string"),
            fields::optional("created_at", "date"),
            fields::optional("updated_at", "date"),
            fields::optional("completed_at", "date"),
        ],
    }
}

/// Converts a milestone to the first implementation's form, with that form's required fields and
/// ours.
pub(crate) fn write(milestone: &Milestone, attempt: Attempt) -> Document {
    let mut ours = context(milestone.context.as_deref());
    ours.insert("made", attempt.mark);
    if let Some(element) = &milestone.element_id {
        ours.insert("element", element);
    }
    if let Some(delivery) = milestone.delivery_id {
        ours.insert("delivery_id", oid(delivery));
    }
    if let Some(by) = milestone.status_by {
        ours.insert("status_by", by.as_str());
    }
    if let Some(reason) = &milestone.status_reason {
        ours.insert("status_reason", reason);
    }
    doc! {
        "_id": oid(milestone.id),
        "output_project_id": oid(milestone.output_project_id),
        "element_id": fields::reference(milestone.element_id.as_deref()),
        "element_name": &milestone.element_name,
        "status": milestone.status.as_str(),
        "wxcode_version": milestone.wxcode_version.clone(),
        "milestone_folder_name": milestone.milestone_folder_name.clone(),
        "created_at": time(milestone.created_at),
        "updated_at": milestone.updated_at.map(time),
        "completed_at": milestone.completed_at.map(time),
        "wxcode": ours,
    }
}

/// The fields of a context: its beginning, and the length and the text of a long context.
fn context(whole: Option<&str>) -> Document {
    let beginning = whole.map(excerpt::beginning);
    let long = whole.filter(|whole| beginning.is_some_and(|context| context.len() < whole.len()));
    let length = long.map(|whole| i64::try_from(whole.len()).unwrap_or(i64::MAX));
    doc! { "context": beginning, "context_bytes": length, "whole_context": long }
}

/// The field of a long context; `wxcode.context` holds the beginning, and lists omit the whole
/// context.
const WHOLE: &str = "wxcode.whole_context";

fn read_excerpt(document: &Document) -> Result<Excerpt<Milestone>, Failure> {
    let whole = Fields::of(MILESTONES, document).count("wxcode.context_bytes")?;
    let milestone = read(document)?;
    let length = milestone.context.as_ref().map_or(0, String::len);
    Ok(Excerpt::new(milestone, length, whole))
}

/// Converts a document to a milestone, with the beginning of a long context if the whole was
/// omitted.
pub(crate) fn read(document: &Document) -> Result<Milestone, Failure> {
    let fields = Fields::of(MILESTONES, document);
    let context = match fields.text(WHOLE)? {
        None => fields.text("wxcode.context")?,
        whole => whole,
    };
    let created_at = match fields.time("created_at")? {
        Some(at) => at,
        None => project::born(document)?,
    };
    let element_id = match fields.get("element_id") {
        Some(Bson::ObjectId(NO_REFERENCE)) => fields.text("wxcode.element")?,
        _ => fields.reference("element_id"),
    };
    Ok(Milestone {
        id: fields.required("_id", fields.id("_id")?)?,
        output_project_id: fields.required("output_project_id", fields.id("output_project_id")?)?,
        element_id,
        element_name: fields.required("element_name", fields.text("element_name")?)?,
        status: fields.word("status")?,
        status_by: match fields.get("wxcode.status_by") {
            None => None,
            Some(_) => Some(fields.word("wxcode.status_by")?),
        },
        status_reason: fields.text("wxcode.status_reason")?,
        context,
        wxcode_version: fields.text("wxcode_version")?,
        milestone_folder_name: fields.text("milestone_folder_name")?,
        delivery_id: fields.id("wxcode.delivery_id")?,
        created_at,
        updated_at: fields.time("updated_at")?,
        completed_at: fields.time("completed_at")?,
    })
}

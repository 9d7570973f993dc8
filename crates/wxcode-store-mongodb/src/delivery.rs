//! Deliveries as documents in our own collection: queued once per key and milestone, moved by
//! compare-and-set on the version.

pub(crate) mod document;
pub(crate) mod queue;

use jiff::Timestamp;
use mongodb::bson::{Document, doc, oid::ObjectId};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::Excerpt,
    id::Id,
    milestone::{MilestoneStatus, MovedBy, SUBMITTED},
    project::ProjectStatus,
    time::to_millis,
};
use wxcode_store::{Command, Listing, Moved, NewDelivery, Page, QUEUE_MAX, Queued, Step};

use self::document::{listed, progress, read, read_excerpt, write};
use crate::{
    attempt::Attempt,
    change::{self, Freshness, Link, ProjectUpdate, Work, Write},
    failure::Failure,
    fields::{Fields, oid, time},
    milestone,
    records::{self, DELIVERIES, PROJECTS, Records},
    repair,
};

pub(crate) async fn queue(
    records: &Records,
    new: &NewDelivery,
    attempt: Attempt,
) -> Result<Queued, Failure> {
    let project = new.output_project_id;
    let _turn = records.turn(oid(project)).await;
    loop {
        let Some(work) = change::work(records, project).await? else {
            return Ok(Queued::Missing);
        };
        // The answer to an earlier, equal request may have been lost.
        if let Some(found) = find(records, new.id).await? {
            if new.is_of(&found) {
                return Ok(Queued::New(found));
            }
            return Err(Failure::taken(new.id));
        }
        let key = new.idempotency_key.as_deref();
        if let Some(earlier) = by_key(records, project, key).await? {
            return Ok(Queued::Existing(earlier));
        }
        let number = next_number(records, &work, project).await?;
        let (milestone_id, text, first) = match &new.command {
            Command::Text(text) => (None, text, None),
            Command::Milestone {
                id,
                new_project,
                new_milestone,
            } => {
                if let Some(answer) = not_startable(records, project, *id).await? {
                    return Ok(answer);
                }
                let first = match work.first {
                    None if number <= work.queued + 1 => None,
                    None => earliest_command(records, project).await?,
                    first => first,
                };
                let text = if first.is_none() {
                    new_project
                } else {
                    new_milestone
                };
                (Some(*id), text, Some(first.unwrap_or(new.id)))
            }
        };
        let open = count_open(records, project).await?;
        if open >= QUEUE_MAX {
            return Ok(Queued::Full);
        }
        let delivery = new.queued(milestone_id, text);
        let mut writes = vec![Write::Insert(write(&delivery, number)?)];
        if let Some(milestone) = milestone_id {
            writes.push(Write::Milestone {
                id: oid(milestone),
                from: None,
                set: Document::new(),
                ours: Document::new(),
                link: Link::To(oid(delivery.id)),
            });
        }
        let own = ProjectUpdate {
            queued: Some(number),
            open: Some(open + 1),
            first: first.filter(|_| work.first.is_none()).map(Some),
            status: None,
        };
        if change::commit(records, &work, writes, own, attempt.mark).await? {
            return Ok(Queued::New(delivery));
        }
    }
}

/// Returns the answer for a milestone whose command must not be queued now.
async fn not_startable(records: &Records, project: Id, id: Id) -> Result<Option<Queued>, Failure> {
    let Some(milestone) = milestone::of(records, project, id).await? else {
        return Ok(Some(Queued::Missing));
    };
    let earlier = match milestone.delivery_id {
        Some(delivery) => find(records, delivery).await?,
        None => None,
    };
    Ok(Queued::instead(milestone.status, earlier))
}

pub(crate) async fn step(
    records: &Records,
    step: &Step,
    attempt: Attempt,
) -> Result<Option<Delivery>, Failure> {
    let Some(before) = find(records, step.id).await? else {
        return Ok(None);
    };
    let project = before.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let mut may_be_done = attempt.is_again;
    loop {
        let Some(mut work) = change::work(records, project).await? else {
            return Ok(None);
        };
        work.fence = step.fence;
        let Some(before) = find(records, step.id).await? else {
            return Ok(None);
        };
        let after = stepped(&before, step);
        // The answer to our own earlier try may have been lost.
        if may_be_done && is_marked(records, step.id, attempt.mark).await? {
            return Ok(Some(before));
        }
        if work.is_fenced() || before.version != step.version || before.state.is_over() {
            return Ok(None);
        }
        let mut writes = vec![rewritten(&after)?];
        let mut own = ProjectUpdate::default();
        if after.state.is_over() {
            own = ended(records, project, &work, &after).await?;
        }
        if let (DeliveryState::Submitted, Some(id)) = (after.state, after.milestone_id) {
            let (from, to) = (MilestoneStatus::Pending, MilestoneStatus::InProgress);
            let how = Moved {
                by: MovedBy::Delivery,
                reason: Some(SUBMITTED.to_owned()),
                at: step.at,
                fence: step.fence,
            };
            writes.push(milestone::moved(id, from, to, &how, Link::Keep));
            let (from, to) = (ProjectStatus::Created, ProjectStatus::Initialized);
            if work.status.as_deref() == Some(from.as_str()) {
                own.status = Some((from, to, time(step.at)));
            }
        }
        if let (DeliveryState::Failed, Some(id)) = (after.state, after.milestone_id)
            && milestone::of(records, project, id)
                .await?
                .is_some_and(|milestone| milestone.delivery_id == Some(after.id))
        {
            writes.push(milestone::failed(id, after.error.as_deref()));
        }
        if change::commit(records, &work, writes, own, attempt.mark).await? {
            return Ok(Some(after));
        }
        may_be_done = true;
    }
}

pub(crate) async fn restore(
    records: &Records,
    delivery: &Delivery,
    attempt: Attempt,
) -> Result<bool, Failure> {
    let project = delivery.output_project_id;
    let _turn = records.turn(oid(project)).await;
    loop {
        let Some(work) = change::work(records, project).await? else {
            return Ok(false);
        };
        if let Some(kept) = find(records, delivery.id).await? {
            if kept == *delivery {
                return Ok(true);
            }
            return Err(Failure::taken(delivery.id));
        }
        let key = delivery.idempotency_key.as_deref();
        if by_key(records, project, key).await?.is_some() {
            return Err(Failure::Refused(format!(
                "the idempotency key of {} is another delivery's",
                delivery.id
            )));
        }
        let number = next_number(records, &work, project).await?;
        let open = count_open(records, project).await?;
        let writes = vec![Write::Insert(write(delivery, number)?)];
        let own = ProjectUpdate {
            queued: Some(number),
            open: Some(open + u64::from(!delivery.state.is_over())),
            ..ProjectUpdate::default()
        };
        if change::commit(records, &work, writes, own, attempt.mark).await? {
            return Ok(true);
        }
    }
}

/// Whether the operation with this mark was the last to change a delivery.
async fn is_marked(records: &Records, id: Id, mark: ObjectId) -> Result<bool, Failure> {
    change::is_marked(&records.deliveries, "mark", oid(id), mark, records).await
}

/// The project's delivery with this key.
async fn by_key(
    records: &Records,
    project: Id,
    key: Option<&str>,
) -> Result<Option<Delivery>, Failure> {
    let Some(key) = key else { return Ok(None) };
    // The type selects the partial index.
    let key = doc! { "$eq": key, "$type": "string" };
    let filter = doc! { "output_project_id": oid(project), "idempotency_key": key };
    let found = records.ask(records.deliveries.find_one(filter)).await?;
    found.as_ref().map(read).transpose()
}

fn stepped(before: &Delivery, step: &Step) -> Delivery {
    Delivery {
        state: step.state,
        attempts: step.attempts,
        typings: step.typings,
        error: step.error.clone(),
        session_id: step.session_id,
        route: step.route,
        after_seq: step.after_seq,
        version: before.version + 1,
        updated_at: to_millis(step.at),
        ..before.clone()
    }
}

/// The number of open deliveries, counted: a project's document may have gone back in time.
async fn count_open(records: &Records, project: Id) -> Result<u64, Failure> {
    let open = doc! { "open": true, "output_project_id": oid(project) };
    records.ask(records.deliveries.count_documents(open)).await
}

/// The number of the next delivery, above all other numbers even if the project's document went
/// back in time.
async fn next_number(records: &Records, work: &Work, project: Id) -> Result<u64, Failure> {
    let newest = records
        .deliveries
        .find_one(doc! { "output_project_id": oid(project) })
        .sort(doc! { "n": -1 })
        .projection(doc! { "n": 1 });
    let newest = match records.ask(newest).await? {
        Some(newest) => Fields::of(DELIVERIES, &newest)
            .count("n")?
            .unwrap_or_default(),
        None => 0,
    };
    Ok(work.queued.max(newest) + 1)
}

/// The earliest command of a project, apart from failed commands, from the project's deliveries.
async fn earliest_command(records: &Records, project: Id) -> Result<Option<Id>, Failure> {
    let command = doc! {
        "output_project_id": oid(project),
        "milestone_id": { "$ne": null },
        "state": { "$ne": DeliveryState::Failed.as_str() },
    };
    let earliest = records
        .deliveries
        .find_one(command)
        .sort(doc! { "n": 1 })
        .projection(doc! { "_id": 1 });
    match records.ask(earliest).await? {
        Some(earliest) => Fields::of(DELIVERIES, &earliest).id("_id"),
        None => Ok(None),
    }
}

/// The change of the project's document at the end of a delivery.
async fn ended(
    records: &Records,
    project: Id,
    work: &Work,
    after: &Delivery,
) -> Result<ProjectUpdate, Failure> {
    let failed = after.state == DeliveryState::Failed;
    Ok(ProjectUpdate {
        open: Some(count_open(records, project).await?.saturating_sub(1)),
        first: (failed && work.first == Some(after.id)).then_some(None),
        ..ProjectUpdate::default()
    })
}

/// The write and the change of the project's document for failing a queued delivery.
pub(crate) async fn given_up(
    records: &Records,
    work: &Work,
    before: &Delivery,
    error: &str,
    at: Timestamp,
) -> Result<(Write, ProjectUpdate), Failure> {
    let after = Delivery {
        state: DeliveryState::Failed,
        error: Some(error.to_owned()),
        version: before.version + 1,
        updated_at: to_millis(at),
        ..before.clone()
    };
    let own = ended(records, before.output_project_id, work, &after).await?;
    Ok((rewritten(&after)?, own))
}

/// The write for turning a delivery into `after`.
fn rewritten(after: &Delivery) -> Result<Write, Failure> {
    Ok(Write::Delivery {
        id: oid(after.id),
        set: progress(after)?,
        over: after.state.is_over(),
    })
}

pub(crate) async fn get(records: &Records, id: Id) -> Result<Option<Delivery>, Failure> {
    loop {
        let Some(delivery) = find(records, id).await? else {
            return Ok(None);
        };
        match change::freshness(records, delivery.output_project_id).await? {
            Freshness::Whole => return Ok(Some(delivery)),
            Freshness::Changed => {}
            Freshness::Gone => return Ok(None),
        }
    }
}

/// The delivery as in the delivery's document, ignoring an unfinished change.
pub(crate) async fn find(records: &Records, id: Id) -> Result<Option<Delivery>, Failure> {
    let found = records
        .ask(records.deliveries.find_one(doc! { "_id": oid(id) }))
        .await?;
    found.as_ref().map(read).transpose()
}

pub(crate) async fn list(
    records: &Records,
    project: Id,
    page: Page,
) -> Result<Listing<Excerpt<Delivery>>, Failure> {
    let filter = doc! { "output_project_id": oid(project) };
    loop {
        let (found, total) = records
            .page(
                &records.deliveries,
                (filter.clone(), doc! { "n": 1 }, listed()),
                page,
            )
            .await?;
        match change::freshness(records, project).await? {
            Freshness::Whole => {
                let items = found.iter().map(read_excerpt).collect::<Result<_, _>>()?;
                return Ok(Listing { items, total });
            }
            Freshness::Changed => {}
            Freshness::Gone => return Ok(records::nothing()),
        }
    }
}

pub(crate) async fn open(
    records: &Records,
    project: Id,
) -> Result<Vec<Excerpt<Delivery>>, Failure> {
    let filter = doc! { "open": true, "output_project_id": oid(project) };
    loop {
        let found = records
            .all(
                records
                    .deliveries
                    .find(filter.clone())
                    .sort(doc! { "n": 1 })
                    .projection(listed()),
            )
            .await?;
        match change::freshness(records, project).await? {
            Freshness::Whole => return found.iter().map(read_excerpt).collect(),
            Freshness::Changed => {}
            Freshness::Gone => return Ok(Vec::new()),
        }
    }
}

pub(crate) async fn projects_with_open(records: &Records) -> Result<Vec<Id>, Failure> {
    // A decided delivery may not be in the collection yet.
    repair::changes(records).await?;
    let found = records
        .ask(
            records
                .deliveries
                .distinct("output_project_id", doc! { "open": true }),
        )
        .await?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    // Records left for a moment by a removal belong to no project.
    let there = doc! { "_id": { "$in": found } };
    let projects = records
        .all(records.projects.find(there).projection(doc! { "_id": 1 }))
        .await?;
    projects
        .iter()
        .map(|project| {
            let fields = Fields::of(PROJECTS, project);
            fields.required("_id", fields.id("_id")?)
        })
        .collect()
}

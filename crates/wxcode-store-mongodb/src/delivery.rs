//! Deliveries as documents in our own collection: queued once per key and milestone, moved by
//! compare-and-set on the version.

pub(crate) mod document;
pub(crate) mod list;
pub(crate) mod queue;

use jiff::Timestamp;
use mongodb::bson::{Document, doc, oid::ObjectId};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    id::Id,
    milestone::{MilestoneStatus, MovedBy, SUBMITTED},
    project::ProjectStatus,
    time::to_millis,
};
use wxcode_store::{Command, Moved, NewDelivery, QUEUE_MAX, Queued, Step};

use self::document::{progress, read, write};
use crate::{
    attempt::Attempt,
    change::{self, Link, ProjectUpdate, Work, Write},
    failure::Failure,
    fields::{self, Fields, oid, time},
    milestone,
    reading::{Found, Lookups},
    records::{DELIVERIES, MILESTONES, Records},
};

pub(crate) async fn queue(
    records: &Records,
    new: &NewDelivery,
    attempt: Attempt,
) -> Result<Queued, Failure> {
    let project = new.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let key = new.idempotency_key.as_deref();
    let mut lookups = to_queue(project, new.id, key);
    if let Command::Milestone { id, .. } = &new.command {
        lookups = lookups.id("milestone", MILESTONES, oid(*id)).linked(
            "earlier",
            DELIVERIES,
            ("milestone", milestone::DELIVERY),
        );
    }
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(Queued::Missing);
        };
        work.fence = new.fence;
        // The answer to an earlier, equal request may have been lost.
        if let Some(found) = one(&found, "same")? {
            if new.is_of(&found) {
                return Ok(Queued::New(found));
            }
            return Err(Failure::taken(new.id));
        }
        if let Some(earlier) = one(&found, "keyed")? {
            return Ok(Queued::Existing(earlier));
        }
        if work.is_fenced() {
            return Ok(Queued::Fenced);
        }
        let number = next_number(&work, &found)?;
        let (milestone_id, text, first) = match &new.command {
            Command::Text(text) => (None, text, None),
            Command::Milestone {
                id,
                new_project,
                new_milestone,
            } => {
                if let Some(answer) = not_startable(&found, project)? {
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
        let open = found.count("open");
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

/// The records for queueing a delivery with this id and key.
fn to_queue(project: Id, id: Id, key: Option<&str>) -> Lookups {
    let project = oid(project);
    let newest = [
        doc! { "$match": { "output_project_id": project } },
        doc! { "$sort": { "n": -1 } },
        doc! { "$limit": 1 },
        doc! { "$project": { "n": 1, "change": 1 } },
    ];
    let lookups = Lookups::default()
        .id("same", DELIVERIES, oid(id))
        .find("newest", DELIVERIES, newest)
        .count("open", DELIVERIES, of_open(project));
    match key {
        None => lookups,
        Some(key) => {
            // The type selects the partial index.
            let key = doc! { "$eq": key, "$type": "string" };
            let filter = doc! { "output_project_id": project, "idempotency_key": key };
            lookups.find(
                "keyed",
                DELIVERIES,
                [doc! { "$match": filter }, doc! { "$limit": 1 }],
            )
        }
    }
}

/// The open deliveries of a project. They are counted where their number matters: a project's
/// document may have gone back in time.
pub(crate) fn of_open(project: ObjectId) -> Document {
    doc! { "open": true, "output_project_id": project }
}

/// The delivery of a lookup.
pub(crate) fn one(found: &Found, name: &str) -> Result<Option<Delivery>, Failure> {
    found.one(name).map(read).transpose()
}

/// Returns the answer for a milestone whose command must not be queued now.
fn not_startable(found: &Found, project: Id) -> Result<Option<Queued>, Failure> {
    match milestone::one(found, project)? {
        Some(milestone) => Ok(Queued::instead(milestone.status, one(found, "earlier")?)),
        None => Ok(Some(Queued::Missing)),
    }
}

pub(crate) async fn step(
    records: &Records,
    step: &Step,
    attempt: Attempt,
) -> Result<Option<Delivery>, Failure> {
    let project = step.project;
    let _turn = records.turn(oid(project)).await;
    let mut may_be_done = attempt.is_again;
    let mut lookups = Lookups::default()
        .id("delivery", DELIVERIES, oid(step.id))
        .linked("milestone", MILESTONES, ("delivery", "milestone_id"));
    if step.state.is_over() {
        lookups = lookups.count("open", DELIVERIES, of_open(oid(project)));
    }
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(None);
        };
        work.fence = step.fence;
        let before = one(&found, "delivery")?;
        let Some(before) = before.filter(|before| before.output_project_id == project) else {
            return Ok(None);
        };
        let after = stepped(&before, step);
        // The answer to our own earlier try may have been lost.
        if may_be_done && is_marked(&found, "delivery", attempt) {
            return Ok(Some(before));
        }
        if work.is_fenced() || before.version != step.version || before.state.is_over() {
            return Ok(None);
        }
        let mut writes = vec![rewritten(&after)?];
        let mut own = ProjectUpdate::default();
        if after.state.is_over() {
            own = ended(&work, &after, found.count("open"));
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
            && milestone::one(&found, project)?
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
    let key = delivery.idempotency_key.as_deref();
    let lookups = to_queue(project, delivery.id, key);
    loop {
        let Some((work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(false);
        };
        if let Some(kept) = one(&found, "same")? {
            if kept == *delivery {
                return Ok(true);
            }
            return Err(Failure::taken(delivery.id));
        }
        if found.one("keyed").is_some() {
            return Err(Failure::Refused(format!(
                "the idempotency key of {} is another delivery's",
                delivery.id
            )));
        }
        let number = next_number(&work, &found)?;
        let open = found.count("open");
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

/// Whether this operation was the last to change the delivery of a lookup.
fn is_marked(found: &Found, name: &str, attempt: Attempt) -> bool {
    let delivery = found.one(name);
    delivery.is_some_and(|delivery| fields::is_marked(delivery, "mark", attempt.mark))
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

/// The number of the next delivery, above all other numbers even if the project's document went
/// back in time.
fn next_number(work: &Work, found: &Found) -> Result<u64, Failure> {
    let newest = match found.one("newest") {
        Some(newest) => Fields::of(DELIVERIES, newest).count("n")?,
        None => None,
    };
    Ok(work.queued.max(newest.unwrap_or_default()) + 1)
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

/// The change of the project's document at the end of one of so many open deliveries.
fn ended(work: &Work, after: &Delivery, open: u64) -> ProjectUpdate {
    let failed = after.state == DeliveryState::Failed;
    ProjectUpdate {
        open: Some(open.saturating_sub(1)),
        first: (failed && work.first == Some(after.id)).then_some(None),
        ..ProjectUpdate::default()
    }
}

/// The write and the change of the project's document for failing one of so many open deliveries.
pub(crate) fn given_up(
    work: &Work,
    before: &Delivery,
    error: &str,
    at: Timestamp,
    open: u64,
) -> Result<(Write, ProjectUpdate), Failure> {
    let after = Delivery {
        state: DeliveryState::Failed,
        error: Some(error.to_owned()),
        version: before.version + 1,
        updated_at: to_millis(at),
        ..before.clone()
    };
    Ok((rewritten(&after)?, ended(work, &after, open)))
}

/// The write for turning a delivery into `after`.
fn rewritten(after: &Delivery) -> Result<Write, Failure> {
    Ok(Write::Delivery {
        id: oid(after.id),
        set: progress(after)?,
        over: after.state.is_over(),
    })
}

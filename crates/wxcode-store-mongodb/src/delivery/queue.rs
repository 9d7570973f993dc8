//! The queue of a project: the next delivery, and the user's changes of waiting deliveries.

use std::collections::HashMap;

use mongodb::bson::{Document, doc, oid::ObjectId};
use wxcode_core::{
    delivery::{DeliveryState, Route},
    id::Id,
};
use wxcode_store::{Edit, Edited, Next, NextQuery, moved};

use super::{
    document::{self, read},
    find, is_marked,
};
use crate::{
    attempt::Attempt,
    change::{self, Freshness, ProjectUpdate, Write},
    failure::Failure,
    fields::{self, Fields, oid, time},
    records::{DELIVERIES, Records},
};

/// Finds the next delivery: the index gives the order, so the function asks for the three kinds in
/// turn.
pub(crate) async fn next(
    records: &Records,
    project: Id,
    query: NextQuery,
) -> Result<Next, Failure> {
    let now = time(query.now);
    let open = doc! { "open": true, "output_project_id": oid(project) };
    let among = |filter: Document| {
        let mut all = open.clone();
        all.extend(filter);
        all
    };
    let due = doc! { "$or": [{ "not_before": null }, { "not_before": { "$lte": now } }] };
    let given = doc! { "$or": [
        { "state": DeliveryState::Written.as_str() },
        { "route": Route::Prompt.as_str() },
    ] };
    let mut kinds = vec![given, due.clone()];
    if query.in_turn {
        let mut steers = due;
        steers.insert("steer", true);
        kinds.insert(1, steers);
    }
    let mut ahead = queued();
    ahead.insert("not_before", doc! { "$gt": now });
    loop {
        let mut found = None;
        for kind in &kinds {
            let first = records
                .deliveries
                .find_one(among(kind.clone()))
                .sort(doc! { "n": 1 });
            found = records.ask(first).await?;
            if found.is_some() {
                break;
            }
        }
        let earliest = records
            .deliveries
            .find_one(among(ahead.clone()))
            .sort(doc! { "not_before": 1 })
            .projection(doc! { "not_before": 1 });
        let earliest = records.ask(earliest).await?;
        match change::freshness(records, project).await? {
            Freshness::Whole => {
                let due_at =
                    earliest.map(|found| Fields::of(DELIVERIES, &found).time("not_before"));
                return Ok(Next {
                    delivery: found.as_ref().map(read).transpose()?,
                    due_at: due_at.transpose()?.flatten(),
                });
            }
            Freshness::Changed => {}
            Freshness::Gone => return Ok(Next::default()),
        }
    }
}

/// The filter for [`Delivery::is_waiting`].
fn queued() -> Document {
    doc! { "state": DeliveryState::Queued.as_str(), "route": Route::Typed.as_str() }
}

pub(crate) async fn edit(
    records: &Records,
    edit: &Edit,
    attempt: Attempt,
) -> Result<Edited, Failure> {
    let project = edit.output_project_id;
    let _turn = records.turn(oid(project)).await;
    let mut may_be_done = attempt.is_again;
    let of_project = async |id: Id| {
        let found = find(records, id).await?;
        Ok::<_, Failure>(found.filter(|found| found.output_project_id == project))
    };
    loop {
        let Some(work) = change::work(records, project).await? else {
            return Ok(Edited::Missing);
        };
        let Some(delivery) = of_project(edit.id).await? else {
            return Ok(Edited::Missing);
        };
        // The answer to our own earlier try may have been lost.
        if may_be_done && is_marked(records, edit.id, attempt.mark).await? {
            return Ok(Edited::Done(delivery));
        }
        if !delivery.is_waiting() {
            return Ok(Edited::NotWaiting(delivery));
        }
        let edited = edit.of(&delivery);
        let mut set = document::edited(&edited)?;
        let mut writes = Vec::new();
        if let Some(before) = edit.before {
            match of_project(before).await? {
                None => return Ok(Edited::PlaceMissing),
                Some(other) if !other.is_waiting() => return Ok(Edited::PlaceNotWaiting(other)),
                Some(_) => {}
            }
            let (places, versions) = places(records, project).await?;
            for (id, place) in moved(&places, oid(edit.id), oid(before)) {
                let place = fields::count(place)?;
                if id == oid(edit.id) {
                    set.insert("n", place);
                    continue;
                }
                let version = versions.get(&id).copied().unwrap_or_default() + 1;
                writes.push(Write::Delivery {
                    id,
                    set: doc! { "n": place, "version": fields::count(version)? },
                    over: false,
                });
            }
        }
        writes.push(Write::Delivery {
            id: oid(edit.id),
            set,
            over: false,
        });
        let own = ProjectUpdate::default();
        if change::commit(records, &work, writes, own, attempt.mark).await? {
            return Ok(Edited::Done(edited));
        }
        may_be_done = true;
    }
}

/// Deliveries with their places, in order.
type Places = Vec<(ObjectId, u64)>;

/// The places and the versions of a project's waiting deliveries.
async fn places(
    records: &Records,
    project: Id,
) -> Result<(Places, HashMap<ObjectId, u64>), Failure> {
    let mut filter = queued();
    filter.insert("open", true);
    filter.insert("output_project_id", oid(project));
    let queue = records
        .deliveries
        .find(filter)
        .sort(doc! { "n": 1 })
        .projection(doc! { "n": 1, "version": 1 });
    let (mut places, mut versions) = (Vec::new(), HashMap::new());
    for found in records.all(queue).await? {
        let fields = Fields::of(DELIVERIES, &found);
        let id = oid(fields.required("_id", fields.id("_id")?)?);
        places.push((id, fields.required("n", fields.count("n")?)?));
        versions.insert(id, fields.required("version", fields.count("version")?)?);
    }
    Ok((places, versions))
}

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
    is_marked, of_open, one,
};
use crate::{
    attempt::Attempt,
    change::{self, ProjectUpdate, Write},
    failure::Failure,
    fields::{self, Fields, oid, time},
    reading::{self, Found, Lookups},
    records::{DELIVERIES, Records},
};

/// Finds the next delivery: the index gives the order within each kind.
pub(crate) async fn next(
    records: &Records,
    project: Id,
    query: NextQuery,
) -> Result<Next, Failure> {
    let now = time(query.now);
    let first = |filter: Document, sort: Document| {
        let mut all = of_open(oid(project));
        all.extend(filter);
        [
            doc! { "$match": all },
            doc! { "$sort": sort },
            doc! { "$limit": 1 },
        ]
    };
    let due = doc! { "$or": [{ "not_before": null }, { "not_before": { "$lte": now } }] };
    let given = doc! { "$or": [
        { "state": DeliveryState::Written.as_str() },
        { "route": Route::Prompt.as_str() },
    ] };
    let mut ahead = queued();
    ahead.insert("not_before", doc! { "$gt": now });
    let by_time = doc! { "not_before": 1 };
    let mut lookups = Lookups::default()
        .find("given", DELIVERIES, first(given, doc! { "n": 1 }))
        .find("due", DELIVERIES, first(due.clone(), doc! { "n": 1 }))
        .find("ahead", DELIVERIES, first(ahead, by_time));
    if query.in_turn {
        let mut steers = due;
        steers.insert("steer", true);
        lookups = lookups.find("steers", DELIVERIES, first(steers, doc! { "n": 1 }));
    }
    let Some(found) = reading::whole(records, oid(project), lookups).await? else {
        return Ok(Next::default());
    };
    let due_at = match found.one("ahead") {
        Some(earliest) => Fields::of(DELIVERIES, earliest).time("not_before")?,
        None => None,
    };
    let kinds = ["given", "steers", "due"].into_iter();
    let delivery = kinds.filter_map(|kind| found.one(kind)).next();
    Ok(Next {
        delivery: delivery.map(read).transpose()?,
        due_at,
    })
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
    let mut lookups = Lookups::default().id("edited", DELIVERIES, oid(edit.id));
    if let Some(before) = edit.before {
        lookups = lookups.id("place", DELIVERIES, oid(before)).find(
            "queue",
            DELIVERIES,
            to_move(project),
        );
    }
    let of_project = |found: &Found, name: &str| {
        let found = one(found, name)?;
        Ok::<_, Failure>(found.filter(|found| found.output_project_id == project))
    };
    loop {
        let Some((mut work, found)) = change::work(records, project, &lookups).await? else {
            return Ok(Edited::Missing);
        };
        work.fence = edit.fence;
        let Some(delivery) = of_project(&found, "edited")? else {
            return Ok(Edited::Missing);
        };
        // The answer to our own earlier try may have been lost.
        if may_be_done && is_marked(&found, "edited", attempt) {
            return Ok(Edited::Done(delivery));
        }
        if work.is_fenced() {
            return Ok(Edited::Fenced);
        }
        if !delivery.is_waiting() {
            return Ok(Edited::NotWaiting(delivery));
        }
        let edited = edit.of(&delivery);
        let mut set = document::edited(&edited)?;
        let mut writes = Vec::new();
        if let Some(before) = edit.before {
            match of_project(&found, "place")? {
                None => return Ok(Edited::PlaceMissing),
                Some(other) if !other.is_waiting() => return Ok(Edited::PlaceNotWaiting(other)),
                Some(_) => {}
            }
            let (places, versions) = places(&found)?;
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

/// The stages for the places of a project's waiting deliveries.
fn to_move(project: Id) -> [Document; 3] {
    let mut filter = of_open(oid(project));
    filter.extend(queued());
    [
        doc! { "$match": filter },
        doc! { "$sort": { "n": 1 } },
        doc! { "$project": { "n": 1, "version": 1, "change": 1 } },
    ]
}

/// The places and the versions of a project's waiting deliveries.
fn places(found: &Found) -> Result<(Places, HashMap<ObjectId, u64>), Failure> {
    let (mut places, mut versions) = (Vec::new(), HashMap::new());
    for found in found.all("queue") {
        let fields = Fields::of(DELIVERIES, found);
        let id = oid(fields.required("_id", fields.id("_id")?)?);
        places.push((id, fields.required("n", fields.count("n")?)?));
        versions.insert(id, fields.required("version", fields.count("version")?)?);
    }
    Ok((places, versions))
}

//! Converts deliveries to documents and back.

use mongodb::bson::{Document, doc};
use wxcode_core::{
    delivery::Delivery,
    excerpt::{self, Excerpt},
};

use crate::{
    failure::Failure,
    fields::{self, Fields, oid, time},
    records::DELIVERIES,
};

pub(crate) fn write(delivery: &Delivery, number: u64) -> Result<Document, Failure> {
    let text = excerpt::beginning(&delivery.text);
    let mut document = doc! {
        "_id": oid(delivery.id),
        "output_project_id": oid(delivery.output_project_id),
        "n": fields::count(number)?,
        "milestone_id": delivery.milestone_id.map(oid),
        "text": text,
        "idempotency_key": delivery.idempotency_key.clone(),
        "created_at": time(delivery.created_at),
    };
    document.extend(progress(delivery)?);
    if text.len() < delivery.text.len() {
        document.insert("text_bytes", fields::count(delivery.text.len() as u64)?);
        document.insert(WHOLE, &delivery.text);
    }
    if let Some(at) = delivery.not_before {
        document.insert("not_before", time(at));
    }
    if delivery.steer {
        document.insert("steer", true);
    }
    if delivery.edits > 0 {
        document.insert("edits", i64::from(delivery.edits));
    }
    if !delivery.state.is_over() {
        document.insert("open", true);
    }
    Ok(document)
}

/// The fields changed by a user's edit.
pub(super) fn edited(delivery: &Delivery) -> Result<Document, Failure> {
    let text = excerpt::beginning(&delivery.text);
    let is_long = text.len() < delivery.text.len();
    let bytes = fields::count(delivery.text.len() as u64)?;
    Ok(doc! {
        "text": text,
        "text_bytes": is_long.then_some(bytes),
        WHOLE: is_long.then_some(&delivery.text),
        "not_before": delivery.not_before.map(time),
        "edits": i64::from(delivery.edits),
        "error": delivery.error.clone(),
        "version": fields::count(delivery.version)?,
        "updated_at": time(delivery.updated_at),
    })
}

/// The changing fields of a delivery.
pub(super) fn progress(delivery: &Delivery) -> Result<Document, Failure> {
    Ok(doc! {
        "state": delivery.state.as_str(),
        "attempts": i64::from(delivery.attempts),
        "typings": i64::from(delivery.typings),
        "error": delivery.error.clone(),
        "session_id": delivery.session_id.map(oid),
        "route": delivery.route.as_str(),
        "after_seq": delivery.after_seq.map(fields::count).transpose()?,
        "version": fields::count(delivery.version)?,
        "updated_at": time(delivery.updated_at),
    })
}

/// The field of a long text; `text` holds the beginning, and lists omit the whole text.
const WHOLE: &str = "whole_text";

/// The projection of lists.
pub(super) fn listed() -> Document {
    doc! { WHOLE: 0 }
}

pub(super) fn read_excerpt(document: &Document) -> Result<Excerpt<Delivery>, Failure> {
    let whole = Fields::of(DELIVERIES, document).count("text_bytes")?;
    let delivery = read(document)?;
    let length = delivery.text.len();
    Ok(Excerpt::new(delivery, length, whole))
}

/// Converts a document to a delivery, with the beginning of a long text if the whole was omitted.
pub(super) fn read(document: &Document) -> Result<Delivery, Failure> {
    let fields = Fields::of(DELIVERIES, document);
    let text = match fields.text(WHOLE)? {
        None => fields.required("text", fields.text("text")?)?,
        Some(whole) => whole,
    };
    let small = |name: &str| -> Result<u32, Failure> {
        let count = fields.count(name)?.unwrap_or_default();
        u32::try_from(count).map_err(|_| fields.wrong(name, "is too large"))
    };
    Ok(Delivery {
        id: fields.required("_id", fields.id("_id")?)?,
        output_project_id: fields.required("output_project_id", fields.id("output_project_id")?)?,
        milestone_id: fields.id("milestone_id")?,
        text,
        state: fields.word("state")?,
        attempts: small("attempts")?,
        error: fields.text("error")?,
        idempotency_key: fields.text("idempotency_key")?,
        session_id: fields.id("session_id")?,
        route: fields.word("route")?,
        after_seq: fields.count("after_seq")?,
        not_before: fields.time("not_before")?,
        steer: fields.flag("steer")?,
        edits: small("edits")?,
        typings: small("typings")?,
        version: fields.required("version", fields.count("version")?)?,
        created_at: fields.required("created_at", fields.time("created_at")?)?,
        updated_at: fields.required("updated_at", fields.time("updated_at")?)?,
    })
}

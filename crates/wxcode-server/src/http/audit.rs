//! The audit.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wxcode_core::{access::AuditEntry, id::Id};

use super::{
    access::Access,
    parameter::{Params, number, parsed_id},
    problem::Answer,
};

/// Entries in an answer, by default and at most.
const PAGE: u64 = 50;
const PAGE_MAX: u64 = 500;

/// The query of the audit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// The `next` of the answer before; left out: from the newest entry.
    #[param(pattern = "{id}")]
    before: Option<String>,
    /// Most entries, 50 by default, at most 500.
    #[serde(default, deserialize_with = "number")]
    limit: Option<u64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AuditList {
    /// Newest first.
    entries: Vec<EntryView>,
    /// `before` of the next older entries; null at the end.
    #[schema(value_type = Option<String>)]
    next: Option<Id>,
}

/// An action of a caller, with its project and its outcome.
#[derive(Serialize, ToSchema)]
struct EntryView {
    #[schema(value_type = String)]
    id: Id,
    #[schema(value_type = String)]
    at: Timestamp,
    /// The name of the caller's credential.
    actor: String,
    address: String,
    /// A stable word, such as `token.create`.
    action: String,
    #[schema(value_type = Option<String>)]
    project_id: Option<Id>,
    /// `ok`, or the status of the refusal.
    outcome: String,
}

impl From<AuditEntry> for EntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            actor: entry.actor,
            address: entry.from,
            action: entry.action,
            project_id: entry.project,
            outcome: entry.outcome,
        }
    }
}

/// Lists what callers did, newest first. Typed text is never in it.
#[utoipa::path(operation_id = "listAudit", get, path = "/audit", tag = "access", params(Span), responses(
    (status = 200, description = "A page of entries", body = AuditList),
))]
pub(super) async fn list(
    State(access): State<Access>,
    Params(span): Params<Span>,
) -> Answer<Json<AuditList>> {
    let before = span.before.map(|id| parsed_id("before", &id)).transpose()?;
    let limit = span.limit.unwrap_or(PAGE).min(PAGE_MAX);
    let entries = access.callers.entries(before, limit).await?;
    let is_full = limit > 0 && entries.len() as u64 == limit;
    let next = entries.last().map(|entry| entry.id).filter(|_| is_full);
    Ok(Json(AuditList {
        entries: entries.into_iter().map(EntryView::from).collect(),
        next,
    }))
}

//! Webhooks: addresses that get events.

use axum::{Extension, Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_core::{
    id::Id,
    notice::{Address, Target},
    time::to_millis,
};

use super::{
    body::Body,
    parameter::PathId,
    problem::{Answer, Problem, quoted},
};
use crate::{
    access::{Caller, secret},
    notify::{
        Notices,
        outside::{self, AddressError},
    },
};

/// Most types of events of a webhook.
const EVENTS_MAX: usize = 50;
/// Longest secret, and shortest given one, in bytes.
const SECRET_MAX: usize = 200;
const SECRET_MIN: usize = 16;
/// The groups of events.
const GROUPS: [&str; 13] = [
    "session",
    "agent",
    "delivery",
    "milestone",
    "prompt",
    "tool",
    "question",
    "permission",
    "limit",
    "planning",
    "conversation",
    "client",
    "run",
];

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// An http or https address, of at most 2,048 bytes.
    #[schema(max_length = 2_048, pattern = "^https?://[0-9A-Za-z]", format = "uri")]
    url: String,
    /// Types of events, such as `agent.state`; `session.*` for a group, `*` for all.
    #[schema(min_items = 1, max_items = 50)]
    events: Vec<String>,
    /// The key of the signature, 16 to 200 bytes; left out, the server makes one.
    #[schema(min_length = 16, max_length = 200)]
    secret: Option<String>,
}

/// A webhook without its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookView {
    #[schema(value_type = String)]
    id: Id,
    url: String,
    events: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The name of the creator's credential.
    created_by: String,
    /// The last attempt since the server's start.
    last_attempt: Option<AttemptView>,
}

/// An attempt to reach a webhook.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptView {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Why it failed; null for a success.
    error: Option<String>,
}

/// A webhook with its secret, shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedWebhook {
    /// The key of the signature. It cannot be shown again.
    secret: String,
    #[serde(flatten)]
    webhook: WebhookView,
}

/// All webhooks.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookList {
    webhooks: Vec<WebhookView>,
}

impl WebhookView {
    /// The view of a receiver that is a webhook.
    fn of(notices: &Notices, target: Target) -> Option<Self> {
        let Address::Webhook { url, events, .. } = target.address else {
            return None;
        };
        let attempt = notices.last_attempt(target.id);
        Some(Self {
            id: target.id,
            url,
            events,
            created_at: target.created_at,
            created_by: target.created_by,
            last_attempt: attempt.map(|attempt| AttemptView {
                at: attempt.at,
                error: attempt.error,
            }),
        })
    }
}

/// The problem of an address outside.
pub(super) fn bad_address(what: &str, text: &str, error: &AddressError) -> Problem {
    Problem::invalid(format!(
        "{what} is {}: {error}; give an address such as https://example.org/hook",
        quoted(text)
    ))
}

fn check_events(events: &[String]) -> Answer<()> {
    if events.is_empty() || events.len() > EVENTS_MAX {
        return Err(Problem::invalid(format!(
            "events has {} entries: give 1 to {EVENTS_MAX}, or [\"*\"] for all events",
            events.len()
        )));
    }
    for event in events {
        let is_known = event == "*"
            || event.split_once('.').is_some_and(|(group, rest)| {
                let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
                let is_name = !rest.is_empty() && rest.chars().all(is_word);
                GROUPS.contains(&group) && (rest == "*" || is_name)
            });
        if !is_known {
            return Err(Problem::invalid(format!(
                "events has {}, which is no type of event: give types such as agent.state, a group \
                 such as session.*, or *; the groups are {}",
                quoted(event),
                GROUPS.join(", ")
            )));
        }
    }
    Ok(())
}

/// Creates a webhook. Its secret is in this answer only.
#[utoipa::path(operation_id = "createWebhook", post, path = "/webhooks", tag = "notifications", request_body = NewWebhook, responses(
    (status = 201, description = "Created", body = CreatedWebhook),
    (status = 403, description = "The caller is no admin", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "There are too many receivers", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A field is missing or invalid", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    State(notices): State<Notices>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewWebhook>,
) -> Answer<(StatusCode, Json<CreatedWebhook>)> {
    let url = outside::address(&new.url).map_err(|error| bad_address("url", &new.url, &error))?;
    check_events(&new.events)?;
    let secret = match new.secret {
        None => secret::generate(),
        Some(secret) if (SECRET_MIN..=SECRET_MAX).contains(&secret.len()) => secret,
        Some(secret) => {
            return Err(Problem::invalid(format!(
                "secret has {} bytes: give {SECRET_MIN} to {SECRET_MAX}, or leave it out for a generated one",
                secret.len()
            )));
        }
    };
    let now = to_millis(Timestamp::now());
    let target = Target {
        id: Id::generate(now),
        created_at: now,
        created_by: caller.name,
        credential: None,
        address: Address::Webhook {
            url: url.to_string(),
            events: new.events,
            secret: secret.clone(),
        },
    };
    if !notices.add(&target).await? {
        return Err(too_many());
    }
    let webhook = WebhookView::of(&notices, target);
    let webhook = webhook.ok_or_else(|| Problem::not_found("webhook"))?;
    Ok((
        StatusCode::CREATED,
        Json(CreatedWebhook { secret, webhook }),
    ))
}

pub(super) fn too_many() -> Problem {
    Problem::conflict("there are too many webhooks and browsers: remove one first")
}

/// Lists the webhooks, without their secrets.
#[utoipa::path(operation_id = "listWebhooks", get, path = "/webhooks", tag = "notifications", responses(
    (status = 200, description = "All webhooks, oldest first", body = WebhookList),
))]
pub(super) async fn list(State(notices): State<Notices>) -> Answer<Json<WebhookList>> {
    let targets = notices.targets().await?.into_iter();
    let webhooks = targets.filter_map(|target| WebhookView::of(&notices, target));
    Ok(Json(WebhookList {
        webhooks: webhooks.collect(),
    }))
}

/// Removes a webhook and the events that wait for it.
#[utoipa::path(operation_id = "removeWebhook", delete, path = "/webhooks/{id}", tag = "notifications", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "Removed"),
    (status = 404, description = "No such webhook", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove(
    State(notices): State<Notices>,
    PathId(id): PathId,
) -> Answer<StatusCode> {
    let targets = notices.targets().await?;
    let is_webhook = |target: &&Target| matches!(target.address, Address::Webhook { .. });
    let mut webhooks = targets.iter().filter(is_webhook);
    if !webhooks.any(|webhook| webhook.id == id) || !notices.remove(id).await? {
        return Err(Problem::not_found("webhook"));
    }
    Ok(StatusCode::NO_CONTENT)
}

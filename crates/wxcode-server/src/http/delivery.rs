//! Deliveries over HTTP.

use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wxcode_claude::prompt;
use wxcode_core::{
    delivery::{Delivery, DeliveryState, KEY_MAX, TEXT_MAX, reason::Code},
    excerpt::Excerpt,
    id::Id,
    time::to_millis,
};
use wxcode_store::{Command, Edit, Edited, NewDelivery, QUEUE_MAX, Queued};

use super::{
    body::{self, Body},
    parameter::{DeliveryId, Paging, Params, PathId},
    problem::{Answer, Problem},
    state::Projects,
};
use crate::agent::Delivered;

/// A command on its way into a session.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryView {
    #[schema(value_type = String)]
    id: Id,
    #[schema(value_type = String)]
    output_project_id: Id,
    /// The milestone that it starts.
    #[schema(value_type = Option<String>)]
    milestone_id: Option<Id>,
    /// What is typed; in lists of a long text the beginning, up to 1024 characters.
    text: String,
    /// How long the whole text is, in bytes.
    text_bytes: u64,
    /// Whether `text` is less than the whole: the delivery alone (GET …/deliveries/{delivery_id})
    /// has it.
    text_truncated: bool,
    /// `queued`, `written`, `submitted` or `failed`.
    #[schema(value_type = String)]
    state: DeliveryState,
    /// How often the text or an Enter was sent.
    attempts: u32,
    /// The reason of a failure; before that, the present obstacle: a dialog by its name, or `draft:
    /// …` for other text in the prompt.
    error: Option<String>,
    /// The kind of `error`, for programs that word it themselves.
    #[schema(value_type = Option<String>)]
    error_code: Option<&'static str>,
    idempotency_key: Option<String>,
    /// It waits until this time, and holds up no other delivery meanwhile.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// It goes into a running turn instead of waiting for its end.
    steer: bool,
    /// How often its text was edited, its time changed, or it was moved in the queue.
    edits: u32,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let length = delivery.text.len();
        Excerpt::new(delivery, length, None).into()
    }
}

impl From<Excerpt<Delivery>> for DeliveryView {
    fn from(listed: Excerpt<Delivery>) -> Self {
        let delivery = listed.record;
        Self {
            text_bytes: listed.text_bytes,
            text_truncated: listed.is_truncated,
            id: delivery.id,
            output_project_id: delivery.output_project_id,
            milestone_id: delivery.milestone_id,
            text: delivery.text,
            state: delivery.state,
            attempts: delivery.attempts,
            error_code: delivery
                .error
                .as_deref()
                .map(|error| Code::of(error).as_str()),
            error: delivery.error,
            idempotency_key: delivery.idempotency_key,
            not_before: delivery.not_before,
            steer: delivery.steer,
            edits: delivery.edits,
            created_at: delivery.created_at,
            updated_at: delivery.updated_at,
        }
    }
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryList {
    deliveries: Vec<DeliveryView>,
    /// The number of all deliveries.
    total: u64,
}

/// A text to deliver.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewText {
    /// The text to type and submit, up to 1 MiB.
    #[schema(min_length = 1, max_length = 1_048_576, pattern = "{visible}")]
    text: String,
    /// A second request with the same key and text gets the first one's delivery, also a failed
    /// one; up to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    idempotency_key: Option<String>,
    /// The delivery waits until this time, and holds up no other meanwhile.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// Types it into a running turn instead of waiting for its end.
    #[serde(default)]
    steer: bool,
}

/// A change of a queued delivery; absent fields stay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryChange {
    /// Another text, up to 1 MiB.
    #[schema(min_length = 1, max_length = 1_048_576, pattern = "{visible}")]
    text: Option<String>,
    /// Another time; `null` for none.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Option<Timestamp>>,
    /// Moves it before this queued delivery of the project.
    #[schema(value_type = Option<String>, pattern = "{id}")]
    before: Option<Id>,
}

/// Checks a text to be typed.
fn check(text: &str) -> Answer<()> {
    if text.len() > TEXT_MAX {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "text has {} bytes: send at most {TEXT_MAX}, or name a file in it",
                text.len()
            ),
        ));
    }
    if prompt::typeable(text).trim().is_empty() {
        return Err(Problem::invalid("text is empty: give what is to be typed"));
    }
    Ok(())
}

/// Turns the outcome of an edit or a cancellation into a response.
fn edited(edited: Edited, verb: &str) -> Answer<Delivery> {
    let why = |delivery: &Delivery| match delivery.state {
        DeliveryState::Queued => "starts the agent as its initial prompt",
        DeliveryState::Written => "is being typed",
        DeliveryState::Submitted => "is submitted",
        DeliveryState::Failed => "has failed",
    };
    match edited {
        Edited::Done(delivery) => Ok(delivery),
        Edited::NotWaiting(delivery) => Err(Problem::conflict(format!(
            "delivery {} {}: only a queued one can be {verb}; queue another text instead",
            delivery.id,
            why(&delivery)
        ))
        .with_code("not_queued")),
        Edited::PlaceNotWaiting(delivery) => Err(Problem::conflict(format!(
            "before names delivery {}, which {}: name a queued one",
            delivery.id,
            why(&delivery)
        ))
        .with_code("not_queued")),
        Edited::Missing => Err(Problem::not_found("delivery")),
        Edited::Fenced => Err(Problem::taken_over()),
        Edited::PlaceMissing => Err(Problem::invalid(
            "before names no delivery of this project: list them to find the id of a queued one",
        )),
    }
}

/// Turns the outcome of a delivery request into a response.
pub(super) fn answer(delivered: Delivered) -> Answer<(StatusCode, Json<DeliveryView>)> {
    match delivered {
        Delivered::Accepted(delivery) => Ok((StatusCode::ACCEPTED, Json(delivery.into()))),
        Delivered::KeyTaken(id) => Err(Problem::conflict(format!(
            "the idempotency_key is that of delivery {id}, which has another text: give each command a key of its own, or send that text again"
        ))),
        Delivered::Refused(Queued::NotPending(status)) => Err(Problem::conflict(format!(
            "the milestone is {}: only a pending one can be started; a failed one can be set back to pending",
            status.as_str()
        ))),
        Delivered::Refused(Queued::Full) => Err(Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("the project has {QUEUE_MAX} deliveries in line: wait until some are over"),
        )),
        Delivered::Refused(Queued::Fenced) => Err(Problem::taken_over()),
        Delivered::Refused(Queued::Missing | Queued::New(_) | Queued::Existing(_)) => {
            Err(Problem::not_found("output project or milestone"))
        }
    }
}

/// Queues a text for the session; starts the session if none runs, or once the text's time comes.
#[utoipa::path(operation_id = "queueDelivery", post, path = "/output-projects/{id}/deliveries", tag = "deliveries", params(("id" = String, Path, description = "24 hexadecimal digits")), request_body = NewText, responses(
    (status = 202, description = "Queued, or the delivery that has the key already", body = DeliveryView),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The key is that of a delivery with another text, a run is going on, or the workspace folder is missing", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "The text or the key is not valid", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many deliveries in line", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The agent could not start; or another node took the project over meanwhile: `node_changed`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn queue(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Body(new): Body<NewText>,
) -> Answer<(StatusCode, Json<DeliveryView>)> {
    projects.find(id).await?;
    check(&new.text)?;
    if new
        .idempotency_key
        .as_ref()
        .is_some_and(|key| key.is_empty() || key.chars().count() > KEY_MAX)
    {
        let length = new.idempotency_key.map_or(0, |key| key.chars().count());
        return Err(Problem::invalid(format!(
            "idempotency_key has {length} characters: give 1 to {KEY_MAX}, or leave it out"
        )));
    }
    let now = to_millis(Timestamp::now());
    let delivery = NewDelivery {
        id: Id::generate(now),
        output_project_id: id,
        command: Command::Text(new.text),
        idempotency_key: new.idempotency_key,
        not_before: new.not_before,
        steer: new.steer,
        at: now,
        fence: None,
    };
    answer(projects.sessions.deliver(&delivery).await?)
}

/// Lists the deliveries of a project in order, with the beginnings of their texts: the order of
/// queueing, but for those that were moved.
#[utoipa::path(operation_id = "listDeliveries", get, path = "/output-projects/{id}/deliveries", tag = "deliveries", params(("id" = String, Path, description = "24 hexadecimal digits"), Paging), responses(
    (status = 200, description = "A page of them", body = DeliveryList),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Params(paging): Params<Paging>,
) -> Answer<Json<DeliveryList>> {
    projects.find(id).await?;
    let listing = projects.store.deliveries(id, paging.page()).await?;
    let deliveries = listing.items.into_iter().map(DeliveryView::from).collect();
    Ok(Json(DeliveryList {
        deliveries,
        total: listing.total,
    }))
}

/// Shows a delivery.
#[utoipa::path(operation_id = "showDelivery", get, path = "/output-projects/{id}/deliveries/{delivery_id}", tag = "deliveries",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("delivery_id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "The delivery", body = DeliveryView),
    (status = 404, description = "No such delivery in this project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    PathId(id): PathId,
    DeliveryId(delivery): DeliveryId,
) -> Answer<Json<DeliveryView>> {
    let delivery = projects
        .store
        .delivery(delivery)
        .await?
        .filter(|delivery| delivery.output_project_id == id);
    Ok(Json(
        delivery
            .ok_or_else(|| Problem::not_found("delivery"))?
            .into(),
    ))
}

/// Edits a queued delivery, changes its time, or moves it in the queue.
#[utoipa::path(operation_id = "changeDelivery", patch, path = "/output-projects/{id}/deliveries/{delivery_id}", tag = "deliveries",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("delivery_id" = String, Path, description = "24 hexadecimal digits")), request_body = DeliveryChange, responses(
    (status = 200, description = "The changed delivery", body = DeliveryView),
    (status = 404, description = "No such delivery in this project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It, or the one to move before, is not queued any more (`not_queued`); nothing changed", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "The text is too long", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "A value is not valid, or nothing is to be changed", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "Another node took the project over meanwhile: `node_changed`", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change(
    State(projects): State<Projects>,
    PathId(id): PathId,
    DeliveryId(delivery): DeliveryId,
    Body(change): Body<DeliveryChange>,
) -> Answer<Json<DeliveryView>> {
    projects.find(id).await?;
    if let Some(text) = &change.text {
        check(text)?;
    }
    if change.text.is_none() && change.not_before.is_none() && change.before.is_none() {
        return Err(Problem::invalid(
            "nothing is to be changed: give text, not_before or before",
        ));
    }
    if change.before == Some(delivery) {
        return Err(Problem::invalid(
            "before names the delivery itself: name another queued one",
        ));
    }
    let edit = Edit {
        id: delivery,
        output_project_id: id,
        text: change.text,
        not_before: change.not_before,
        before: change.before,
        at: to_millis(Timestamp::now()),
        fence: None,
    };
    let answer = projects.sessions.edit_delivery(&edit).await?;
    Ok(Json(edited(answer, "changed")?.into()))
}

/// Cancels a queued delivery: it is `failed` with the error `cancelled`. A milestone whose command
/// it was stays `pending`, with that reason, and can be started again.
#[utoipa::path(operation_id = "cancelDelivery", delete, path = "/output-projects/{id}/deliveries/{delivery_id}", tag = "deliveries",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("delivery_id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 204, description = "It is cancelled"),
    (status = 404, description = "No such delivery in this project", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is not queued any more (`not_queued`)", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn cancel(
    State(projects): State<Projects>,
    PathId(id): PathId,
    DeliveryId(delivery): DeliveryId,
) -> Answer<StatusCode> {
    projects.find(id).await?;
    let answer = projects.sessions.cancel_delivery(id, delivery).await?;
    edited(answer, "cancelled")?;
    Ok(StatusCode::NO_CONTENT)
}

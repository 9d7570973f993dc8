//! The events of a project as a stream of server-sent events.

pub(super) mod all;
mod step;

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use utoipa::{IntoParams, ToSchema};
use wxcode_core::{
    delivery::{Delivery, DeliveryState},
    excerpt::Excerpt,
    id::Id,
    milestone::{Milestone, MilestoneStatus, MovedBy},
    text::shortened,
    time::to_millis,
};
use wxcode_store::{PAGE_MAX, Page};

use self::step::{Next, RETRY, Step, state_frame};
use super::{
    Overview,
    parameter::{Params, PathId},
    problem::{Answer, Problem},
    state::Projects,
    view::{SessionView, session_view},
};
use crate::{
    access::{Caller, Callers},
    event::{Batch, Events, Feed, Line},
    metric::{Counted, Metrics},
    node::Relay,
    planning::{Attention, Planning},
};

/// Silence before a keep-alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A keep-alive: a comment, which clients ignore.
const ALIVE: &str = ": alive\n\n";
/// A keep-alive for browsers, which hide comments from their pages.
const ALIVE_EVENT: &str = "event: alive\ndata: {\"type\":\"alive\"}\n\n";
/// Longest beginning of a delivery's text in a `state`, in characters.
const TEXT_MAX: usize = 200;
/// Milestones in a `state`, the newest ones.
const MILESTONES_MAX: u64 = PAGE_MAX;

/// The client's position is unknown: what it knows is void.
const RESET: &str = "event: reset\ndata: {\"type\":\"reset\"}\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The position of a follower.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// The client's last event, for clients without the header `Last-Event-ID`, which wins.
    last_event_id: Option<String>,
    /// `event` makes each keep-alive an event `alive` instead of a comment, for pages: a browser
    /// hides comments from them.
    #[param(inline)]
    keep_alive: Option<KeepAlive>,
}

/// The form of keep-alives.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum KeepAlive {
    Comment,
    Event,
}

impl KeepAlive {
    const fn text(self) -> &'static str {
        match self {
            Self::Comment => ALIVE,
            Self::Event => ALIVE_EVENT,
        }
    }
}

/// The present situation: the data of the event `state`.
#[derive(Serialize, ToSchema)]
pub(super) struct Now {
    /// Always `state`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The newest event: later events are not covered here, or published again.
    seq: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    session: SessionView,
    /// The open deliveries, in order.
    deliveries: Vec<OpenDelivery>,
    /// The newest 1000 milestones, oldest first.
    milestones: Vec<MilestoneState>,
}

/// An open delivery.
#[derive(Serialize, ToSchema)]
struct OpenDelivery {
    #[schema(value_type = String)]
    delivery_id: Id,
    #[schema(value_type = Option<String>)]
    milestone_id: Option<Id>,
    /// `queued` or `written`.
    #[schema(value_type = String)]
    state: DeliveryState,
    attempts: u32,
    error: Option<String>,
    /// The beginning of its text, up to 200 characters.
    text: String,
    /// How long the whole text is, in bytes.
    text_bytes: u64,
    /// Whether `text` is less than the whole.
    text_truncated: bool,
    /// It waits until this time.
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// It goes into a running turn.
    steer: bool,
}

/// The status of a milestone.
#[derive(Serialize, ToSchema)]
struct MilestoneState {
    #[schema(value_type = String)]
    milestone_id: Id,
    element_name: String,
    /// `pending`, `in_progress`, `completed` or `failed`.
    #[schema(value_type = String)]
    status: MilestoneStatus,
    /// The origin of the last change or attempt: `user` or `delivery`.
    #[schema(value_type = Option<String>)]
    by: Option<MovedBy>,
    /// The reason of the last change.
    reason: Option<String>,
}

impl From<Excerpt<Delivery>> for OpenDelivery {
    fn from(listed: Excerpt<Delivery>) -> Self {
        let (text_bytes, delivery) = (listed.text_bytes, listed.record);
        let is_cut = delivery.text.chars().nth(TEXT_MAX).is_some();
        Self {
            text_bytes,
            text_truncated: listed.is_truncated || is_cut,
            delivery_id: delivery.id,
            milestone_id: delivery.milestone_id,
            state: delivery.state,
            attempts: delivery.attempts,
            error: delivery.error,
            text: shortened(&delivery.text, TEXT_MAX),
            not_before: delivery.not_before,
            steer: delivery.steer,
        }
    }
}

impl From<Milestone> for MilestoneState {
    fn from(milestone: Milestone) -> Self {
        Self {
            milestone_id: milestone.id,
            element_name: milestone.element_name,
            status: milestone.status,
            by: milestone.status_by,
            reason: milestone.status_reason,
        }
    }
}

/// State of the event streams.
#[derive(Clone)]
pub(crate) struct EventStreams {
    pub(crate) projects: Projects,
    pub(crate) events: Events,
    pub(crate) planning: Planning,
    pub(crate) metrics: Metrics,
    /// Cancelled when the server ends.
    pub(crate) closing: CancellationToken,
    /// For the `state` of all projects.
    pub(crate) overview: Overview,
    /// For the events of other nodes.
    pub(crate) relay: Relay,
    pub(crate) callers: Callers,
}

/// One client: a cursor. The server prepares the next part when the client has taken the last one.
struct Follower {
    state: EventStreams,
    project: Id,
    feed: Arc<Feed>,
    newest: watch::Receiver<u64>,
    next: Next,
    /// Lines read together and handed over one by one.
    ready: VecDeque<Line>,
    alive: &'static str,
    /// Keeps the planning files watched while the client listens.
    _attention: Arc<Attention>,
    _counted: Counted,
}

/// Follows the events of a project: published as they happen, in order, each with its number as
/// `id`.
#[utoipa::path(operation_id = "followEvents", get, path = "/output-projects/{id}/events", tag = "events",
    params(
        ("id" = String, Path, description = "24 hexadecimal digits"),
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that the client has. The later events follow, or one `reset` and a `state` when the log no longer has them. Without it, a `state` comes first"),
        Since,
    ), responses(
    (status = 200, description = "Server-sent events without an end; `event` is the type, `data` a JSON object with `type`, `seq` and `at`", body = Now, content_type = "text/event-stream"),
    (status = 400, description = "Not an id of a project", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "No such project", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn follow(
    State(state): State<EventStreams>,
    PathId(project): PathId,
    Params(since): Params<Since>,
    headers: HeaderMap,
    Extension(caller): Extension<Caller>,
) -> Answer<Response> {
    let credential = state.callers.end_of(&caller);
    let record = state.projects.find(project).await?;
    let cursor = cursor(&headers, since.last_event_id);
    let feed = state.events.current(project).await;
    let attention = state.planning.attend(project, &record.workspace_path);
    let counted = state.metrics.stream();
    let follower = Follower {
        newest: feed.watch(),
        state,
        project,
        feed,
        next: Next::Greeting { cursor },
        ready: VecDeque::new(),
        alive: since.keep_alive.unwrap_or(KeepAlive::Comment).text(),
        _attention: attention,
        _counted: counted,
    };
    let parts = stream::unfold(follower, |mut follower| async move {
        let part = follower.part().await?;
        Some((Ok::<_, Infallible>(Bytes::from(part)), follower))
    });
    let parts = parts.take_until(async move { credential.reached().await });
    Ok(stream_of(Body::from_stream(parts)))
}

/// The position of a client: `None` without one, and an impossible number counts as outside of the
/// log.
fn cursor(headers: &HeaderMap, in_query: Option<String>) -> Option<u64> {
    let given = headers.get(&LAST_EVENT_ID);
    let last = given
        .map(|value| value.to_str().unwrap_or("unreadable").to_owned())
        .or(in_query)
        .filter(|text| !text.is_empty());
    last.map(|text| text.parse().unwrap_or(u64::MAX))
}

/// The response with a stream of events.
fn stream_of(body: Body) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    // Proxies that buffer responses would hold events back.
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}

impl Follower {
    /// The next part of the stream; `None` at its end.
    async fn part(&mut self) -> Option<String> {
        if let Some(line) = self.ready.pop_front() {
            return Some(self.frame(&line));
        }
        let closing = self.state.closing.clone();
        let feed = Arc::clone(&self.feed);
        tokio::select! {
            biased;
            () = closing.cancelled() => None,
            () = feed.closed().cancelled() => None,
            part = self.next() => part,
        }
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            let cursor = match self.next.step() {
                Step::Greet => return Some(RETRY.to_owned()),
                Step::Present(before) => return self.present(before).await,
                Step::After(seq) => seq,
            };
            // Before looking for events, so that a new one wakes.
            self.newest.borrow_and_update();
            match self.feed.after(cursor).await {
                Batch::Gone => {
                    self.next = Next::Present(RESET);
                }
                Batch::Lines(lines) => {
                    self.ready = lines.into();
                    if let Some(line) = self.ready.pop_front() {
                        return Some(self.frame(&line));
                    }
                    tokio::select! {
                        changed = self.newest.changed() => changed.ok()?,
                        () = sleep(KEEP_ALIVE) => return Some(self.alive.to_owned()),
                    }
                }
            }
        }
    }

    fn frame(&mut self, line: &Line) -> String {
        self.next = Next::After(line.seq);
        let (seq, name, json) = (line.seq, line.name(), line.json());
        format!("id: {seq}\nevent: {name}\ndata: {json}\n\n")
    }

    /// The present situation.
    async fn present(&mut self, before: &str) -> Option<String> {
        // Before reading the rest: later events follow it.
        let seq = self.feed.newest();
        match self.now(seq).await {
            Ok(now) => {
                self.next = Next::After(seq);
                state_frame(before, seq, &now)
            }
            Err(problem) => {
                // The client reconnects by itself.
                tracing::warn!(project = %self.project, ?problem, "cannot read the present state; the client connects again");
                None
            }
        }
    }

    async fn now(&self, seq: u64) -> Answer<Now> {
        let store = &self.state.projects.store;
        let project = self.state.projects.find(self.project).await?;
        let deliveries = store.open_deliveries(self.project).await?;
        let mut page = Page { skip: 0, limit: 0 };
        let total = store.milestones(self.project, None, page).await?.total;
        page.skip = total.saturating_sub(MILESTONES_MAX);
        page.limit = MILESTONES_MAX;
        let milestones = store.milestones(self.project, None, page).await?.items;
        let latest = self.state.projects.sessions.latest(self.project);
        Ok(Now {
            kind: "state",
            seq,
            at: to_millis(Timestamp::now()),
            session: session_view(&self.state.projects.sessions, project, latest.as_deref()).await,
            deliveries: deliveries.into_iter().map(OpenDelivery::from).collect(),
            milestones: milestones
                .into_iter()
                .map(|listed| MilestoneState::from(listed.record))
                .collect(),
        })
    }
}

//! The events of all projects as one stream of server-sent events.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::HeaderMap,
    response::Response,
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::{sync::watch, time::sleep};
use utoipa::ToSchema;
use wxcode_core::time::to_millis;

use super::{
    EventStreams, KEEP_ALIVE, KeepAlive, Next, RESET, Since, Step, cursor, state_frame,
    step::RETRY, stream_of,
};
use crate::{
    access::Caller,
    event::{AllBatch, AllFeed, AllLine},
    http::{
        LIMIT_MAX,
        parameter::Params,
        problem::{Answer, Problem},
        project::list::ProjectList,
    },
    metric::Counted,
    node::{Following, Forwarded},
};

/// The present situation of all projects: the data of the event `state`.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct AllNow {
    /// Always `state`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The newest event of this stream: later events are not covered here, or published again.
    seq: u64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The first 500 projects, by attention, and the number of all.
    #[serde(flatten)]
    list: ProjectList,
}

/// The present situation for a peer, which asks for the sessions itself.
#[derive(Serialize)]
struct PeerNow {
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
}

/// One client: a cursor.
struct Follower {
    state: EventStreams,
    feed: Arc<AllFeed>,
    newest: watch::Receiver<u64>,
    next: Next,
    /// Events read together and handed over one by one.
    ready: VecDeque<AllLine>,
    /// A keep-alive, as the client wants it.
    alive: &'static str,
    /// The followed events of all nodes; `None` for a peer, which gets those of this node.
    following: Option<Following>,
    _counted: Counted,
}

/// Follows the events of all projects, on all nodes: each with a number of this stream as `id`, and its project as
/// `project_id`.
#[utoipa::path(operation_id = "followAllEvents", get, path = "/events", tag = "events",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The last event that the client has. The later events follow, or one `reset` and a `state` when the server no longer has them, also after its restart. Without it, a `state` comes first"),
        Since,
    ), responses(
    (status = 200, description = "Server-sent events without an end; `event` is the type, `data` a JSON object with `type`, `seq`, `at`, `project_id`, and `project_seq`, its number in the stream of its project", body = AllNow, content_type = "text/event-stream"),
    (status = 422, description = "Another parameter", body = Problem, content_type = "application/problem+json"),
))]
pub(in crate::http) async fn follow(
    State(state): State<EventStreams>,
    Extension(caller): Extension<Caller>,
    Params(since): Params<Since>,
    forwarded: Option<Extension<Forwarded>>,
    headers: HeaderMap,
) -> Response {
    let credential = state.callers.end_of(&caller);
    let following = match forwarded {
        Some(_) => None,
        None => Some(state.relay.follow()),
    };
    let feed = following
        .as_ref()
        .map_or_else(|| state.events.all(), Following::feed);
    let follower = Follower {
        newest: feed.watch(),
        next: Next::Greeting {
            cursor: cursor(&headers, since.last_event_id),
        },
        ready: VecDeque::new(),
        alive: since.keep_alive.unwrap_or(KeepAlive::Comment).text(),
        _counted: state.metrics.stream(),
        following,
        feed,
        state,
    };
    let parts = stream::unfold(follower, |mut follower| async move {
        let closing = follower.state.closing.clone();
        let part = tokio::select! {
            biased;
            () = closing.cancelled() => None,
            part = follower.part() => part,
        };
        part.map(|part| (Ok::<_, Infallible>(Bytes::from(part)), follower))
    });
    let parts = parts.take_until(async move { credential.reached().await });
    stream_of(Body::from_stream(parts))
}

impl Follower {
    /// The next part of the stream; `None` at its end.
    async fn part(&mut self) -> Option<String> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                self.next = Next::After(line.seq);
                match frame(&line) {
                    Some(frame) => return Some(frame),
                    None => continue,
                }
            }
            let cursor = match self.next.step() {
                Step::Greet => return Some(RETRY.to_owned()),
                Step::Present(before) => return self.present(before).await,
                Step::After(seq) => seq,
            };
            // Before looking for events, so that a new one wakes.
            self.newest.borrow_and_update();
            match self.feed.after(cursor) {
                AllBatch::Gone => self.next = Next::Present(RESET),
                AllBatch::Lines(lines) if lines.is_empty() => tokio::select! {
                    changed = self.newest.changed() => changed.ok()?,
                    () = sleep(KEEP_ALIVE) => return Some(self.alive.to_owned()),
                },
                AllBatch::Lines(lines) => self.ready = lines.into(),
            }
        }
    }

    /// The present situation.
    async fn present(&mut self, before: &str) -> Option<String> {
        let Some(following) = &mut self.following else {
            let seq = self.feed.newest();
            self.next = Next::After(seq);
            return state_frame(before, seq, &PeerNow { kind: "state", seq });
        };
        following.ready().await;
        // Before reading the rest: later events follow it.
        let seq = self.feed.newest();
        match self.now(seq).await {
            Ok(now) => {
                self.next = Next::After(seq);
                state_frame(before, seq, &now)
            }
            Err(problem) => {
                // The client reconnects by itself.
                tracing::warn!(
                    ?problem,
                    "cannot read the present state of all projects; the client connects again"
                );
                None
            }
        }
    }

    async fn now(&self, seq: u64) -> Answer<AllNow> {
        Ok(AllNow {
            kind: "state",
            seq,
            at: to_millis(Timestamp::now()),
            list: self.state.overview.by_attention(LIMIT_MAX).await?,
        })
    }
}

/// An event with its number in this stream, its project, and its number there.
fn frame(line: &AllLine) -> Option<String> {
    let mut event: Map<String, Value> = serde_json::from_str(line.line.json()).ok()?;
    if let Some(seq) = event.insert("seq".to_owned(), line.seq.into()) {
        event.insert("project_seq".to_owned(), seq);
    }
    event.insert("project_id".to_owned(), line.project.to_string().into());
    let json = serde_json::to_string(&event).ok()?;
    let (seq, name) = (line.seq, line.line.name());
    Some(format!("id: {seq}\nevent: {name}\ndata: {json}\n\n"))
}

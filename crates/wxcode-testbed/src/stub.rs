//! A stub of the Messages API on the loopback, sufficient for a conversation of the real Claude
//! Code.
//!
//! [`answer`] describes the answers.

mod answer;
mod wire;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{Method, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use answer::Answer;
use wire::Content;

/// Longest wait of [`Stub::wait_for`] before a panic.
pub const WAIT_MAX: Duration = Duration::from_secs(60);

/// Largest request body, in bytes.
const BODY_MAX: usize = 64 << 20; // 64 MiB

/// A received request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The body; null for a body other than JSON.
    pub body: Value,
}

impl Request {
    /// Whether the request is a turn of the conversation, not a title, a count or a probe.
    #[must_use]
    pub fn is_turn(&self) -> bool {
        self.path == "/v1/messages"
            && self.body["tools"]
                .as_array()
                .is_some_and(|tools| !tools.is_empty())
    }

    /// The user's texts, a text for each message, the newest last.
    #[must_use]
    pub fn user_texts(&self) -> Vec<String> {
        answer::user_texts(&self.body)
    }
}

/// A running stub; the stub ends on drop.
#[derive(Debug)]
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropped with the stub; the drop ends the server.
    _running: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Shared {
    requests: Mutex<Vec<Request>>,
    /// The number of requests, for waiting tasks.
    arrived: watch::Sender<usize>,
    /// How many times held answers were released.
    released: watch::Sender<u64>,
    /// The number of currently held answers.
    held: watch::Sender<usize>,
    /// Until when the account's usage limit refuses turns.
    limited_until: Mutex<Option<SystemTime>>,
}

impl Stub {
    /// Starts a stub on a free loopback port, on a separate thread: a test may block.
    ///
    /// # Errors
    /// No port is free.
    pub fn start_blocking() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            arrived: watch::Sender::new(0),
            released: watch::Sender::new(0),
            held: watch::Sender::new(0),
            limited_until: Mutex::default(),
        });
        let (running, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let router = Router::new()
            .fallback(handle)
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&shared));
        thread::Builder::new()
            .name("messages-stub".into())
            .spawn(move || {
                // Ending the runtime ends all held answers.
                runtime.block_on(async {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        _ = axum::serve(listener, router) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            shared,
            _running: running,
        })
    }

    /// [`Stub::start_blocking`] for asynchronous tests.
    ///
    /// # Errors
    /// No port is free.
    #[expect(clippy::unused_async, reason = "starting is allowed to take time")]
    pub async fn start() -> io::Result<Self> {
        Self::start_blocking()
    }

    /// The value for `ANTHROPIC_BASE_URL`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests().clone()
    }

    /// Waits for the first request, past or future, accepted by `wanted`.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub async fn wait_for(&self, wanted: impl Fn(&Request) -> bool) -> Request {
        let mut arrived = self.shared.arrived.subscribe();
        let found = async {
            loop {
                arrived.mark_unchanged();
                let found = self
                    .shared
                    .requests()
                    .iter()
                    .find(|request| wanted(request))
                    .cloned();
                match found {
                    Some(request) => return Some(request),
                    None => arrived.changed().await.ok()?,
                }
            }
        };
        match tokio::time::timeout(WAIT_MAX, found).await {
            Ok(Some(request)) => request,
            _ => panic!(
                "no such request within {WAIT_MAX:?}; there were: {:#?}",
                self.summary()
            ),
        }
    }

    /// [`Stub::wait_for`] for tests without a runtime.
    ///
    /// # Panics
    /// After [`WAIT_MAX`], or without a runtime.
    pub fn wait_for_blocking(&self, wanted: impl Fn(&Request) -> bool) -> Request {
        block_on(self.wait_for(wanted))
    }

    /// Releases all held answers.
    pub fn release(&self) {
        self.shared.released.send_modify(|times| *times += 1);
    }

    /// Refuses turns until this time with the account's usage limit: 429 with
    /// `anthropic-ratelimit-unified-status: rejected`, the reset, and `x-should-retry: false`.
    pub fn limit_until(&self, reset: SystemTime) {
        *self.shared.limited_until() = Some(reset);
    }

    /// Waits until exactly `count` answers are held.
    ///
    /// # Panics
    /// After [`WAIT_MAX`].
    pub async fn wait_held(&self, count: usize) {
        let mut held = self.shared.held.subscribe();
        let reached = tokio::time::timeout(WAIT_MAX, held.wait_for(|held| *held == count)).await;
        assert!(
            matches!(reached, Ok(Ok(_))),
            "{count} answers were not held within {WAIT_MAX:?}"
        );
    }

    /// [`Stub::wait_held`] for tests without a runtime.
    ///
    /// # Panics
    /// After [`WAIT_MAX`], or without a runtime.
    pub fn wait_held_blocking(&self, count: usize) {
        block_on(self.wait_held(count));
    }

    fn summary(&self) -> Vec<String> {
        let line = |request: &Request| {
            format!(
                "{} {} {:?}",
                request.method,
                request.path,
                request.user_texts()
            )
        };
        self.shared.requests().iter().map(line).collect()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("no runtime to wait on: {error}"),
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn limited_until(&self) -> MutexGuard<'_, Option<SystemTime>> {
        let limited = self.limited_until.lock();
        limited.unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of a used up account, while the account is used up.
    fn limited(&self) -> Option<Response> {
        let reset = (*self.limited_until()).filter(|reset| *reset > SystemTime::now())?;
        let since_epoch = reset.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since_epoch.map_or(0, |time| time.as_secs()).to_string();
        let headers = [
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", &seconds),
            (
                "anthropic-ratelimit-unified-representative-claim",
                "five_hour",
            ),
            ("x-should-retry", "false"),
        ];
        let body = axum::Json(wire::error(429));
        Some((StatusCode::TOO_MANY_REQUESTS, headers, body).into_response())
    }

    /// Stores a request and returns the request's number.
    fn record(&self, request: Request) -> usize {
        let count = {
            let mut requests = self.requests();
            requests.push(request);
            requests.len()
        };
        self.arrived.send_replace(count);
        count
    }
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = uri.path().to_owned();
    let number = shared.record(Request {
        method: method.to_string(),
        path: path.clone(),
        body: body.clone(),
    });
    match path.as_str() {
        "/v1/messages/count_tokens" => axum::Json(json!({ "input_tokens": 10 })).into_response(),
        "/v1/messages" => message(&shared, number, &body),
        _ => axum::Json(json!({})).into_response(),
    }
}

fn message(shared: &Arc<Shared>, number: usize, body: &Value) -> Response {
    let is_turn = body["tools"]
        .as_array()
        .is_some_and(|tools| !tools.is_empty());
    if is_turn && let Some(limited) = shared.limited() {
        return limited;
    }
    let model = &body["model"];
    let answer = answer::answer(body);
    let (content, held) = match &answer {
        Answer::Text(text) => (Content::Text(text), false),
        Answer::Held(text) => (Content::Text(text), true),
        Answer::Tools(calls) => (Content::Tools(calls), false),
        Answer::Error(status) => {
            let code = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            // Without this header the client would retry for minutes.
            return (
                code,
                [("x-should-retry", "false")],
                axum::Json(wire::error(*status)),
            )
                .into_response();
        }
    };
    if body["stream"] != true {
        return axum::Json(wire::document(number, model, &content)).into_response();
    }
    let first = wire::begin(number, model, &content);
    let last = wire::delta(number, &content) + &wire::end(&content);
    let pieces = if held {
        let first = first + &wire::delta(number, &Content::Text("stub: working\n\n"));
        let hold = Hold::new(shared);
        stream::once(async { first })
            .chain(stream::once(hold.released(last)))
            .boxed()
    } else {
        stream::iter([first, last]).boxed()
    };
    let body = Body::from_stream(pieces.map(Ok::<_, io::Error>));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

/// A held answer, counted until the answer's release or the client's end.
struct Hold {
    shared: Arc<Shared>,
    released: watch::Receiver<u64>,
}

impl Hold {
    fn new(shared: &Arc<Shared>) -> Self {
        let released = shared.released.subscribe();
        shared.held.send_modify(|held| *held += 1);
        Self {
            shared: Arc::clone(shared),
            released,
        }
    }

    async fn released(mut self, rest: String) -> String {
        // An error means the end of the stub, so the answer ends too.
        let _ = self.released.changed().await;
        rest
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.held.send_modify(|held| *held -= 1);
    }
}

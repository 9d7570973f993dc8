//! Forwards requests for a project of another node, in one hop.
//!
//! Bodies, event streams and WebSockets pass through byte by byte, so that back-pressure, offsets,
//! pings and close codes stay as they are.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{MatchedPath, RawPathParams, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, time::timeout};
use wxcode_core::{id::Id, node::NodeRecord};

use super::{
    Nodes,
    identity::{Forwarded, HEADER, Refused},
    route::{Route, Unreachable},
};
use crate::{
    access::{
        Caller,
        rule::{self, Place},
    },
    http::Problem,
    listen::Connection,
};

/// Time for a connection to a peer.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Idle time of a connection to a peer, below the time after which the peer closes it.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(60);
/// Most idle connections to one peer.
pub(super) const IDLE_PER_PEER: usize = 32;
/// Most forwarded requests at the same time, sockets and streams among them.
pub(super) const AT_ONCE: usize = 4_096;
/// Time for the head of a peer's answer to a reading request.
const READ_MAX: Duration = Duration::from_secs(30);
/// Time for the head of a peer's answer to a changing request, such as the start of a session.
const CHANGE_MAX: Duration = Duration::from_secs(300);
/// Largest body that is kept for a second try, in bytes; a larger one is passed on as it comes.
const KEPT_MAX: u64 = 1 << 20; // 1 MiB

/// Requests that may start an agent, by their method and the end of their route.
const STARTS: [(&str, &str); 5] = [
    ("POST", "/session"),
    ("POST", "/deliveries"),
    ("POST", "/runs"),
    ("POST", "/start"),
    ("GET", "/terminal"),
];

/// Headers that belong to one connection, or to the first node's caller.
const OWN: [HeaderName; 11] = [
    header::HOST,
    header::AUTHORIZATION,
    header::COOKIE,
    header::ORIGIN,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static(HEADER),
];

/// Reads the caller of a forwarded request; refuses a wrong signature.
pub(crate) async fn receive(
    State(nodes): State<Nodes>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(value) = request.headers().get(HEADER).cloned() else {
        return next.run(request).await;
    };
    let (method, path) = (request.method().clone(), path(request.uri()).to_owned());
    match nodes
        .verify(value.as_bytes(), (method.as_str(), &path))
        .await
    {
        Ok((caller, forwarded)) => {
            if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
                connection.authenticate();
            }
            tracing::debug!(peer = forwarded.node, project = %forwarded.project, "a forwarded request");
            request.extensions_mut().insert(caller);
            request.extensions_mut().insert(forwarded);
        }
        Err(refused) => return refused.into_response(),
    }
    next.run(request).await
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, detail) = match self {
            Self::Signature => (
                StatusCode::UNAUTHORIZED,
                "the signature of the forwarded request is not of a node of this database, or for \
                 another request: see that all nodes use one database",
            ),
            Self::Credential => (
                StatusCode::UNAUTHORIZED,
                "the caller's credential does not count any more: log in again",
            ),
            // The sender goes on as without this node.
            Self::Unknown => (
                StatusCode::MISDIRECTED_REQUEST,
                "the store does not answer here, so the forwarded request cannot be checked",
            ),
        };
        Problem::new(status, detail).into_response()
    }
}

/// Passes a request on to the node of its project, or to this node's handler.
pub(crate) async fn forward(
    State(nodes): State<Nodes>,
    mut request: Request,
    next: Next,
) -> Response {
    if !nodes.0.is_shared {
        return next.run(request).await;
    }
    if let Some(forwarded) = request.extensions().get::<Forwarded>() {
        let project = forwarded.project;
        return match nodes.is_here(project).await {
            true => next.run(request).await,
            false => misdirected(),
        };
    }
    let Some((project, starts)) = nodes.project_of(&mut request).await else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let (mut parts, body) = (parts, Kept::of(body).await);
    let mut body = match body {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    for again in [false, true] {
        let peer = match nodes.route(project, again, starts).await {
            Ok(Route::There(peer)) => peer,
            Ok(Route::Nowhere(unreachable)) => {
                parts.extensions.insert(unreachable);
                break;
            }
            // The handler finds the same problem of the store, and words it.
            Ok(Route::Here) | Err(_) => break,
        };
        let Some(sent) = body.take() else {
            return nobody(&peer);
        };
        match nodes.pass(&mut parts, sent, project, &peer).await {
            Passed::Answered(response) => return response,
            Passed::Misdirected => nodes.forget_route(project),
            Passed::Unconnected => {
                nodes.refused_connection(peer.id);
                nodes.forget_route(project);
            }
        }
    }
    match body.take() {
        Some(body) => next.run(Request::from_parts(parts, body)).await,
        None => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the project's node changed while the body was sent: try again",
        )
        .with_code("node_changed")
        .into_response(),
    }
}

fn misdirected() -> Response {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "another node has the project now: look up its lease again",
    )
    .with_code("not_the_owner")
    .into_response()
}

/// A large body is spent.
fn nobody(peer: &NodeRecord) -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(
            "the project's node changed while the body was sent to {}: try again",
            peer.name
        ),
    )
    .with_code("node_changed")
    .into_response()
}

/// A request's body.
enum Kept {
    /// Whole, for any number of tries.
    Whole(Bytes),
    /// As it comes, for one try.
    Stream(Option<Body>),
}

impl Kept {
    async fn of(body: Body) -> Result<Self, Problem> {
        use axum::body::HttpBody as _;
        let hint = body.size_hint();
        match hint.exact().filter(|size| *size <= KEPT_MAX) {
            Some(size) => {
                let limit = usize::try_from(size).unwrap_or(usize::MAX);
                let bytes = to_bytes(body, limit).await.map_err(|error| {
                    Problem::new(
                        StatusCode::BAD_REQUEST,
                        format!("the body was broken off ({error}): send it whole"),
                    )
                })?;
                Ok(Self::Whole(bytes))
            }
            None => Ok(Self::Stream(Some(body))),
        }
    }

    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::Stream(body) => body.take(),
        }
    }
}

/// The outcome of a try.
enum Passed {
    Answered(Response),
    /// The peer is not the owner.
    Misdirected,
    /// The peer takes no connection: nothing of the request arrived.
    Unconnected,
}

impl Nodes {
    /// Whether this node may serve a project for a peer: no other node has it.
    async fn is_here(&self, project: Id) -> bool {
        if self.0.sessions.has_agent(project) {
            return true;
        }
        match self.0.sessions.home(project).await {
            Ok(Some((node, is_owner))) => !is_owner || node.id == self.0.own.id,
            // The handler answers: no such project, or no store.
            Ok(None) | Err(_) => true,
        }
    }

    /// The project of a request that its node must answer, and whether the request may start an
    /// agent.
    async fn project_of(&self, request: &mut Request) -> Option<(Id, bool)> {
        let route = request.extensions().get::<MatchedPath>()?;
        let route = route.as_str().to_owned();
        let place = rule::rule(request.method(), Some(&route)).place;
        let is_local = route.ends_with("/shares")
            || route.contains("/shares/")
            || (request.method() == Method::GET && route.ends_with("/{id}"));
        if is_local || !matches!(place, Place::Project | Place::Milestone) {
            return None;
        }
        let id: Id = {
            use axum::extract::FromRequestParts as _;
            let (mut parts, body) = std::mem::take(request).into_parts();
            let params = RawPathParams::from_request_parts(&mut parts, &()).await;
            *request = Request::from_parts(parts, body);
            let params = params.ok()?;
            let mut named = params.iter().filter(|(name, _)| *name == "id");
            named.next()?.1.parse().ok()?
        };
        let starts = STARTS
            .iter()
            .any(|(method, end)| request.method().as_str() == *method && route.ends_with(end));
        let project = match place {
            Place::Project => Some(id),
            _ => self.0.callers.project_of(id).await.ok()?,
        };
        project.map(|project| (project, starts))
    }

    /// Sends a request to a peer, and passes its answer back.
    async fn pass(&self, parts: &mut Parts, body: Body, project: Id, peer: &NodeRecord) -> Passed {
        let Ok(permit) = Arc::clone(&self.0.permits).try_acquire_owned() else {
            let full = Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{AT_ONCE} requests to other nodes are in progress: try again later"),
            );
            return Passed::Answered(full.with_code("forwarding_full").into_response());
        };
        let is_upgrade = parts.headers.contains_key(header::UPGRADE);
        let request = match self.request(parts, body, project, peer).await {
            Ok(request) => request,
            Err(problem) => return Passed::Answered(problem.into_response()),
        };
        let limit = match parts.method.is_safe() && !is_upgrade {
            true => READ_MAX,
            false => CHANGE_MAX,
        };
        let answer = match timeout(limit, self.0.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() => {
                tracing::debug!(
                    peer = peer.name,
                    error = &error as &dyn std::error::Error,
                    "a node takes no connection"
                );
                return Passed::Unconnected;
            }
            Ok(Err(error)) => {
                tracing::warn!(peer = peer.name, %project, error = &error as &dyn std::error::Error, "a node broke a forwarded request off");
                return Passed::Answered(gone(peer, "broke the request off"));
            }
            Err(_) => {
                let detail = format!("did not answer within {} s", limit.as_secs());
                return Passed::Answered(gone(peer, &detail));
            }
        };
        match answer.status() {
            StatusCode::MISDIRECTED_REQUEST => Passed::Misdirected,
            StatusCode::SWITCHING_PROTOCOLS => Passed::Answered(self.switch(parts, answer, permit)),
            _ => {
                let (mut head, body) = answer.into_parts();
                for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
                    head.headers.remove(name);
                }
                // The permit lives as long as the stream.
                use futures_util::StreamExt as _;
                let stream = Body::new(body).into_data_stream().map(move |chunk| {
                    let _ = &permit;
                    chunk
                });
                let body = Body::from_stream(stream);
                Passed::Answered(Response::from_parts(head, body))
            }
        }
    }

    async fn request(
        &self,
        parts: &Parts,
        body: Body,
        project: Id,
        peer: &NodeRecord,
    ) -> Result<Request, Problem> {
        let path = path(&parts.uri);
        let address = peer.address.trim_end_matches('/');
        let uri: Uri = format!("{address}{path}")
            .parse()
            .map_err(|error: axum::http::uri::InvalidUri| Problem::internal(&error))?;
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or_else(crate::http::unauthorized)?;
        let signed = self.sign((parts.method.as_str(), path), caller, project, peer);
        let signed = signed.await?;
        let signed = HeaderValue::from_str(&signed).map_err(|error| Problem::internal(&error))?;
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = passed_on(&parts.headers);
        request.headers_mut().insert(HEADER, signed);
        Ok(request)
    }

    /// Joins the client's and the peer's connections.
    fn switch(
        &self,
        parts: &mut Parts,
        mut answer: hyper::Response<hyper::body::Incoming>,
        permit: tokio::sync::OwnedSemaphorePermit,
    ) -> Response {
        let Some(client) = parts.extensions.remove::<OnUpgrade>() else {
            return Problem::new(
                StatusCode::BAD_REQUEST,
                "the connection cannot be upgraded: use HTTP/1.1",
            )
            .into_response();
        };
        let peer = hyper::upgrade::on(&mut answer);
        let closing = self.0.closing.clone();
        self.0.clients.spawn(async move {
            let _permit = permit;
            let joined = async {
                let (client, peer) = tokio::try_join!(client, peer)?;
                let (mut client, mut peer) = (TokioIo::new(client), TokioIo::new(peer));
                // Ends with either side.
                let copied = copy_bidirectional(&mut client, &mut peer).await;
                copied
                    .map_err(|error| tracing::debug!(%error, "a forwarded socket ended"))
                    .ok();
                Ok::<(), hyper::Error>(())
            };
            tokio::select! {
                ended = joined => if let Err(error) = ended {
                    tracing::debug!(%error, "a forwarded socket could not be joined");
                },
                () = closing.cancelled() => {}
            }
        });
        let (head, _) = answer.into_parts();
        Response::from_parts(head, Body::empty())
    }
}

fn path(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

/// The headers of a request for a peer.
fn passed_on(given: &HeaderMap) -> HeaderMap {
    let mut headers = given.clone();
    for name in OWN {
        headers.remove(name);
    }
    if let Some(protocol) = given.get(header::UPGRADE) {
        headers.insert(header::UPGRADE, protocol.clone());
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    headers
}

fn gone(peer: &NodeRecord, what: &str) -> Response {
    let node = wxcode_core::lease::Node {
        id: peer.id,
        name: peer.name.clone(),
    };
    let Unreachable { reason, .. } = Unreachable::new(&node, Some(peer));
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        format!("the node {} {what}; {reason}", peer.name),
    )
    .with_code("node_unreachable")
    .into_response()
}

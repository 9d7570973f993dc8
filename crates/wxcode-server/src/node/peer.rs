//! Sends a request to a peer, and passes the peer's answer back.
//!
//! Bodies, event streams and WebSockets pass through byte by byte, so that back-pressure, offsets,
//! pings and close codes stay as they are.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{self, InvalidHeaderValue},
        request::Parts,
        uri::InvalidUri,
    },
    response::Response,
};
use futures_util::StreamExt as _;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, copy, split},
    time::{Instant, sleep, timeout},
};
use wxcode_core::{id::Id, node::NodeRecord};
use wxcode_store::StoreError;

use super::{Nodes, bound::AT_ONCE, identity::HEADER};
use crate::{access::Caller, agent::Home};

/// Time for the head of a peer's answer to a reading request.
const READ_MAX: Duration = Duration::from_secs(30);
/// Time for the head of a peer's answer to a changing request, such as the start of a session.
const CHANGE_MAX: Duration = Duration::from_secs(300);
/// A peer that owes an answer to a changing request and answers no question for this long hangs. A
/// reading request waits for one question.
const HANGS_AFTER: Duration = Duration::from_secs(15);
/// Pause between two questions to a peer while its answer to a request is awaited.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Time for the rest of a forwarded socket once one of its two ways has ended.
const REST_MAX: Duration = Duration::from_secs(30);
/// The question, which every living node answers at once.
const PROBE: &str = "/healthz";
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

/// The outcome of a try.
pub(crate) enum Passed {
    Answered(Response),
    /// The peer is not the owner.
    Misdirected,
    /// The peer takes no connection: nothing of the request arrived.
    Unconnected,
    /// The peer does not answer a reading request, and answers no question.
    Unanswered,
}

/// Why a request was not passed on, or its answer not passed back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PassError {
    #[error("{AT_ONCE} requests to other nodes are in progress: try again later")]
    Full,
    #[error("broke the request off")]
    Broken,
    #[error("did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    #[error("no longer answers, and may or may not have carried out the request")]
    Hangs,
    #[error("the connection cannot be upgraded: use HTTP/1.1")]
    NoUpgrade,
    #[error("the request has no caller")]
    NoCaller,
    #[error("the address of the peer: {0}")]
    Address(#[from] InvalidUri),
    #[error("the signature of the request: {0}")]
    Signature(#[from] InvalidHeaderValue),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Nodes {
    /// Sends a request to a peer, and passes its answer back.
    pub(crate) async fn pass(
        &self,
        parts: &mut Parts,
        body: Body,
        project: Id,
        peer: &NodeRecord,
    ) -> Result<Passed, PassError> {
        let permit = Arc::clone(&self.0.permits);
        let permit = permit.try_acquire_owned().map_err(|_| PassError::Full)?;
        let is_look = parts.method.is_safe() && !parts.headers.contains_key(header::UPGRADE);
        let request = self.request(parts, body, project, peer).await?;
        let (limit, patience) = match is_look {
            true => (READ_MAX, Duration::ZERO),
            false => (CHANGE_MAX, HANGS_AFTER),
        };
        let asked = timeout(limit, self.0.client.request(request));
        let asked = tokio::select! {
            biased;
            asked = asked => asked,
            () = self.falls_silent(peer, project, patience) => {
                self.left_unanswered(peer.id);
                return match is_look {
                    true => Ok(Passed::Unanswered),
                    false => Err(PassError::Hangs),
                };
            }
        };
        let answer = match asked {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() => {
                tracing::debug!(
                    peer = peer.name,
                    error = &error as &dyn std::error::Error,
                    "a node takes no connection"
                );
                return Ok(Passed::Unconnected);
            }
            Ok(Err(error)) => {
                tracing::warn!(peer = peer.name, %project, error = &error as &dyn std::error::Error, "a node broke a forwarded request off");
                return Err(PassError::Broken);
            }
            Err(_) => return Err(PassError::Silent(limit)),
        };
        Ok(match answer.status() {
            StatusCode::MISDIRECTED_REQUEST => Passed::Misdirected,
            StatusCode::SWITCHING_PROTOCOLS => {
                Passed::Answered(self.switch(parts, answer, permit)?)
            }
            _ => {
                let (mut head, body) = answer.into_parts();
                for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
                    head.headers.remove(name);
                }
                // The permit lives as long as the stream.
                let stream = Body::new(body).into_data_stream().map(move |chunk| {
                    let _ = &permit;
                    chunk
                });
                let body = Body::from_stream(stream);
                Passed::Answered(Response::from_parts(head, body))
            }
        })
    }

    /// Returns once a peer answered no question for this long, or lost the project meanwhile: so
    /// nobody waits long for a dead node, and a busy one has time.
    async fn falls_silent(&self, peer: &NodeRecord, project: Id, patience: Duration) {
        let mut silent_since = None;
        loop {
            sleep(PROBE_EVERY).await;
            let asked = Instant::now();
            if self.ask(peer, PROBE, None).await.is_ok() {
                silent_since = None;
                continue;
            }
            let since = *silent_since.get_or_insert(asked);
            if since.elapsed() >= patience || !self.has(peer, project).await {
                tracing::warn!(peer = peer.name, "peer stopped answering");
                return;
            }
        }
    }

    /// Whether a peer may have a project, by the project's lease.
    async fn has(&self, peer: &NodeRecord, project: Id) -> bool {
        match self.0.sessions.home(project).await {
            Ok(Home::Held(node)) => node.id == peer.id,
            Ok(Home::Free { .. }) | Err(_) => true,
            Ok(Home::Expired(_)) => false,
        }
    }

    async fn request(
        &self,
        parts: &Parts,
        body: Body,
        project: Id,
        peer: &NodeRecord,
    ) -> Result<Request, PassError> {
        let path = path(&parts.uri);
        let address = peer.address.trim_end_matches('/');
        let uri = Uri::try_from(format!("{address}{path}"))?;
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or(PassError::NoCaller)?;
        let signed = self.sign((parts.method.as_str(), path), caller, Some(project), peer);
        let signed = signed.await?;
        let signed = HeaderValue::from_str(&signed)?;
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
    ) -> Result<Response, PassError> {
        let client = parts.extensions.remove::<OnUpgrade>();
        let client = client.ok_or(PassError::NoUpgrade)?;
        let peer = hyper::upgrade::on(&mut answer);
        let closing = self.0.closing.clone();
        self.0.clients.spawn(async move {
            let _permit = permit;
            let joined = async {
                let (client, peer) = tokio::try_join!(client, peer)?;
                join(TokioIo::new(client), TokioIo::new(peer)).await;
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
        Ok(Response::from_parts(head, Body::empty()))
    }
}

/// Carries bytes both ways. When one way ends, the other one carries the rest within [`REST_MAX`]:
/// what a client typed just before it left arrives.
async fn join(client: impl AsyncRead + AsyncWrite, peer: impl AsyncRead + AsyncWrite) {
    let ((from_client, to_client), (from_peer, to_peer)) = (split(client), split(peer));
    let mut up = pin!(carry(from_client, to_peer));
    let mut down = pin!(carry(from_peer, to_client));
    let rest = tokio::select! {
        () = &mut up => timeout(REST_MAX, down).await,
        () = &mut down => timeout(REST_MAX, up).await,
    };
    if rest.is_err() {
        tracing::debug!("one way of a forwarded socket did not end");
    }
}

/// Carries bytes one way until the end of either side.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    if let Err(error) = copy(&mut from, &mut to).await {
        tracing::debug!(%error, "one way of a forwarded socket broke");
    }
    // The other side may be gone.
    let _ = to.shutdown().await;
}

/// The path of a request, with its query.
pub(crate) fn path(uri: &Uri) -> &str {
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

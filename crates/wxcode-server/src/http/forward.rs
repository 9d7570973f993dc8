//! Forwards requests for a project of another node, in one hop.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, HttpBody as _, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use wxcode_core::{id::Id, node::NodeRecord};

use super::{
    access::{project_of, unauthorized},
    body::BODY_MAX,
    problem::{OnOtherNode, Problem},
};
use crate::{
    access::{
        Callers,
        rule::{self, Place},
    },
    listen::Connection,
    node::{
        FORWARDED, Forwarded, Need, Nodes, PassError, Passed, Refused, Route, Unreachable, path,
    },
};

/// Largest body that is kept for a second try, in bytes; a larger one is passed on as it comes.
const KEPT_MAX: u64 = 1 << 20; // 1 MiB

/// Most peers tried for one request: those without the workspace or without room refuse a start.
const TRIES: usize = 8;

/// Requests that may start an agent, by their method and the end of their route.
const STARTS: [(&str, &str); 5] = [
    ("POST", "/session"),
    ("POST", "/deliveries"),
    ("POST", "/runs"),
    ("POST", "/start"),
    ("GET", "/terminal"),
];

/// Reads the caller of a forwarded request; refuses a wrong signature.
pub(super) async fn receive(
    State(nodes): State<Nodes>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(value) = request.headers().get(FORWARDED).cloned() else {
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
            tracing::debug!(peer = forwarded.node, project = ?forwarded.project, "a forwarded request");
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
pub(super) async fn forward(
    State((nodes, callers)): State<(Nodes, Callers)>,
    request: Request,
    next: Next,
) -> Response {
    if !nodes.is_shared() {
        return next.run(request).await;
    }
    if let Some(forwarded) = request.extensions().get::<Forwarded>() {
        let starts = starts_agent(&request);
        let _coming = starts.then(|| nodes.coming());
        return match forwarded.project {
            Some(project) if !nodes.is_here(project, starts).await => misdirected(),
            _ => {
                let response = next.run(request).await;
                // Another node won the lease meanwhile.
                match is_elsewhere(&response) {
                    true => misdirected(),
                    false => response,
                }
            }
        };
    }
    let (mut parts, body) = request.into_parts();
    let is_creation = creates_milestone(&parts);
    let found = destination(&callers, &mut parts).await;
    if found.is_none() && !is_creation {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let most = match is_creation {
        true => BODY_MAX as u64,
        false => KEPT_MAX,
    };
    let mut body = match Kept::of(body, most).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let Some((project, need)) = found.or_else(|| body.project().map(|id| (id, Need::Change)))
    else {
        return match body.take() {
            Some(body) => next.run(Request::from_parts(parts, body)).await,
            None => changed(),
        };
    };
    let mut tried = Vec::new();
    let mut has_lost = false;
    for _ in 0..TRIES {
        let peer = match nodes.route(project, &tried, need).await {
            Ok(Route::There(peer)) => peer,
            Ok(Route::Nowhere(unreachable)) => {
                parts.extensions.insert(unreachable);
                break;
            }
            Ok(Route::Here) if need == Need::Start && !has_lost => {
                let Some(sent) = body.take() else {
                    return changed();
                };
                let _coming = nodes.coming();
                let request = Request::from_parts(parts.clone(), sent);
                let response = next.clone().run(request).await;
                if !is_elsewhere(&response) || !body.is_whole() {
                    return response;
                }
                // Another node won the lease meanwhile: it has the session.
                has_lost = true;
                nodes.forget_route(project);
                continue;
            }
            // The handler finds the same problem of the store, and words it.
            Ok(Route::Here) | Err(_) => break,
        };
        let Some(sent) = body.take() else {
            return changed();
        };
        match nodes.pass(&mut parts, sent, project, &peer).await {
            Ok(Passed::Answered(response)) => return response,
            Ok(Passed::Misdirected | Passed::Unanswered) => {}
            Ok(Passed::Unconnected) => nodes.refused_connection(peer.id),
            Err(error) => return problem(error, &peer).into_response(),
        }
        nodes.forget_route(project);
        tried.push(peer.id);
    }
    match body.take() {
        Some(body) => next.run(Request::from_parts(parts, body)).await,
        None => changed(),
    }
}

/// The project of a request that its node must answer, and the request's need.
async fn destination(callers: &Callers, parts: &mut Parts) -> Option<(Id, Need)> {
    let route = parts.extensions.get::<MatchedPath>()?;
    let route = route.as_str().to_owned();
    let place = rule::rule(&parts.method, Some(&route)).place;
    let is_local = route.ends_with("/shares")
        || route.contains("/shares/")
        || (parts.method == Method::GET && route.ends_with("/{id}"));
    if is_local || !matches!(place, Place::Project | Place::Milestone) {
        return None;
    }
    let project = project_of(callers, place, parts).await.ok()??;
    let need = match starts(&parts.method, &route) {
        true => Need::Start,
        false if parts.method.is_safe() => Need::Look,
        false => Need::Change,
    };
    Some((project, need))
}

/// Whether a request may start an agent.
fn starts(method: &Method, route: &str) -> bool {
    STARTS
        .iter()
        .any(|(of, end)| method.as_str() == *of && route.ends_with(end))
}

fn starts_agent(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>();
    route.is_some_and(|route| starts(request.method(), route.as_str()))
}

/// Whether a request creates a milestone: its project is in the body.
fn creates_milestone(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>();
    let is_route = route.is_some_and(|route| route.as_str().ends_with("/milestones"));
    parts.method == Method::POST && is_route
}

fn is_elsewhere(response: &Response) -> bool {
    response.extensions().get::<OnOtherNode>().is_some()
}

fn misdirected() -> Response {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "another node has the project now: look up its lease again",
    )
    .with_code("not_the_owner")
    .into_response()
}

/// A body that came as a stream is spent.
fn changed() -> Response {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the project's node changed while the body was sent: try again",
    )
    .with_code("node_changed")
    .into_response()
}

fn problem(error: PassError, peer: &NodeRecord) -> Problem {
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    match error {
        PassError::Full => {
            Problem::new(unavailable, error.to_string()).with_code("forwarding_full")
        }
        PassError::Broken | PassError::Silent(_) | PassError::Hangs => {
            let Unreachable { node, reason, .. } = Unreachable::of(peer);
            Problem::new(unavailable, format!("the node {node} {error}; {reason}"))
                .with_code("node_unreachable")
        }
        PassError::NoUpgrade => Problem::new(StatusCode::BAD_REQUEST, error.to_string()),
        PassError::NoCaller => unauthorized(),
        PassError::Address(error) => Problem::internal(&error),
        PassError::Signature(error) => Problem::internal(&error),
        PassError::Store(error) => error.into(),
    }
}

/// A request's body.
enum Kept {
    /// Whole, for any number of tries.
    Whole(Bytes),
    /// As it comes, for one try.
    Stream(Option<Body>),
}

impl Kept {
    async fn of(body: Body, most: u64) -> Result<Self, Problem> {
        let hint = body.size_hint();
        match hint.exact().filter(|size| *size <= most) {
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

    /// The project that a whole body names; the handler words what is wrong with another body.
    fn project(&self) -> Option<Id> {
        #[derive(Deserialize)]
        struct Named {
            output_project_id: String,
        }
        match self {
            Self::Whole(bytes) => {
                let named: Named = serde_json::from_slice(bytes).ok()?;
                named.output_project_id.parse().ok()
            }
            Self::Stream(_) => None,
        }
    }

    const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    fn take(&mut self) -> Option<Body> {
        match self {
            Self::Whole(bytes) => Some(Body::from(bytes.clone())),
            Self::Stream(body) => body.take(),
        }
    }
}

//! The words of a request, read as the routes read them.

use axum::{
    extract::FromRequestParts as _,
    http::{HeaderMap, HeaderValue, Request, Uri, header, request::Parts},
    response::IntoResponse as _,
};
use futures_util::FutureExt as _;
use serde::de::DeserializeOwned;
use wxcode_core::id::Id;

use super::{
    audit, conversation, event, host, login, milestone,
    parameter::{Paging, Params, parsed_id},
    problem::Problem,
    project, screen, search, upload,
};

/// A refusal: its status, and its text.
pub type Refusal = (u16, String);

type Reader = fn(&mut Parts) -> Result<(), Problem>;

/// The queries of all routes.
pub const QUERIES: usize = READERS.len();
const READERS: [Reader; 11] = [
    read::<audit::Span>,
    read::<conversation::Options>,
    read::<event::Since>,
    read::<login::Wanted>,
    read::<milestone::Selection>,
    read::<Paging>,
    read::<project::list::Selection>,
    read::<project::Removal>,
    read::<screen::Options>,
    read::<search::Words>,
    read::<upload::Named>,
];

fn read<T: DeserializeOwned>(parts: &mut Parts) -> Result<(), Problem> {
    let read = Params::<T>::from_request_parts(parts, &()).now_or_never();
    read.map_or(Ok(()), |read| read.map(drop))
}

fn refusal(problem: Problem) -> Refusal {
    let detail = problem.detail().to_owned();
    (problem.into_response().status().as_u16(), detail)
}

/// Reads the query of a route; `None` without one that an address may have.
pub fn query(route: usize, query: &str) -> Option<Result<(), Refusal>> {
    let uri: Uri = format!("/?{query}").parse().ok()?;
    let (mut parts, ()) = Request::builder().uri(uri).body(()).ok()?.into_parts();
    let read = READERS.get(route)?(&mut parts);
    Some(read.map_err(refusal))
}

/// Reads an id of a path.
pub fn id(text: &str) -> Result<Id, Refusal> {
    parsed_id("id", text).map_err(refusal)
}

/// Checks the Host and the Origin of a request to a server on loopback; `None` where the texts are
/// no values of headers.
pub fn front(host: &str, origin: Option<&str>) -> Option<Result<(), Refusal>> {
    let hosts = host::Hosts::new(([127, 0, 0, 1], 8052).into(), &["box.example".to_owned()]);
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
    if let Some(origin) = origin {
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).ok()?);
    }
    Some(hosts.check(&headers, host).map_err(refusal))
}

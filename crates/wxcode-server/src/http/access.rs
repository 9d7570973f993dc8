//! Access rules: Host and Origin of every request, then the caller by token or cookie, then the
//! role that the route needs.
//!
//! Invariant: Host and Origin are checked before anything else reads a request, also a WebSocket's
//! upgrade.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{MatchedPath, Query, RawPathParams, Request, State, ws::WebSocketUpgrade},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use wxcode_core::id::Id;

use super::{
    front::{Front, Sent},
    host::Hosts,
    problem::{Answer, Problem, quoted},
};
use crate::{
    access::{
        Caller, Callers, Peer,
        rule::{self, Place, Rule},
    },
    listen::Connection,
    node::{Forwarded, path},
    terminal,
};

/// Most cookies of this server's name in one request.
const COOKIES_MAX: usize = 4;
/// Marks the response to a request that the caller's role does not allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotAllowed;

/// The access rules of this server.
#[derive(Clone)]
pub(crate) struct Access {
    hosts: Hosts,
    cookie_name: String,
    pub(super) front: Front,
    pub(super) callers: Callers,
}

impl Access {
    /// Creates the access rules of a server on `listen`.
    #[must_use]
    pub(crate) fn new(
        listen: SocketAddr,
        allowed_hosts: &[String],
        front: Front,
        callers: Callers,
    ) -> Self {
        let mut allowed = allowed_hosts.to_vec();
        allowed.extend(front.public_host().map(str::to_owned));
        Self {
            hosts: Hosts::new(listen, &allowed),
            // Cookies do not distinguish ports of a host, so the name does.
            cookie_name: format!("wxcode_{}", listen.port()),
            front,
            callers,
        }
    }

    /// The caller with the token or the cookie in the headers.
    pub(super) async fn caller(&self, headers: &HeaderMap, sent: &Sent) -> Answer<Option<Caller>> {
        let from = &sent.address.to_string();
        if let Some(token) = bearer(headers) {
            return Ok(self.callers.by_token(token, from).await);
        }
        if let Some(user) = self.front.user(headers, from)? {
            return Ok(Some(user));
        }
        let name = self.cookie_name(sent.is_secure);
        for value in cookies(headers, &name) {
            if let Some(caller) = self.callers.by_cookie(value, from).await {
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }

    /// The name of this server's cookie. Under TLS its prefix makes browsers refuse one that another
    /// server of the domain has set.
    fn cookie_name(&self, is_secure: bool) -> String {
        let prefix = match (is_secure, self.front.base()) {
            (true, "") => "__Host-",
            // The other prefix needs the path `/`.
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        format!("{prefix}{}", self.cookie_name)
    }

    /// A cookie for this many seconds.
    pub(super) fn set_cookie(&self, value: &str, max_age: i64, is_secure: bool) -> HeaderValue {
        let name = self.cookie_name(is_secure);
        let path = match self.front.base() {
            "" => "/",
            base => base,
        };
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!(
            "{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}"
        );
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The values of a cookie.
fn cookies<'a>(headers: &'a HeaderMap, of: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(move |(name, _)| *name == of)
        .map(|(_, value)| value)
        .take(COOKIES_MAX)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Refuses on the socket of the data folder what comes from a browser or through a proxy: the
/// socket's rights are of the process at its other end.
fn no_browser(headers: &HeaderMap) -> Answer<()> {
    let foreign = ["origin", "forwarded", "x-forwarded-for", "x-real-ip"];
    match foreign.iter().find(|name| headers.contains_key(**name)) {
        None => Ok(()),
        Some(name) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            format!(
                "the request has the header {name}, and this socket is for programs on this machine: \
                 let browsers and proxies use the listen address"
            ),
        )),
    }
}

/// Refuses requests with a foreign Host or Origin, before anything else looks at them, and finds
/// the caller.
pub(crate) async fn guard(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    // Its signature was checked, and its host is the address for peers.
    if request.extensions().get::<Forwarded>().is_some() {
        return next.run(request).await;
    }
    let connection = request.extensions().get::<Arc<Connection>>();
    let peer = connection.and_then(|found| found.peer()).cloned();
    let sent = match access.front.sent(&request) {
        Ok(sent) => sent,
        Err(problem) => return problem.into_response(),
    };
    let checked = match &peer {
        Some(_) => no_browser(request.headers()),
        None => access.hosts.check(request.headers(), &sent.host),
    };
    if let Err(problem) = checked {
        return problem.into_response();
    }
    let found = match peer {
        Some(Peer::Own { pid }) if bearer(request.headers()).is_none() => {
            Ok(Some(Caller::on_this_machine(pid)))
        }
        Some(Peer::Refused(refused)) if bearer(request.headers()).is_none() => {
            Err(Problem::new(refused.status(), refused.to_string()).with_code(refused.code()))
        }
        _ => access.caller(request.headers(), &sent).await,
    };
    request.extensions_mut().insert(sent);
    let caller = match found {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if let Some(caller) = caller {
        if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
            connection.authenticate();
        }
        request.extensions_mut().insert(caller);
    }
    next.run(request).await
}

/// Carries out a caller's request if its role allows it, and audits it.
pub(super) async fn authorize(
    access: Access,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let rule = rule::rule(request.method(), route.map(MatchedPath::as_str));
    let (mut parts, body) = request.into_parts();
    // The first node audits.
    let action = match parts.extensions.get::<Forwarded>() {
        Some(_) => None,
        None => rule.action,
    };
    // A caller of all projects needs none to be named, unless the audit does.
    let place = match caller.grant.project.is_some() || rule.action.is_some() {
        true => rule.place,
        false => Place::Any,
    };
    let project = match project_of(&access.callers, place, &mut parts).await {
        Ok(project) => project,
        Err(problem) => return problem.into_response(),
    };
    let mut refused = None;
    let mut response = match permit(&caller, rule, project) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => {
            refused = Some(StatusCode::FORBIDDEN);
            refusal(problem, &mut parts).await
        }
    };
    if response.status() == StatusCode::FORBIDDEN {
        response.extensions_mut().insert(NotAllowed);
    }
    if let Some(action) = action {
        let status = refused.unwrap_or(response.status());
        let is_done = status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS;
        let outcome = match is_done {
            true => "ok".to_owned(),
            false => status.as_u16().to_string(),
        };
        let who = (caller.name.as_str(), caller.from.as_str());
        access.callers.audit(who, action, project, outcome);
    }
    response
}

/// The answer to a request beyond the caller's role; a terminal is answered on its socket.
async fn refusal(problem: Problem, parts: &mut axum::http::request::Parts) -> Response {
    use axum::extract::FromRequestParts as _;
    let route = parts.extensions.get::<MatchedPath>();
    if route.is_some_and(|route| route.as_str().ends_with("/terminal"))
        && let Ok(upgrade) = WebSocketUpgrade::from_request_parts(parts, &()).await
    {
        let connection = parts.extensions.get().cloned();
        let refused = terminal::Refused::Role(problem.detail().to_owned());
        return terminal::refuse(upgrade, connection, refused);
    }
    problem.into_response()
}

/// Decides by the caller's role and project.
fn permit(caller: &Caller, rule: Rule, project: Option<Id>) -> Answer<()> {
    let grant = caller.grant;
    let is_allowed = match rule.place {
        Place::Any => grant.role >= rule.role,
        _ => grant.covers(rule.role, project),
    };
    if is_allowed {
        return Ok(());
    }
    Err(forbidden(caller, rule.role))
}

/// The role does not allow the request.
pub(super) fn forbidden(caller: &Caller, needed: wxcode_core::access::Role) -> Problem {
    let name = quoted(&caller.name);
    let detail = match caller.grant.project {
        Some(project) if caller.grant.role >= needed => format!(
            "{name} has rights for the project {project} alone, and this request goes beyond it: ask an \
             admin for a token with rights there"
        ),
        project => {
            let of = project.map_or_else(String::new, |project| {
                format!(" for the project {project} alone")
            });
            format!(
                "{name} is {}{of}, and this request needs {}: ask an admin for a token with that role",
                caller.grant.role.as_str(),
                needed.as_str(),
            )
        }
    };
    Problem::new(StatusCode::FORBIDDEN, detail).with_code("forbidden")
}

/// The project in a request's path; `None` without one, and for an id of another form.
pub(super) async fn project_of(
    callers: &Callers,
    place: Place,
    parts: &mut axum::http::request::Parts,
) -> Answer<Option<Id>> {
    use axum::extract::FromRequestParts as _;
    let id = async |parts: &mut axum::http::request::Parts| -> Option<Id> {
        let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
        let mut named = params.iter().filter(|(name, _)| *name == "id");
        named.next().and_then(|(_, id)| id.parse().ok())
    };
    Ok(match place {
        Place::Any | Place::All => None,
        Place::Project => id(parts).await,
        Place::Milestone => match id(parts).await {
            Some(milestone) => callers.project_of(milestone).await?,
            None => None,
        },
        Place::Query => {
            let query = Query::<Named>::try_from_uri(&parts.uri).ok();
            query.and_then(|Query(named)| named.output_project_id?.parse().ok())
        }
    })
}

#[derive(Deserialize)]
struct Named {
    output_project_id: Option<String>,
}

/// The answer to a request without authentication; a browser that asks for a page is sent to log
/// in, and returns to that page.
pub(super) fn refuse(front: &Front, request: &Request) -> Response {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if request.method() == Method::GET && accept.contains("text/html") {
        let asked = path(request.uri());
        let login = match asked {
            "/" => front.path("/login"),
            asked => format!(
                "{}?next={}",
                front.path("/login"),
                encoded(&front.path(asked))
            ),
        };
        return Redirect::to(&login).into_response();
    }
    unauthorized().into_response()
}

/// A path as a value in a query.
fn encoded(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' => {
                text.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

pub(super) fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "send the header Authorization: Bearer TOKEN, or log in at /login; `wxcode token create` makes a token, `wxcode login` a login link",
    )
}

#[cfg(test)]
mod tests;

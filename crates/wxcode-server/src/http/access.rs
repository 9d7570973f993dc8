//! Access rules: Host and Origin of every request, then the caller by token or cookie, then the
//! role that the route needs.
//!
//! Invariant: Host and Origin are checked before anything else reads a request, also a WebSocket's
//! upgrade.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Query, RawPathParams, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use wxcode_core::id::Id;

use super::problem::{Answer, Problem, quoted};
use crate::{
    access::{
        Caller, Callers,
        rule::{self, Place, Rule},
    },
    listen::Connection,
};

/// Largest body of a request without authentication, in bytes.
const UNAUTHENTICATED_BODY_MAX: usize = 64 << 10; // 64 KiB
/// Most cookies of this server's name in one request.
const COOKIES_MAX: usize = 4;
/// How long a client without authentication may take for the body of a request.
const UNAUTHENTICATED_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Marks the response to a request that the caller's role does not allow.
#[derive(Debug, Clone, Copy)]
pub(super) struct NotAllowed;

/// The access rules of this server.
#[derive(Clone)]
pub(crate) struct Access {
    listen: SocketAddr,
    allowed_hosts: Vec<String>,
    cookie_name: String,
    pub(super) callers: Callers,
}

impl Access {
    /// Creates the access rules of a server on `listen`.
    #[must_use]
    pub(crate) fn new(listen: SocketAddr, allowed_hosts: &[String], callers: Callers) -> Self {
        let allowed_hosts = allowed_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect();
        Self {
            listen,
            allowed_hosts,
            // Cookies do not distinguish ports of a host, so the name does.
            cookie_name: format!("wxcode_{}", listen.port()),
            callers,
        }
    }

    /// The caller with the token or the cookie in the headers.
    pub(super) async fn caller(&self, headers: &HeaderMap, from: &str) -> Option<Caller> {
        if let Some(token) = bearer(headers) {
            return self.callers.by_token(token, from).await;
        }
        for value in self.cookies(headers) {
            if let Some(caller) = self.callers.by_cookie(value, from).await {
                return Some(caller);
            }
        }
        None
    }

    /// The values of this server's cookie.
    fn cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.cookie_name)
            .map(|(_, value)| value)
            .take(COOKIES_MAX)
    }

    /// Whether a Host header names this server. The port is not compared: it gives no protection
    /// from DNS rebinding, and a forwarded port differs.
    fn is_host(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host().to_ascii_lowercase();
        if name == "localhost"
            || self.allowed_hosts.contains(&name)
            || self.allowed_hosts.contains(&host.to_ascii_lowercase())
        {
            return true;
        }
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let Ok(address) = bare.parse::<IpAddr>() else {
            return false;
        };
        // A name can be rebound to another address, an address cannot.
        address == self.listen.ip()
            || self.listen.ip().is_unspecified()
            || address.is_loopback() && self.listen.ip().is_loopback()
    }

    fn check(&self, request: &Request) -> Result<(), Problem> {
        let host = match request.headers().get(header::HOST) {
            Some(value) => value.to_str().unwrap_or_default(),
            None => request.uri().authority().map_or("", Authority::as_str),
        };
        if !self.is_host(host) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!(
                    "the Host header is {}, which is no name of this server: use its listen address {} or \
                     localhost, or add the name to `allowed_hosts`",
                    quoted(host),
                    self.listen
                ),
            ));
        }
        for origin in request.headers().get_all(header::ORIGIN) {
            let origin = origin.to_str().unwrap_or("unreadable");
            if !is_same_origin(origin, host) {
                return Err(Problem::new(
                    StatusCode::FORBIDDEN,
                    format!(
                        "the Origin header is {}, which is not the Host {}: requests from pages of other \
                         origins are refused, so open wxcode's own page",
                        quoted(origin),
                        quoted(host)
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A cookie for this many seconds.
    pub(super) fn set_cookie(&self, value: &str, max_age: i64) -> HeaderValue {
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={max_age}",
            self.cookie_name
        );
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

fn is_same_origin(origin: &str, host: &str) -> bool {
    let (rest, default) = if let Some(rest) = origin.strip_prefix("http://") {
        (rest, 80)
    } else if let Some(rest) = origin.strip_prefix("https://") {
        (rest, 443)
    } else {
        return false;
    };
    let (Ok(origin), Ok(host)) = (rest.parse::<Authority>(), host.parse::<Authority>()) else {
        return false;
    };
    origin.host().eq_ignore_ascii_case(host.host())
        && origin.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The address of a request's sender, for records.
pub(super) fn sender(request: &Request) -> String {
    let connection = request.extensions().get::<Arc<Connection>>();
    connection.map_or_else(
        || "unknown".to_owned(),
        |connection| connection.address().to_string(),
    )
}

/// Refuses requests with a foreign Host or Origin, before anything else looks at them, and finds
/// the caller.
pub(crate) async fn guard(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = access.check(&request) {
        return problem.into_response();
    }
    let from = sender(&request);
    if let Some(caller) = access.caller(request.headers(), &from).await {
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
    let project = match project_of(&access, rule.place, &mut parts).await {
        Ok(project) => project,
        Err(problem) => return problem.into_response(),
    };
    let response = match permit(&caller, rule, project) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = response;
    if response.status() == StatusCode::FORBIDDEN {
        response.extensions_mut().insert(NotAllowed);
    }
    if let Some(action) = rule.action {
        let status = response.status();
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
    let of = match caller.grant.project {
        Some(project) => format!(" for the project {project} alone"),
        None => String::new(),
    };
    Problem::new(
        StatusCode::FORBIDDEN,
        format!(
            "{} is {}{of}, and this request needs {}: ask an admin for a token with that role",
            quoted(&caller.name),
            caller.grant.role.as_str(),
            needed.as_str(),
        ),
    )
    .with_code("forbidden")
}

/// The project that a request names, if it names one that may exist.
async fn project_of(
    access: &Access,
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
            Some(milestone) => access.callers.project_of(milestone).await?,
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
pub(super) fn refuse(request: &Request) -> Response {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if request.method() == Method::GET && accept.contains("text/html") {
        let asked = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let login = match asked {
            "/" => "/login".to_owned(),
            asked => format!("/login?next={}", super::login::encoded(asked)),
        };
        return Redirect::to(&login).into_response();
    }
    unauthorized().into_response()
}

/// Reads the body of a request without authentication, within bounds of size and time.
pub(super) async fn bound_body(request: Request, next: Next) -> Response {
    if request.extensions().get::<Caller>().is_some() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let reading = to_bytes(body, UNAUTHENTICATED_BODY_MAX);
    match tokio::time::timeout(UNAUTHENTICATED_BODY_TIMEOUT, reading).await {
        Ok(Ok(bytes)) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Ok(Err(_)) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "the body was broken off or is larger than {UNAUTHENTICATED_BODY_MAX} bytes: \
                 send less, or authenticate"
            ),
        )
        .into_response(),
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            format!(
                "the body did not come within {} s: send it whole, or authenticate",
                UNAUTHENTICATED_BODY_TIMEOUT.as_secs()
            ),
        )
        .into_response(),
    }
}

pub(crate) fn unauthorized() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "send the header Authorization: Bearer TOKEN, or log in at /login; `wxcode token` prints the token",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn hosts() {
        let folder = tempfile::tempdir().unwrap();
        let access = || {
            Access::new(
                "127.0.0.1:8052".parse().unwrap(),
                &["Box.example".to_owned()],
                Callers::for_tests(folder.path()),
            )
        };
        for host in [
            "127.0.0.1:8052",
            "127.0.0.1",
            "localhost:8052",
            "LOCALHOST",
            "[::1]:9000",
            "box.example",
            "box.example:443",
        ] {
            assert!(access().is_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1:8052",
            "localhost@evil.example",
            "a b",
        ] {
            assert!(!access().is_host(host), "{host}");
        }
    }

    #[test]
    fn origins() {
        assert!(is_same_origin("http://127.0.0.1:8052", "127.0.0.1:8052"));
        assert!(is_same_origin("https://box.example", "box.example"));
        assert!(is_same_origin("https://box.example", "box.example:443"));
        for origin in [
            "null",
            "",
            "http://evil.example",
            "http://127.0.0.1:9999",
            "file://",
            "http://127.0.0.1:8052.evil.example",
        ] {
            assert!(!is_same_origin(origin, "127.0.0.1:8052"), "{origin}");
        }
    }
}

//! The front of the server: the base path, and what a trusted proxy says of a request.
//!
//! Invariant: forwarding headers count only from the address of a trusted proxy.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Response},
};
use wxcode_core::access::{Grant, NAME_MAX, Role};

use super::problem::{Answer, Problem, quoted};
use crate::{
    access::Caller,
    listen::Connection,
    node::Forwarded,
    settings::{Proxy, Web},
};

/// Most addresses of `X-Forwarded-For` that are looked at, from the nearest on.
const HOPS_MAX: usize = 32;

/// The front of the server.
#[derive(Clone)]
pub(crate) struct Front {
    web: Arc<Web>,
}

/// A request as its sender made it.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// The sender's address.
    pub(crate) address: IpAddr,
    /// The Host that the sender named.
    pub(super) host: String,
    /// Whether the sender used TLS.
    pub(super) is_secure: bool,
    /// Whether the request came over the Unix socket, where the Host is no address.
    is_local: bool,
}

impl Front {
    pub(crate) fn new(web: &Web) -> Self {
        Self {
            web: Arc::new(web.clone()),
        }
    }

    /// A path of this server, for links and redirects.
    pub(super) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.base())
    }

    /// The path in front of all others, without a slash at its end.
    pub(super) fn base(&self) -> &str {
        self.web.base_path.as_str()
    }

    /// The link to a path below the base: at the public address, or at the address of the request.
    /// On the Unix socket without a public address it is the path alone.
    pub(super) fn link(&self, sent: &Sent, path: &str) -> String {
        let scheme = if sent.is_secure { "https" } else { "http" };
        match &self.web.public_url {
            Some(url) => format!("{}{path}", url.text),
            None if sent.is_local => self.path(path),
            None => format!("{scheme}://{}{}", sent.host, self.path(path)),
        }
    }

    /// The name of this server in its public address.
    pub(super) fn public_host(&self) -> Option<&str> {
        self.web.public_url.as_ref().map(|url| url.host.as_str())
    }

    /// The request as its sender made it.
    pub(super) fn sent(&self, request: &Request) -> Answer<Sent> {
        let headers = request.headers();
        let connection = request.extensions().get::<Arc<Connection>>();
        let address = connection.map_or(IpAddr::from([0, 0, 0, 0]), |found| found.address());
        let host = match headers.get(header::HOST) {
            Some(value) => value.to_str().unwrap_or_default(),
            None => request.uri().authority().map_or("", |found| found.as_str()),
        };
        let is_local = connection.is_some_and(|found| found.peer().is_some());
        let mut sent = Sent {
            address,
            host: host.to_owned(),
            is_secure: self.web.tls.is_some(),
            is_local,
        };
        let Some(proxy) = self.web.proxy.as_ref().filter(|_| !is_local) else {
            return Ok(sent);
        };
        if !is_trusted(proxy, address) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!(
                    "this server is behind a proxy, and {address} is not in `trusted_proxies`: use the proxy's \
                     address, or add this one to `trusted_proxies`"
                ),
            )
            .with_code("not_the_proxy"));
        }
        sent.address = forwarded_for(proxy, headers).unwrap_or(address);
        if let Some(host) = last(headers, "x-forwarded-host") {
            sent.host = host.to_owned();
        }
        sent.is_secure |= match last(headers, "x-forwarded-proto") {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => self.web.public_url.as_ref().is_some_and(|url| url.is_https),
        };
        Ok(sent)
    }

    /// The user that the proxy has authenticated. [`Front::sent`] has checked the proxy.
    pub(super) fn user(&self, headers: &HeaderMap, from: &str) -> Answer<Option<Caller>> {
        let Some(proxy) = &self.web.proxy else {
            return Ok(None);
        };
        let name = proxy.user_header.as_ref();
        let mut values = name.into_iter().flat_map(|name| headers.get_all(name));
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let user = value.to_str().unwrap_or_default().trim();
        let is_name = (1..=NAME_MAX).contains(&user.len()) && values.next().is_none();
        if !is_name {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                format!(
                    "the proxy names the user {}: `[proxy] user_header` must have one name of 1 to {NAME_MAX} \
                     ASCII characters",
                    quoted(user)
                ),
            )
            .with_code("forbidden"));
        }
        let own = proxy.users.get(user).copied();
        Ok(Some(Caller::of_proxy(
            user,
            Grant {
                role: own.or(proxy.user_role).unwrap_or(Role::Viewer),
                project: None,
            },
            from,
        )))
    }
}

fn is_trusted(proxy: &Proxy, address: IpAddr) -> bool {
    proxy
        .trusted
        .iter()
        .any(|network| network.contains(address))
}

/// The nearest address that is no trusted proxy.
fn forwarded_for(proxy: &Proxy, headers: &HeaderMap) -> Option<IpAddr> {
    let mut found = None;
    for hop in all(headers, "x-forwarded-for").take(HOPS_MAX) {
        let Ok(address) = hop.parse::<IpAddr>() else {
            break;
        };
        found = Some(address.to_canonical());
        if !is_trusted(proxy, address) {
            break;
        }
    }
    found
}

/// The values of a list in a header, the last one first.
fn all<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    let values: Vec<_> = headers.get_all(name).iter().collect();
    let values = values
        .into_iter()
        .rev()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.rsplit(',')).map(str::trim)
}

fn last<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    all(headers, name).next().filter(|value| !value.is_empty())
}

/// Takes the base path off a request.
pub(super) async fn strip_base(
    State(front): State<Front>,
    mut request: Request,
    next: Next,
) -> Response {
    let base = front.base();
    // A peer has taken its own base path off.
    let is_forwarded = request.extensions().get::<Forwarded>().is_some();
    if base.is_empty() || is_forwarded {
        return next.run(request).await;
    }
    let path = request.uri().path();
    let connection = request.extensions().get::<Arc<Connection>>();
    let is_local = connection.is_some_and(|found| found.peer().is_some());
    match path.strip_prefix(base) {
        Some("") if matches!(*request.method(), Method::GET | Method::HEAD) => {
            let query = request.uri().query().map(|query| format!("?{query}"));
            let to = format!("{base}/{}", query.unwrap_or_default());
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response();
        }
        Some(rest) if rest.starts_with('/') => {
            let query = request.uri().query().map(|query| format!("?{query}"));
            let rest = format!("{rest}{}", query.unwrap_or_default());
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = PathAndQuery::try_from(rest).ok();
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        // For probes of the machine, and the command line.
        _ if is_local || matches!(path, "/healthz" | "/readyz") => {}
        _ => {
            return Problem::new(
                StatusCode::NOT_FOUND,
                format!("this server is at {base}/ (`base_path`): ask for {base}{path}"),
            )
            .into_response();
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_hops_of_trusted_proxies_count() {
        let proxy = Proxy {
            trusted: vec!["10.0.0.0/8".parse().unwrap()],
            ..Proxy::default()
        };
        let of = |values: &[&'static str]| {
            forwarded_for(&proxy, &headers(values)).map(|found| found.to_string())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(
            of(&["1.2.3.4, 192.0.2.1, 10.0.0.2"]).as_deref(),
            Some("192.0.2.1")
        );
        assert_eq!(of(&["1.2.3.4", "192.0.2.1"]).as_deref(), Some("192.0.2.1"));
        assert_eq!(of(&["forged, 10.0.0.2"]).as_deref(), Some("10.0.0.2"));
        assert_eq!(of(&["forged"]), None);
    }
}

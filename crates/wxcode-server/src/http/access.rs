//! Access rules: Host and Origin of every request, then the token or the cookie.
//!
//! Host and Origin are checked before anything else reads a request, the upgrade to a WebSocket
//! included.
//!
//! Invariant: Host and Origin are checked before anything else reads a request, also a WebSocket's
//! upgrade.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Form,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::problem::{Problem, quoted};
use crate::listen::Connection;

/// Largest body of a request without authentication, in bytes.
const UNAUTHENTICATED_BODY_MAX: usize = 64 << 10; // 64 KiB
/// How long a client without authentication may take for the body of a request.
const UNAUTHENTICATED_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Marks a request that carries the token or the cookie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Authentic;

/// The access rules of this server.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    listen: SocketAddr,
    allowed_hosts: Vec<String>,
    token: [u8; 32],
    cookie_name: String,
    cookie: String,
}

impl Access {
    /// Creates the access rules of a server on `listen`.
    #[must_use]
    pub(crate) fn new(listen: SocketAddr, allowed_hosts: &[String], token: &str) -> Self {
        let allowed_hosts = allowed_hosts
            .iter()
            .map(|host| host.to_ascii_lowercase())
            .collect();
        // The cookie proves knowledge of the token without containing it; a new token ends every
        // login.
        let cookie = hex(&Sha256::digest(format!("wxcode cookie 1 {token}")));
        // Cookies do not distinguish ports of a host, so the name does.
        let cookie_name = format!("wxcode_{}", listen.port());
        Self {
            listen,
            allowed_hosts,
            token: Sha256::digest(token).into(),
            cookie_name,
            cookie,
        }
    }

    /// Whether the headers carry the token or the cookie.
    #[must_use]
    pub(crate) fn is_authentic(&self, headers: &HeaderMap) -> bool {
        self.has_token(headers) || self.has_cookie(headers)
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .is_some_and(|(scheme, token)| {
                scheme.eq_ignore_ascii_case("bearer") && self.is_token(token.trim())
            })
    }

    fn is_token(&self, token: &str) -> bool {
        <[u8; 32]>::from(Sha256::digest(token))
            .ct_eq(&self.token)
            .into()
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .any(|(name, value)| {
                name == self.cookie_name && value.as_bytes().ct_eq(self.cookie.as_bytes()).into()
            })
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

    fn set_cookie(&self, value: &str, max_age: u32) -> HeaderValue {
        let text = format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age}",
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

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Refuses requests with a foreign Host or Origin, before anything else looks at them, and marks
/// the authentic ones.
pub(crate) async fn guard(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Err(problem) = access.check(&request) {
        return problem.into_response();
    }
    if access.is_authentic(request.headers()) {
        if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
            connection.authenticate();
        }
        request.extensions_mut().insert(Authentic);
    }
    next.run(request).await
}

/// The answer to a request without authentication; a browser that asks for a page is sent to log
/// in.
pub(super) fn refuse(request: &Request) -> Response {
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if request.method() == Method::GET && accept.contains("text/html") {
        return Redirect::to("/login").into_response();
    }
    unauthorized().into_response()
}

/// Reads the body of a request without authentication, within bounds of size and time.
pub(super) async fn bound_body(request: Request, next: Next) -> Response {
    if request.extensions().get::<Authentic>().is_some() {
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

/// The login form.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Login {
    /// The output of `wxcode token`.
    token: String,
}

/// The login form.
#[utoipa::path(operation_id = "loginPage", get, path = "/login", tag = "access", security(()), responses(
    (status = 200, description = "A page with the form", content_type = "text/html"),
))]
pub(crate) async fn login_page() -> Response {
    login_form("").into_response()
}

/// Logs a browser in: the response sets the cookie.
#[utoipa::path(operation_id = "login", post, path = "/login", tag = "access", security(()),
    request_body(content = Login, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "Logged in; the page follows"),
    (status = 400, description = "No token in the form", content_type = "text/html"),
    (status = 401, description = "Not the token of this server", content_type = "text/html"),
    (status = 408, description = "The body did not come within 10 s"),
    (status = 413, description = "The body is larger than 64 KiB"),
))]
pub(crate) async fn login(
    State(access): State<Access>,
    form: Result<Form<Login>, axum::extract::rejection::FormRejection>,
) -> Response {
    let Ok(Form(Login { token })) = form else {
        return (StatusCode::BAD_REQUEST, login_form("Enter the token.")).into_response();
    };
    if !access.is_token(token.trim()) {
        return (
            StatusCode::UNAUTHORIZED,
            login_form("That is not the token of this server."),
        )
            .into_response();
    }
    const YEAR: u32 = 365 * 24 * 60 * 60; // seconds
    let cookie = access.set_cookie(&access.cookie, YEAR);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

/// Logs a browser out: the response removes the cookie.
#[utoipa::path(operation_id = "logout", post, path = "/logout", tag = "access", security(()), responses(
    (status = 303, description = "Logged out; the form follows"),
))]
pub(crate) async fn logout(State(access): State<Access>) -> Response {
    (
        [(header::SET_COOKIE, access.set_cookie("", 0))],
        Redirect::to("/login"),
    )
        .into_response()
}

fn login_form(message: &'static str) -> Html<String> {
    Html(include_str!("login.html").replace("{message}", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access::new(
            "127.0.0.1:8052".parse().unwrap(),
            &["Box.example".to_owned()],
            "secret",
        )
    }

    #[test]
    fn hosts() {
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

    #[test]
    fn tokens_and_cookies() {
        let access = access();
        let with = |name: header::HeaderName, value: &str| {
            access.is_authentic(&HeaderMap::from_iter([(
                name,
                HeaderValue::from_str(value).unwrap(),
            )]))
        };
        assert!(with(header::AUTHORIZATION, "Bearer secret"));
        assert!(with(header::AUTHORIZATION, "bearer secret"));
        assert!(with(
            header::COOKIE,
            &format!("a=b; wxcode_8052={}", access.cookie)
        ));
        for wrong in ["Bearer ", "Bearer wrong", "Basic secret", "secret"] {
            assert!(!with(header::AUTHORIZATION, wrong), "{wrong}");
        }
        assert!(!with(header::COOKIE, "wxcode_8052=secret"));
        assert!(!access.is_authentic(&HeaderMap::new()));
    }
}

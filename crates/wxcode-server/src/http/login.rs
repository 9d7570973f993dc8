//! Logins of browsers: by a token, by a one-time code, or by a share link.

use std::{net::IpAddr, time::Duration};

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderMap, Method, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use jiff::SignedDuration;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use wxcode_core::access::{CredentialKind, NAME_MAX};

use super::{
    access::{Access, unauthorized},
    front::{Front, Sent},
    parameter::Params,
    problem::Problem,
};
use crate::access::{LOGIN_IDLE, Source};

/// Longest cookie of a share link, in seconds: the link itself ends it earlier.
const SHARE_COOKIE: i64 = 365 * 24 * 60 * 60; // a year

/// The login form.
#[derive(Deserialize, ToSchema)]
pub(crate) struct Login {
    /// A token, as `wxcode token create` prints it.
    token: String,
}

/// The query of the login page.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A one-time code, which logs in at once.
    code: Option<String>,
    /// The page to open after the login: a path of this server.
    next: Option<String>,
}

impl Wanted {
    /// A path of this server, whatever was given.
    fn next(&self, front: &Front) -> String {
        let is_ours = |path: &&str| {
            path.starts_with(&front.path("/"))
                && !path.starts_with("//")
                && path
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        };
        let next = self.next.as_deref().filter(is_ours);
        next.map_or_else(|| front.path("/"), str::to_owned)
    }
}

/// The login form; with a one-time code, the login itself.
#[utoipa::path(operation_id = "loginPage", get, path = "/login", tag = "access", security(()), params(Wanted), responses(
    (status = 200, description = "A page with the form", content_type = "text/html"),
    (status = 303, description = "Logged in by the code; the page follows"),
    (status = 401, description = "The code was used, or is older than ten minutes", content_type = "text/html"),
    (status = 429, description = "Five failed logins in a minute", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn page(
    State(access): State<Access>,
    Extension(sent): Extension<Sent>,
    method: Method,
    headers: HeaderMap,
    Params(wanted): Params<Wanted>,
) -> Response {
    // A HEAD of a link uses up nothing.
    let code = wanted.code.as_deref().filter(|_| method == Method::GET);
    let Some(code) = code else {
        return form(&headers, None).into_response();
    };
    let from = sent.address;
    if let Err(wait) = access.callers.may_log_in(from) {
        return too_many(wait);
    }
    let mut source = access.callers.take_code(code);
    if let Some(given) = &source {
        match access.callers.gives_rights(given).await {
            Ok(true) => {}
            Ok(false) => source = None,
            Err(error) => return Problem::from(error).into_response(),
        }
    }
    match source {
        Some(source) => open(&access, &source, &headers, &sent, &wanted).await,
        None => {
            refused(&access, from);
            let form = form(&headers, Some(Refusal::Link));
            (StatusCode::UNAUTHORIZED, form).into_response()
        }
    }
}

/// Logs a browser in: the response sets the cookie.
#[utoipa::path(operation_id = "login", post, path = "/login", tag = "access", security(()), params(Wanted),
    request_body(content = Login, content_type = "application/x-www-form-urlencoded"), responses(
    (status = 303, description = "Logged in; the page follows"),
    (status = 400, description = "No token in the form", content_type = "text/html"),
    (status = 401, description = "Not a token of this server", content_type = "text/html"),
    (status = 408, description = "The body did not come within 10 s"),
    (status = 413, description = "The body is larger than 64 KiB"),
    (status = 429, description = "Five failed logins in a minute", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn login(
    State(access): State<Access>,
    Extension(sent): Extension<Sent>,
    headers: HeaderMap,
    Params(wanted): Params<Wanted>,
    given: Result<Form<Login>, FormRejection>,
) -> Response {
    let from = sent.address;
    if let Err(wait) = access.callers.may_log_in(from) {
        return too_many(wait);
    }
    let Ok(Form(Login { token })) = given else {
        let form = form(&headers, Some(Refusal::Empty));
        return (StatusCode::BAD_REQUEST, form).into_response();
    };
    let address = from.to_string();
    let Some(caller) = access.callers.by_token(token.trim(), &address).await else {
        refused(&access, from);
        let form = form(&headers, Some(Refusal::Token));
        return (StatusCode::UNAUTHORIZED, form).into_response();
    };
    open(&access, &caller.as_source(), &headers, &sent, &wanted).await
}

/// Makes a login for a browser, and sends the browser on.
async fn open(
    access: &Access,
    source: &Source,
    headers: &HeaderMap,
    sent: &Sent,
    wanted: &Wanted,
) -> Response {
    let browser = headers
        .get(header::USER_AGENT)
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or("a browser");
    let name = browser.chars().take(NAME_MAX).collect();
    let kind = CredentialKind::Login;
    let added = access
        .callers
        .add_from(source, kind, name, Some(LOGIN_IDLE));
    match added.await {
        Ok(Some((_, cookie))) => {
            let (who, project) = (source.name.as_str(), source.grant.project);
            let from = sent.address.to_string();
            access
                .callers
                .audit((who, &from), "login", project, "ok".to_owned());
            let cookie = access.set_cookie(&cookie, LOGIN_IDLE.as_secs(), sent.is_secure);
            let next = wanted.next(&access.front);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
        }
        // Only the names of tokens are taken.
        Ok(None) => unauthorized().into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn refused(access: &Access, from: IpAddr) {
    access.callers.failed_login(from);
    tracing::warn!(%from, "refused a login");
    let from = from.to_string();
    access
        .callers
        .audit(("a stranger", &from), "login", None, "401".to_owned());
}

fn too_many(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    let problem = Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        format!("five logins from this address failed within a minute: try again in {seconds} s"),
    )
    .with_code("too_many_logins");
    ([(header::RETRY_AFTER, seconds.to_string())], problem).into_response()
}

/// Logs a browser out: the login ends with its sockets, and the response removes the cookie.
#[utoipa::path(operation_id = "logout", post, path = "/logout", tag = "access", security(()), responses(
    (status = 303, description = "Logged out; the form follows"),
))]
pub(crate) async fn logout(
    State(access): State<Access>,
    Extension(sent): Extension<Sent>,
    caller: Option<Extension<crate::access::Caller>>,
) -> Response {
    if let Some(Extension(caller)) = caller
        && let Some(id) = caller.credential
    {
        let removed = access.callers.remove(id, CredentialKind::Login, None);
        if let Err(error) = removed.await {
            return Problem::from(error).into_response();
        }
        let who = (caller.name.as_str(), caller.from.as_str());
        access
            .callers
            .audit(who, "logout", caller.grant.project, "ok".to_owned());
    }
    (
        [(header::SET_COOKIE, access.set_cookie("", 0, sent.is_secure))],
        Redirect::to(&access.front.path("/login")),
    )
        .into_response()
}

/// Opens a shared project for a viewer: the response sets the cookie.
#[utoipa::path(operation_id = "openShare", get, path = "/share/{link}", tag = "access", security(()),
    params(("link" = String, Path, description = "The end of a share link's address")), responses(
    (status = 303, description = "The project's page follows"),
    (status = 401, description = "The link is unknown, removed or expired", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Five failed logins in a minute", body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn share(
    State(access): State<Access>,
    Extension(sent): Extension<Sent>,
    Path(link): Path<String>,
) -> Response {
    let from = sent.address;
    if let Err(wait) = access.callers.may_log_in(from) {
        return too_many(wait);
    }
    let caller = access.callers.by_cookie(&link, &from.to_string()).await;
    let Some(project) = caller.and_then(|caller| caller.grant.project) else {
        refused(&access, from);
        return unauthorized().into_response();
    };
    let cookie = access.set_cookie(&link, SHARE_COOKIE, sent.is_secure);
    let next = access.front.path(&format!("/#/projects/{project}"));
    ([(header::SET_COOKIE, cookie)], Redirect::to(&next)).into_response()
}

/// The time that a credential counts, from a request's seconds.
pub(super) fn time(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(i64::from(seconds))
}

/// Why a login failed.
#[derive(Clone, Copy)]
enum Refusal {
    Link,
    Empty,
    Token,
}

/// The texts of the form in one language.
struct Texts {
    language: &'static str,
    title: &'static str,
    lead: &'static str,
    label: &'static str,
    button: &'static str,
    link: &'static str,
    empty: &'static str,
    token: &'static str,
}

const ENGLISH: Texts = Texts {
    language: "en",
    title: "Log in",
    lead: "Enter a token. <code>wxcode login</code> on the server prints a link that needs none.",
    label: "Token",
    button: "Log in",
    link: "This link was used or is too old: make a new one with wxcode login.",
    empty: "Enter the token.",
    token: "That is not a token of this server.",
};

const PORTUGUESE: Texts = Texts {
    language: "pt-BR",
    title: "Entrar",
    lead: "Digite um token. No servidor, <code>wxcode login</code> mostra um link que dispensa o token.",
    label: "Token",
    button: "Entrar",
    link: "Este link já foi usado ou é antigo demais: crie outro com wxcode login.",
    empty: "Digite o token.",
    token: "Este não é um token deste servidor.",
};

/// The first language of the browser's list that the page speaks, by the order of the list.
fn texts(headers: &HeaderMap) -> &'static Texts {
    let wished = headers.get(header::ACCEPT_LANGUAGE);
    let wished = wished.and_then(|list| list.to_str().ok()).unwrap_or("");
    let primary = |tag: &str| {
        let tag = tag.split([';', '-']).next().unwrap_or("").trim();
        tag.to_ascii_lowercase()
    };
    wished
        .split(',')
        .find_map(|tag| match primary(tag).as_str() {
            "pt" => Some(&PORTUGUESE),
            "en" => Some(&ENGLISH),
            _ => None,
        })
        .unwrap_or(&ENGLISH)
}

fn form(headers: &HeaderMap, refusal: Option<Refusal>) -> Html<String> {
    let texts = texts(headers);
    let message = match refusal {
        None => "",
        Some(Refusal::Link) => texts.link,
        Some(Refusal::Empty) => texts.empty,
        Some(Refusal::Token) => texts.token,
    };
    let page = include_str!("login.html")
        .replace("{language}", texts.language)
        .replace("{title}", texts.title)
        .replace("{lead}", texts.lead)
        .replace("{label}", texts.label)
        .replace("{button}", texts.button)
        .replace("{message}", message);
    Html(page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Web;

    #[test]
    fn the_next_page_is_one_of_this_server() {
        let next = |path: &str| Wanted {
            code: None,
            next: Some(path.to_owned()),
        };
        let root = Front::new(&Web::default());
        let below = Front::new(&Web {
            base_path: "/wx".parse().unwrap(),
            ..Web::default()
        });
        assert_eq!(next("/a?b=c").next(&root), "/a?b=c");
        assert_eq!(next("/wx/a").next(&below), "/wx/a");
        for foreign in ["", "//evil", "https://evil", "/\\evil", "/a\r\nb", "a"] {
            assert_eq!(next(foreign).next(&root), "/", "{foreign:?}");
            assert_eq!(next(foreign).next(&below), "/wx/", "{foreign:?}");
        }
        assert_eq!(next("/wxa").next(&below), "/wx/");
    }

    #[test]
    fn the_form_speaks_the_first_known_language() {
        let language = |list: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, list.parse().unwrap());
            texts(&headers).language
        };
        assert_eq!(language("pt-BR,pt;q=0.9,en;q=0.8"), "pt-BR");
        assert_eq!(language("de, en-GB;q=0.8, pt;q=0.5"), "en");
        assert_eq!(language("ja"), "en");
        assert_eq!(texts(&HeaderMap::new()).language, "en");
    }
}

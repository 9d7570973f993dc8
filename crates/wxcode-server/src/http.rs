//! HTTP: routes, access rules and the OpenAPI document.
//!
//! - A handler takes its part of the state, never [`App`].
//! - A panic ends one request.

mod access;
mod answer;
mod audit;
mod body;
mod caller;
mod conversation;
mod credential;
mod delivery;
mod document;
mod driver;
mod environment;
mod event;
mod forward;
mod front;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod health;
mod host;
mod login;
mod measure;
mod milestone;
mod node;
mod page;
mod parameter;
mod planning;
mod problem;
mod project;
mod push;
mod recording;
mod run;
mod screen;
mod search;
mod session;
mod state;
mod upload;
mod usage;
mod view;
mod webhook;

use std::sync::{Arc, LazyLock};

use axum::{
    Router,
    extract::{
        DefaultBodyLimit, FromRef, FromRequestParts as _, MatchedPath, Request, State,
        ws::WebSocketUpgrade,
    },
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, normalize_path::NormalizePath};
use utoipa::{
    OpenApi,
    openapi::{ContentBuilder, Ref, ResponseBuilder},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use access::Access;
pub(crate) use body::BODY_MAX;
pub(crate) use event::EventStreams;
pub(crate) use front::Front;
pub(crate) use host::LOCAL_NAME;
pub(crate) use problem::Problem;
pub(crate) use project::{
    elsewhere::Elsewhere,
    list::{LIMIT_MAX, Overview},
};
pub(crate) use state::Projects;

use crate::{
    Settings,
    access::Caller,
    changes::ChangeLog,
    metric::{Metrics, Refusal, Scrape},
    milestone::Milestones,
    node::Nodes,
    notify::Notices,
    planning::Planning,
    terminal::{self, Terminals},
};

/// State of the router: each handler takes its part.
#[derive(Clone, FromRef)]
pub(crate) struct App {
    pub(crate) access: Access,
    pub(crate) metrics: Metrics,
    pub(crate) settings: Arc<Settings>,
    pub(crate) planning: Planning,
    pub(crate) projects: Projects,
    pub(crate) milestones: Milestones,
    pub(crate) terminals: Terminals,
    pub(crate) event_streams: EventStreams,
    pub(crate) overview: Overview,
    pub(crate) changes: ChangeLog,
    pub(crate) notices: Notices,
    pub(crate) scrape: Scrape,
    pub(crate) nodes: Nodes,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "wxcode",
        description = "Keeps one Claude Code conversation alive per output project. Every route also exists below `/api`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "output projects", description = "A workspace folder and the one conversation that works in it"),
        (name = "milestones", description = "Units of work of an output project"),
        (name = "sessions", description = "The running agent of an output project"),
        (name = "conversations", description = "The turns of conversations, to read and to search"),
        (name = "events", description = "Changes of an output project, published as they happen"),
        (name = "deliveries", description = "Commands that wait for a session, or were typed into it"),
        (name = "runs", description = "Headless work of an output project's agent"),
        (name = "notifications", description = "Webhooks and Web Push"),
        (name = "nodes", description = "The servers of one store"),
        (name = "access", description = "Logging a browser in and out"),
        (name = "health", description = "Liveness and readiness of the server"),
    ),
    modifiers(&Bearer),
    security(("token" = []))
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let scheme =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", scheme);
    }
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(project::create, project::list::list))
        .routes(routes!(project::show, project::change, project::remove))
        .routes(routes!(milestone::create, milestone::list))
        .routes(routes!(
            milestone::show,
            milestone::change::change,
            milestone::remove
        ))
        .routes(routes!(milestone::prepare))
        .routes(routes!(milestone::start))
        .routes(routes!(session::show, session::start, session::end))
        .routes(routes!(answer::give))
        .routes(routes!(driver::hand))
        .routes(routes!(screen::show))
        .routes(routes!(recording::show))
        .routes(routes!(conversation::show))
        .routes(routes!(search::of_project))
        .routes(routes!(search::of_all))
        .routes(routes!(usage::show))
        .routes(routes!(delivery::queue, delivery::list))
        .routes(routes!(delivery::show, delivery::change, delivery::cancel))
        .routes(routes!(run::start, run::list))
        .routes(routes!(run::show, run::stop))
        .routes(routes!(planning::show))
        .routes(routes!(event::follow))
        .routes(routes!(event::all::follow))
        .routes(routes!(environment::show))
        .routes(routes!(upload::keep))
        .routes(routes!(milestone::changes::show))
        .routes(routes!(caller::show))
        .routes(routes!(credential::create_token, credential::list_tokens))
        .routes(routes!(credential::remove_token))
        .routes(routes!(credential::create_login, credential::list_logins))
        .routes(routes!(credential::remove_login))
        .routes(routes!(credential::create_share, credential::list_shares))
        .routes(routes!(credential::remove_share))
        .routes(routes!(audit::list))
        .routes(routes!(webhook::create, webhook::list))
        .routes(routes!(webhook::remove))
        .routes(routes!(push::show, push::subscribe, push::unsubscribe_all))
        .routes(routes!(push::unsubscribe))
        .routes(routes!(node::list))
        .routes(routes!(node::sessions))
        .routes(routes!(node::drain, node::undrain))
}

fn terminals() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(terminal::of_project))
        .routes(routes!(terminal::of_milestone))
}

/// Routes without a token.
fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(login::page, login::login))
        .routes(routes!(login::logout))
        .routes(routes!(login::share))
}

/// The OpenAPI document.
#[utoipa::path(operation_id = "openapi", get, path = "/api/openapi.json", tag = "health", responses(
    (status = 200, description = "The OpenAPI document", content_type = "application/json"),
))]
async fn document() -> axum::Json<utoipa::openapi::OpenApi> {
    static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(openapi);
    axum::Json(DOCUMENT.clone())
}

/// Routes with a token, routes without one, and the document of both.
fn described() -> (Router<App>, Router<App>, utoipa::openapi::OpenApi) {
    // Both bases have the same routes; the document names those of the current base.
    let (current, mut described) = OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", api().merge(terminals()))
        .routes(routes!(health::ready))
        .routes(routes!(measure::show))
        .routes(routes!(document))
        .split_for_parts();
    let (old, _) = OpenApiRouter::<App>::new()
        .nest("/api", api().merge(terminals()))
        .split_for_parts();
    let (open, described_open) = open().split_for_parts();
    described.merge(described_open);
    document::describe_schemas(&mut described);
    for item in described.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            document::describe(operation);
            let problem = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let any = ResponseBuilder::new()
                .description("Any other answer: a problem, whose detail says what to do")
                .content("application/problem+json", problem)
                .build();
            operation
                .responses
                .responses
                .entry("default".to_owned())
                .or_insert_with(|| any.into());
        }
    }
    (
        current
            .merge(old)
            .route("/api/v1/openapi.json", get(document)),
        open,
        described,
    )
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().2
}

/// All routes of the server.
pub(crate) fn router(app: App) -> Router {
    let (guarded, open, _) = described();
    let guarded = guarded
        .fallback(page::asset)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(
            (app.nodes.clone(), app.access.callers.clone()),
            forward::forward,
        ))
        .layer(middleware::from_fn_with_state(app.clone(), authenticate))
        .layer(DefaultBodyLimit::max(BODY_MAX));
    let count = middleware::from_fn_with_state(app.metrics.clone(), measure::count);
    let open = open.layer(middleware::from_fn(body::bound_body));
    let inner = guarded.merge(open).with_state(app.clone()).layer(count);
    let received = middleware::from_fn_with_state(app.nodes, forward::receive);
    with_layers(inner, app.access, app.metrics).layer(received)
}

/// Wraps all requests: checks access, and confines a panic to its request.
fn with_layers(inner: Router, access: Access, metrics: Metrics) -> Router {
    let refusals = middleware::from_fn_with_state(metrics, measure::refusals);
    let strip_base = middleware::from_fn_with_state(access.front.clone(), front::strip_base);
    // The path must be normalised before routing, so this wraps the router as a service.
    Router::new()
        .fallback_service(NormalizePath::trim_trailing_slash(inner))
        .layer(middleware::from_fn(finish_changes))
        .layer(middleware::from_fn_with_state(access, access::guard))
        .layer(strip_base)
        .layer(middleware::from_fn(headers))
        .layer(refusals)
        .layer(CatchPanicLayer::custom(|_| {
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request failed; the server's log says more",
            )
            .into_response()
        }))
}

/// Lets only authentic requests through. A browser that opens a terminal is answered on the socket
/// itself, because it shows a page no other answer.
async fn authenticate(State(app): State<App>, request: Request, next: Next) -> Response {
    if let Some(caller) = request.extensions().get::<Caller>().cloned() {
        return access::authorize(app.access, caller, request, next).await;
    }
    let is_terminal = request
        .extensions()
        .get::<MatchedPath>()
        .is_some_and(|route| route.as_str().ends_with("/terminal"));
    if is_terminal && request.headers().contains_key(header::ORIGIN) {
        let (mut parts, _) = request.into_parts();
        let connection = parts.extensions.get().cloned();
        return match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => {
                app.metrics.refused(Refusal::Token);
                terminal::refuse(upgrade, connection, terminal::Refused::NoLogin)
            }
            Err(_) => access::unauthorized().into_response(),
        };
    }
    access::refuse(&app.access.front, &request)
}

/// Finishes a changing request even when its client has gone: half a start would leave an agent
/// without a monitor.
async fn finish_changes(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the server is ending: try again when it is back",
            )
            .into_response(),
        },
    }
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this route does not take this method: see /api/openapi.json",
    )
}

async fn headers(request: Request, next: Next) -> Response {
    const HEADERS: [(HeaderName, &str); 6] = [
        // Pages of other origins reach neither the window nor an answer.
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // With `no-referrer`, browsers would post the login form with `Origin: null`, which is
        // refused.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
             img-src 'self' data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
        ),
    ];
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;

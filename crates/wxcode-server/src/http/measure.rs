//! `/metrics`, and counting of requests.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    access::NotAllowed,
    problem::{Answer, Problem},
};
use crate::metric::{self, Metrics, Refusal, Scrape};

/// The content type of a scrape.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The server's counters and measurements, for Prometheus.
#[utoipa::path(operation_id = "metrics", get, path = "/metrics", tag = "health", responses(
    (status = 200, description = "The metrics as OpenMetrics text; see docs/metrics.md", content_type = "application/openmetrics-text"),
))]
pub(super) async fn show(State(from): State<Scrape>) -> Answer<Response> {
    let text = metric::scrape(&from).await;
    let text = text.map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}

/// Counts a routed request by the route's template.
pub(super) async fn count(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map(MatchedPath::as_str);
    let status = response.status().as_u16();
    metrics.answered(method.as_str(), route, status, began.elapsed());
    response
}

/// Counts refusals of any layer.
pub(super) async fn refusals(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let is_login = request.method() == Method::POST && request.uri().path() == "/login";
    let response = next.run(request).await;
    match response.status() {
        StatusCode::UNAUTHORIZED if is_login => metrics.refused(Refusal::Login),
        StatusCode::UNAUTHORIZED => metrics.refused(Refusal::Token),
        StatusCode::FORBIDDEN if response.extensions().get::<NotAllowed>().is_some() => {
            metrics.refused(Refusal::Role);
        }
        StatusCode::FORBIDDEN => metrics.refused(Refusal::Origin),
        _ => {}
    }
    response
}

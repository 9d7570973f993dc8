//! The recording of a project's latest session over HTTP.

use std::io;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use futures_util::stream;
use tokio::task::spawn_blocking;

use super::{
    parameter::PathId,
    problem::{Answer, Problem},
    state::Projects,
};
use crate::recording::Recording;

/// Shows the recording of the latest session, running or ended, as far as its log reaches.
#[utoipa::path(operation_id = "showRecording", get, path = "/output-projects/{id}/recording", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits")), responses(
    (status = 200, description = "An asciicast, version 3, up to now; lost output is a marker in it", body = String, content_type = "application/x-asciicast"),
    (status = 404, description = "No such project, or it never had a session", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(State(projects): State<Projects>, PathId(id): PathId) -> Answer<Response> {
    let latest = projects.latest_session(id).await?;
    let dir = latest.dir.clone();
    let opened = spawn_blocking(move || Recording::open(&dir)).await;
    let recording = match opened {
        Ok(Ok(recording)) => recording,
        Ok(Err(error)) => return Err(Problem::internal(&error)),
        Err(error) => return Err(Problem::internal(&error)),
    };
    // A part is read when the client has taken the last one; no thread waits for it.
    let parts = stream::try_unfold(recording, |mut recording| async move {
        let read = spawn_blocking(move || recording.next_part().map(|part| (part, recording)));
        read.await.map_err(io::Error::other)
    });
    let mut response = Response::new(Body::from_stream(parts));
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-asciicast"),
    );
    Ok(response)
}

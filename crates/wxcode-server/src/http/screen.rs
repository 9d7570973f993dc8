//! The screen of a project's latest session over HTTP.

use std::path::Path;
use wxcode_protocol::Output;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::{task::spawn_blocking, time::timeout};
use utoipa::IntoParams;
use wxcode_holder::{
    client::{self, Event, Request},
    folder,
};
use wxcode_terminal::Screen as _;

use super::{
    parameter::{Params, PathId},
    problem::{Answer, Problem, quoted},
    state::Projects,
    view::HOLDER_TIMEOUT,
};
use crate::screen;

/// The format of a screen.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// `text`, the default, or `ansi`: the stream that redraws it on a freshly reset terminal.
    #[param(pattern = "^(text|ansi)$")]
    format: Option<String>,
}

/// The two forms of a screen.
struct Shown {
    text: String,
    snapshot: Vec<u8>,
}

/// Shows the screen of the running session, or the last screen of the ended one.
#[utoipa::path(operation_id = "showScreen", get, path = "/output-projects/{id}/screen", tag = "sessions", params(("id" = String, Path, description = "24 hexadecimal digits"), Options), responses(
    (status = 200, description = "The visible rows, without trailing blanks, or the stream that redraws them", body = String, content_type = "text/plain; charset=utf-8"),
    (status = 404, description = "No such project, or it never had a session", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "Another format", body = Problem, content_type = "application/problem+json"),
    (status = 503, description = "The session's holder does not answer", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(projects): State<Projects>,
    PathId(id): PathId,
    Params(options): Params<Options>,
) -> Answer<Response> {
    let ansi = match options.format.as_deref() {
        None | Some("text") => false,
        Some("ansi") => true,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "format is {}: give text or ansi, or leave it out for text",
                quoted(other)
            )));
        }
    };
    let latest = projects.latest_session(id).await?;
    let live = match latest.is_over() {
        true => None,
        false => timeout(HOLDER_TIMEOUT, ask(&latest.dir))
            .await
            .ok()
            .flatten(),
    };
    let shown = match live {
        Some(shown) => shown,
        None => {
            let dir = latest.dir.clone();
            let last = spawn_blocking(move || last(&dir)).await;
            last.map_err(|error| Problem::internal(&error))??
        }
    };
    let body = match ansi {
        true => shown.snapshot,
        false => shown.text.into_bytes(),
    };
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, plain)], body).into_response())
}

/// The screen from the holder; `None` when the holder does not answer.
async fn ask(dir: &Path) -> Option<Shown> {
    let mut connection = client::connect(dir).await.ok()?;
    let screen = Request::Screen { id: 0 };
    connection.sender.send(screen).await.ok()?;
    loop {
        match connection.receiver.next().await.ok()?? {
            Event::Screen { text, snapshot, .. } => {
                return Some(Shown {
                    text,
                    snapshot: snapshot.into(),
                });
            }
            Event::Output(Output::Error { message, .. }) => {
                tracing::warn!(dir = %dir.display(), message, "the holder could not show a screen");
                return None;
            }
            _ => {}
        }
    }
}

/// The last screen of an ended session.
fn last(dir: &Path) -> Answer<Shown> {
    let state = folder::inspect(dir).map_err(|error| Problem::internal(&error))?;
    if let folder::State::Live(_) = state {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the session's holder does not answer: try again; its holder.log may say more",
        ));
    }
    let screen = screen::last(dir).ok_or_else(|| Problem::not_found("session"))?;
    Ok(Shown {
        text: screen.text(),
        snapshot: screen.snapshot(),
    })
}

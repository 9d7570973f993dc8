//! A session as a terminal over WebSocket: the JSON protocol, one task a client, paced by the client.

mod client;
mod end;
mod language;
mod message;
mod report;
mod text;

pub(crate) use text::Cutter;

use axum::{
    extract::{
        Path, Query, State,
        rejection::QueryRejection,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use self::{
    client::Client,
    end::{End, code},
    language::Language,
    message::INPUT_MAX,
};
use crate::http::App;

/// Largest WebSocket message, in bytes: [`INPUT_MAX`] of input in JSON's longest form (`\u001b`), and its frame.
const MESSAGE_MAX: usize = 6 * INPUT_MAX + 4096;
/// Read buffer of a socket, in bytes; the library's own default costs 128 KiB a client.
const READ_BUFFER: usize = 8 << 10; // 8 KiB
/// Bytes of output that may wait in the library when a socket is slow; beyond it, sending waits.
const WRITE_BUFFER_MAX: usize = 1 << 20; // 1 MiB
/// The query of a terminal.
#[derive(Deserialize)]
pub(crate) struct Options {
    lang: Option<String>,
}

/// What a client wants a terminal of.
enum Wanted {
    Project,
    Milestone,
}

/// The terminal of an output project's session, over WebSocket; gets or starts the session.
#[utoipa::path(operation_id = "outputProjectTerminal", get, path = "/output-projects/{id}/terminal", tag = "sessions",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("lang" = Option<String>, Query, description = "`pt-BR` or `en`; by default from Accept-Language")),
    responses((status = 101, description = "A WebSocket with JSON messages; see docs/protocol.md")))]
pub(crate) async fn of_project(
    State(app): State<App>,
    Path(id): Path<String>,
    options: Result<Query<Options>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    accept(app, Wanted::Project, id, options, &headers, upgrade)
}

/// The terminal of a milestone's session, over WebSocket; also starts the milestone when it is pending.
#[utoipa::path(operation_id = "milestoneTerminal", get, path = "/milestones/{id}/terminal", tag = "sessions",
    params(("id" = String, Path, description = "24 hexadecimal digits"), ("lang" = Option<String>, Query, description = "`pt-BR` or `en`; by default from Accept-Language")),
    responses((status = 101, description = "A WebSocket with JSON messages; see docs/protocol.md")))]
pub(crate) async fn of_milestone(
    State(app): State<App>,
    Path(id): Path<String>,
    options: Result<Query<Options>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    accept(app, Wanted::Milestone, id, options, &headers, upgrade)
}

fn accept(
    app: App,
    wanted: Wanted,
    id: String,
    options: Result<Query<Options>, QueryRejection>,
    headers: &HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let lang = options.ok().and_then(|Query(options)| options.lang);
    let language = Language::choose(lang.as_deref(), headers);
    let authentic = app.access.is_authentic(headers);
    let clients = app.clients.clone();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .on_upgrade(move |socket| {
            clients.track_future(async move {
                let mut client = Client { socket, language };
                let result = if authentic {
                    client.attend(&app, &wanted, &id).await
                } else {
                    Err(End::new(
                        code::NOT_ALLOWED,
                        None,
                        "log in, or send the header Authorization: Bearer TOKEN",
                    ))
                };
                if let Err(end) = result {
                    client.close(end).await;
                }
            })
        })
}

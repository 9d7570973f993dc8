//! A session as a terminal over WebSocket: two protocols, a task for each client, paced by the
//! client.

mod attach;
mod binary;
mod client;
mod end;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod json;
mod language;
mod line;
mod message;
mod options;
mod protocol;
mod received;
mod report;
mod stream;
mod typing;

pub(crate) use attach::Terminals;

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{
        Path, RawQuery, State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use self::{
    attach::{Wanted, attach},
    client::Client,
    end::{End, code},
    language::Language,
    line::Line,
    options::Options,
    protocol::Protocol,
};
use crate::{access::Caller, listen::Connection, node::Unreachable};
use wxcode_protocol::websocket::INPUT_MAX;

/// Largest WebSocket message, in bytes: [`INPUT_MAX`] of input in JSON's longest form (`\u001b`),
/// and the frame around.
const MESSAGE_MAX: usize = 6 * INPUT_MAX + 4096;
/// Read buffer of a socket, in bytes; the library's default costs 128 KiB a client.
const READ_BUFFER: usize = 8 << 10; // 8 KiB
/// Bytes gathered by the library before a write. The socket takes the last message before the next
/// message follows, so the library holds at most one more message.
const WRITE_BUFFER: usize = 32 << 10; // 32 KiB

/// Largest message and frame of a WebSocket without authentication, in bytes.
const REFUSED_MESSAGE_MAX: usize = 4 << 10; // 4 KiB
/// Bytes read from a refused socket during the close: the client may have sent a greeting before
/// the close arrived.
const REFUSED_BYTES_MAX: usize = 64 << 10; // 64 KiB
/// Time for the client to answer the close.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(2);

/// The terminal of an output project's session, over WebSocket; gets or starts the session.
#[utoipa::path(operation_id = "outputProjectTerminal", get, path = "/output-projects/{id}/terminal", tag = "sessions",
    params(("id" = String, Path, description = "24 hexadecimal digits"), Options),
    responses(
        (status = 101, description = "A WebSocket with JSON messages, or the sub-protocol `wxcode.v1`; see docs/protocol.md"),
        (status = 401, description = "Neither token nor cookie; a browser gets a WebSocket that is closed with 4401"),
    ))]
pub(crate) async fn of_project(
    State(terminals): State<Terminals>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(caller): Extension<Caller>,
    unreachable: Option<Extension<Unreachable>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let wanted = (Wanted::Project, id, unreachable.is_some());
    accept(terminals, wanted, query, &headers, &caller, upgrade)
}

/// The terminal of a milestone's session, over WebSocket; also starts the milestone when it is
/// pending.
#[utoipa::path(operation_id = "milestoneTerminal", get, path = "/milestones/{id}/terminal", tag = "sessions",
    params(("id" = String, Path, description = "24 hexadecimal digits"), Options),
    responses(
        (status = 101, description = "A WebSocket with JSON messages, or the sub-protocol `wxcode.v1`; see docs/protocol.md"),
        (status = 401, description = "Neither token nor cookie; a browser gets a WebSocket that is closed with 4401"),
    ))]
pub(crate) async fn of_milestone(
    State(terminals): State<Terminals>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(caller): Extension<Caller>,
    unreachable: Option<Extension<Unreachable>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let wanted = (Wanted::Milestone, id, unreachable.is_some());
    accept(terminals, wanted, query, &headers, &caller, upgrade)
}

fn accept(
    terminals: Terminals,
    (wanted, id, is_unreachable): (Wanted, String, bool),
    query: Option<String>,
    headers: &HeaderMap,
    caller: &Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([wxcode_protocol::websocket::PROTOCOL]),
        Err(rejection) => return rejection.into_response(),
    };
    let (protocol, flow) = match upgrade.selected_protocol() {
        Some(_) => (Protocol::binary(), terminals.metrics.flow("binary")),
        None => (Protocol::json(), terminals.metrics.flow("json")),
    };
    let mut options = Options::parse(query.as_deref().unwrap_or_default());
    if let Ok(options) = &mut options {
        options.limit_to(caller.grant.role);
    }
    let credential = terminals.callers.end_of(caller);
    let caller = caller.clone();
    let lang = options.as_ref().ok().and_then(|o| o.lang.as_deref());
    let language = Language::choose(lang, headers);
    let clients = terminals.clients.clone();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(MESSAGE_MAX)
        .max_frame_size(MESSAGE_MAX)
        .on_upgrade(move |socket| {
            clients.track_future(async move {
                let mut client = Client {
                    line: Line::new(socket, flow),
                    caller,
                    protocol,
                    language,
                };
                let end = match options {
                    Err(detail) => End::new(code::POLICY, Some("VALIDATION"), detail),
                    Ok(options) => tokio::select! {
                        end = attach(&mut client, &terminals, &wanted, &id, &options) => end,
                        () = credential.reached() => End::new(
                            code::NOT_ALLOWED,
                            Some("NOT_ALLOWED"),
                            "the token or login was removed or is expired: log in again",
                        ),
                    },
                };
                let end = match is_unreachable {
                    true => end.unreachable(),
                    false => end,
                };
                client.close(end).await;
            })
        })
}

/// Why a terminal is closed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// A browser without a login.
    NoLogin,
    /// The caller's role does not allow it; with the reason.
    Role(String),
}

impl Refused {
    fn frame(self) -> CloseFrame {
        match self {
            Self::NoLogin => CloseFrame {
                code: code::NOT_ALLOWED,
                reason: "log in, or send the header Authorization: Bearer TOKEN".into(),
            },
            Self::Role(reason) => CloseFrame {
                code: code::ROLE,
                reason: End::new(code::ROLE, None, reason)
                    .shortened()
                    .to_owned()
                    .into(),
            },
        }
    }
}

/// Answers on the socket itself: closes it, and ignores the client's messages.
pub(crate) fn refuse(
    upgrade: WebSocketUpgrade,
    connection: Option<Arc<Connection>>,
    refused: Refused,
) -> Response {
    upgrade
        // A browser takes no answer without the browser's sub-protocol.
        .protocols([wxcode_protocol::websocket::PROTOCOL])
        .read_buffer_size(REFUSED_MESSAGE_MAX)
        .write_buffer_size(0)
        .max_message_size(REFUSED_MESSAGE_MAX)
        .max_frame_size(REFUSED_MESSAGE_MAX)
        .on_upgrade(async move |socket| {
            let evicted = async {
                match connection {
                    Some(connection) => connection.evicted().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = tokio::time::timeout(REFUSED_TIMEOUT, close_refused(socket, refused.frame())) => {}
                () = evicted => {}
            }
        })
}

/// Closes, and reads on until the client's answer, within bounds.
async fn close_refused(mut socket: WebSocket, frame: CloseFrame) {
    if socket.send(Message::Close(Some(frame))).await.is_err() {
        return;
    }
    let mut read = 0;
    while let Some(Ok(message)) = socket.recv().await {
        read += message.into_data().len();
        if read > REFUSED_BYTES_MAX {
            return;
        }
    }
}

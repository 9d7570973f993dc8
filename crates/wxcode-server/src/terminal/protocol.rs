//! The two protocols as translations of frames; the binary protocol sends frames unchanged.

use axum::extract::ws::Message;
use wxcode_holder::client::Request;
use wxcode_terminal::Terminal;

use super::{binary::Binary, json::Json, received::Received};
use wxcode_protocol::websocket::ServerFrame;

/// Most bytes of history before a screen, for a client that cannot request more.
const HISTORY: u32 = Terminal::HISTORY_BYTES as u32;

/// The protocol of a client.
pub(super) enum Protocol {
    Json(Json),
    Binary(Binary),
}

impl Protocol {
    pub(super) fn json() -> Self {
        Self::Json(Json::default())
    }

    pub(super) fn binary() -> Self {
        Self::Binary(Binary::default())
    }

    /// Whether the client numbers its inputs, so that a refusal names the number.
    pub(super) const fn numbers_inputs(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// The way to attach a client. With a known `since` the missing bytes come first, else the
    /// screen.
    pub(super) fn attach(&self, since: Option<u64>) -> Request {
        let history = match self {
            Self::Json(_) => HISTORY,
            // The screen first; history on request.
            Self::Binary(_) => 0,
        };
        Request::Attach { since, history }
    }

    /// Interprets a client's message.
    pub(super) fn receive(&mut self, message: Message) -> Received {
        match (self, message) {
            (_, Message::Close(_)) => Received::Left,
            (_, Message::Ping(_) | Message::Pong(_)) => Received::Nothing,
            (Self::Json(json), Message::Text(text)) => json.receive(&text),
            (Self::Json(_), Message::Binary(_)) => Received::Refused(
                "VALIDATION",
                "send text frames with one JSON object each".to_owned(),
            ),
            (Self::Binary(binary), Message::Binary(bytes)) => binary.receive(bytes),
            (Self::Binary(_), Message::Text(_)) => Received::Refused(
                "VALIDATION",
                "send binary frames as docs/protocol.md lays them out".to_owned(),
            ),
        }
    }

    /// The message for a frame; `None` when the protocol has none.
    pub(super) fn send(&mut self, frame: ServerFrame) -> Option<Message> {
        match self {
            Self::Json(json) => json.send(frame),
            Self::Binary(binary) => Some(binary.send(&frame)),
        }
    }

    /// The last message after all frames.
    pub(super) fn finish(&mut self) -> Option<Message> {
        match self {
            Self::Json(json) => json.finish(),
            Self::Binary(_) => None,
        }
    }

    /// Whether the client can take more output now.
    pub(super) fn has_credit(&self) -> bool {
        match self {
            // The socket alone paces the client.
            Self::Json(_) => true,
            Self::Binary(binary) => binary.has_credit(),
        }
    }
}

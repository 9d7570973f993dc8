//! The two protocols as translations of the frames that the binary one sends as they are.

use axum::extract::ws::Message;
use wxcode_holder::client::Request;
use wxcode_terminal::{Size, Terminal};

use super::{binary::Binary, json::Json};
use wxcode_protocol::websocket::{ClientFrame, ServerFrame};

/// The most bytes of history before a screen, for a client that cannot ask for more: as in any dump.
const HISTORY: u32 = Terminal::HISTORY_BYTES as u32;

/// What a client said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something to be done.
    Frame(ClientFrame),
    /// The session is to follow the client's window, of this size.
    Drive(Size),
    /// Nothing to be done.
    Nothing,
    /// Something that cannot be taken: its code, and what to do.
    Refused(&'static str, String),
    /// It is leaving.
    Left,
}

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

    /// How the client is attached. Where `since` is known exactly the missing bytes come first, else the screen.
    pub(super) fn attach(&self, since: Option<u64>) -> Request {
        let history = match self {
            Self::Json(_) => HISTORY,
            // The screen first; history when it asks.
            Self::Binary(_) => 0,
        };
        Request::Attach { since, history }
    }

    /// What a message of the client means.
    pub(super) fn hear(&mut self, message: Message) -> Heard {
        match (self, message) {
            (_, Message::Close(_)) => Heard::Left,
            (_, Message::Ping(_) | Message::Pong(_)) => Heard::Nothing,
            (Self::Json(json), Message::Text(text)) => json.hear(&text),
            (Self::Json(_), Message::Binary(_)) => Heard::Refused(
                "VALIDATION",
                "send text frames with one JSON object each".to_owned(),
            ),
            (Self::Binary(binary), Message::Binary(bytes)) => binary.hear(bytes),
            (Self::Binary(_), Message::Text(_)) => Heard::Refused(
                "VALIDATION",
                "send binary frames as docs/protocol.md lays them out".to_owned(),
            ),
        }
    }

    /// The message that tells the client this; `None` for what the protocol has no words for.
    pub(super) fn tell(&mut self, frame: ServerFrame) -> Option<Message> {
        match self {
            Self::Json(json) => json.tell(frame),
            Self::Binary(binary) => Some(binary.tell(&frame)),
        }
    }

    /// What is left to be told when nothing more comes.
    pub(super) fn finish(&mut self) -> Option<Message> {
        match self {
            Self::Json(json) => json.finish(),
            Self::Binary(_) => None,
        }
    }

    /// Whether the client wants more output now.
    pub(super) fn has_credit(&self) -> bool {
        match self {
            // The socket alone paces it.
            Self::Json(_) => true,
            Self::Binary(binary) => binary.has_credit(),
        }
    }
}

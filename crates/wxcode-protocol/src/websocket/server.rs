//! Messages of the server.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{DecodeError, MalformedMessage};
use crate::{Output, holder::frame::Type};

const STATUS: u8 = 80;
const ROLE: u8 = 81;
const REPORT: u8 = 82;
const PONG: u8 = 83;

/// The role of a client in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A viewer: its page scales the terminal.
    Viewer,
    /// The driver: the session has the size of its window.
    Driver,
}

/// The first message: the connection and its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The session; offsets count its bytes. Empty if the project never had one.
    pub session_id: String,
    /// Whether the session runs. Otherwise its last screen and its end follow, and a close.
    #[serde(default = "yes")]
    pub connected: bool,
    /// The conversation, once known.
    pub claude_session_id: Option<Uuid>,
    /// Whether the client returns to an existing session or conversation.
    pub resumed: bool,
    /// A message for people.
    pub message: Option<String>,
    /// A notice for the user, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
    /// The number of this client's newest input in the session; 0 for none.
    #[serde(default)]
    pub input: u64,
    /// Whether the client is read-only.
    #[serde(default)]
    pub read_only: bool,
    /// The reason for a missing log, with a remedy; `None` while the log is on.
    #[serde(default)]
    pub log_off: Option<String>,
    /// The session's end of output as the client came: output before it is a replay.
    #[serde(default)]
    pub live: u64,
    /// The client's number in the session, as in its `present`; 0 without a session.
    #[serde(default)]
    pub client: u64,
}

/// The value for an older server: it knew running sessions only.
const fn yes() -> bool {
    true
}

/// A notice about the conversation for the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// A stable word for programs.
    pub code: String,
    /// A text for people.
    pub message: String,
}

/// A message of the server.
///
/// ```
/// use bytes::Bytes;
/// use wxcode_protocol::{Output, websocket::ServerFrame};
///
/// let message = Bytes::from_static(b"\x42\0\0\0\0\0\0\0\x05hello");
/// let bytes = Bytes::from_static(b"hello");
/// let hello = ServerFrame::Output(Output::Output { offset: 5, bytes });
/// assert_eq!(ServerFrame::decode(message)?, Some(hello));
/// # Ok::<(), wxcode_protocol::websocket::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ServerFrame {
    /// The connection and its session.
    Status(Status),
    /// Output, an acknowledgement, the end, or an error.
    Output(Output),
    /// The client's role from now on.
    Role(Role),
    /// An event of the agent's hooks.
    Report(Value),
    /// The answer to a `Ping`.
    Pong,
}

impl ServerFrame {
    /// Encodes the message: its type, then its payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Status(status) => json(STATUS, status),
            Self::Output(output) => {
                let mut out = BytesMut::new();
                out.put_u8(output.kind() as u8);
                output.put(&mut out);
                out.freeze()
            }
            Self::Role(role) => Bytes::from_static(match role {
                Role::Viewer => &[ROLE, 0],
                Role::Driver => &[ROLE, 1],
            }),
            Self::Report(report) => json(REPORT, report),
            Self::Pong => Bytes::from_static(&[PONG]),
        }
    }

    /// Decodes a message; `None` for an unknown type.
    ///
    /// # Errors
    /// The message is empty, or does not have the layout of its type.
    pub fn decode(mut message: Bytes) -> Result<Option<Self>, DecodeError> {
        let kind = message.try_get_u8().map_err(|_| DecodeError::Empty)?;
        let frame = match kind {
            STATUS => Self::Status(from_json("Status", &message)?),
            ROLE => Self::Role(match message.try_get_u8() {
                Ok(0) => Role::Viewer,
                Ok(1) => Role::Driver,
                _ => return Err(MalformedMessage("Role").into()),
            }),
            REPORT => Self::Report(from_json("Report", &message)?),
            PONG => Self::Pong,
            code => {
                let Some(kind) = Type::from_code(code) else {
                    return Ok(None);
                };
                let output =
                    Output::decode(kind, message).map_err(|error| MalformedMessage(error.0))?;
                return Ok(output.map(Self::Output));
            }
        };
        Ok(Some(frame))
    }
}

fn json(kind: u8, value: &impl Serialize) -> Bytes {
    let mut out = vec![kind];
    // Structs of numbers and text: serialising them into memory cannot fail.
    let _ = serde_json::to_writer(&mut out, value);
    out.into()
}

fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: &[u8],
) -> Result<T, MalformedMessage> {
    serde_json::from_slice(json).map_err(|_| MalformedMessage(what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn every_message_round_trips() {
        let size = Size::new(120, 40).unwrap();
        let frames = [
            ServerFrame::Status(Status {
                session_id: "0123".to_owned(),
                connected: false,
                claude_session_id: Some(Uuid::nil()),
                resumed: true,
                message: Some("olá".to_owned()),
                notice: Some(Notice {
                    code: "conversation_lost".to_owned(),
                    message: "gone".to_owned(),
                }),
                input: 9,
                read_only: true,
                log_off: None,
                client: 7,
                live: 7,
            }),
            ServerFrame::Output(Output::Snapshot {
                offset: 5,
                size,
                bytes: Bytes::from_static(b"\x1b[H"),
            }),
            ServerFrame::Output(Output::Output {
                offset: u64::MAX,
                bytes: Bytes::from_static(b"\xff\0"),
            }),
            ServerFrame::Output(Output::Resized { offset: 3, size }),
            ServerFrame::Output(Output::InputTaken { seq: 4 }),
            ServerFrame::Output(Output::InputRefused {
                seq: 5,
                reason: "full".to_owned(),
            }),
            ServerFrame::Output(Output::Error {
                code: "READ_ONLY".to_owned(),
                message: "no".to_owned(),
            }),
            ServerFrame::Role(Role::Viewer),
            ServerFrame::Role(Role::Driver),
            ServerFrame::Report(serde_json::json!({ "type": "bash" })),
            ServerFrame::Pong,
        ];
        for frame in frames {
            assert_eq!(ServerFrame::decode(frame.encode()), Ok(Some(frame)));
        }
    }

    #[test]
    fn the_layout_is_as_documented() {
        let size = Size::new(300, 40).unwrap();
        let snapshot = ServerFrame::Output(Output::Snapshot {
            offset: 1,
            size,
            bytes: Bytes::from_static(b"x"),
        });
        assert_eq!(
            &snapshot.encode()[..],
            b"\x41\0\0\0\0\0\0\0\x01\x01\x2c\0\x28x"
        );
        let resized = ServerFrame::Output(Output::Resized { offset: 2, size });
        assert_eq!(
            &resized.encode()[..],
            b"\x43\0\0\0\0\0\0\0\x02\x01\x2c\0\x28"
        );
    }

    #[test]
    fn a_newer_status_is_read() {
        let status = br#"{"session_id":"s","claude_session_id":null,"resumed":false,"message":null,"newer":1}"#;
        let mut message = vec![STATUS];
        message.extend_from_slice(status);
        let read = ServerFrame::decode(message.into());
        let Ok(Some(ServerFrame::Status(read))) = read else {
            panic!("{read:?}");
        };
        assert!(read.connected, "an older server's session runs");
        for bad in [
            b"".as_slice(),
            b"\x50{",
            b"\x41\0",
            b"\x42\0\0\0",
            b"\x43\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\x51\x02",
            b"\x47\0\0\0\0\0\0\0\0\xff",
        ] {
            let read = ServerFrame::decode(Bytes::from_static(bad));
            assert!(read.is_err(), "{bad:?}");
        }
        assert_eq!(ServerFrame::decode(Bytes::from_static(b"\xc8x")), Ok(None));
    }
}

//! Messages of the server.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{DecodeError, MalformedMessage};
use crate::{Exit, Size};

const SNAPSHOT: u8 = 65;
const OUTPUT: u8 = 66;
const RESIZED: u8 = 67;
const INPUT_TAKEN: u8 = 70;
const INPUT_REFUSED: u8 = 71;
const EXITED: u8 = 76;
const ERROR: u8 = 77;
const STATUS: u8 = 80;
const ROLE: u8 = 81;
const REPORT: u8 = 82;

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
/// use wxcode_protocol::websocket::ServerFrame;
///
/// let message = Bytes::from_static(b"\x42\0\0\0\0\0\0\0\x05hello");
/// let Some(ServerFrame::Output { offset, bytes }) = ServerFrame::decode(message)? else {
///     panic!("another message");
/// };
/// assert_eq!((offset, &bytes[..]), (5, &b"hello"[..]));
/// # Ok::<(), wxcode_protocol::websocket::DecodeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum ServerFrame {
    /// The connection and its session.
    Status(Status),
    /// The whole screen at an offset, for a freshly reset terminal of that size.
    Snapshot {
        /// The offset after the last byte on the screen.
        offset: u64,
        /// The size of the screen.
        size: Size,
        /// The snapshot to draw the screen.
        bytes: Bytes,
    },
    /// Output of the agent.
    Output {
        /// The offset of the first byte.
        offset: u64,
        /// The bytes, cut anywhere, also within a character or a sequence.
        bytes: Bytes,
    },
    /// The terminal has this size from this offset on.
    Resized {
        /// The offset of the first byte for the new size.
        offset: u64,
        /// The new size.
        size: Size,
    },
    /// All bytes of the input with this number are in the PTY.
    InputTaken(u64),
    /// An input was not, or not wholly, typed.
    InputRefused {
        /// The number of the input.
        number: u64,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The agent has ended.
    Exited(Exit),
    /// A request failed.
    Error {
        /// A stable word for programs.
        code: String,
        /// The reason, with a remedy.
        message: String,
    },
    /// The client's role from now on.
    Role(Role),
    /// An event of the agent's hooks.
    Report(Value),
}

#[derive(Serialize, Deserialize)]
struct Problem {
    code: String,
    message: String,
}

impl ServerFrame {
    /// Encodes the message: its type, then its payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Status(status) => json(STATUS, status),
            Self::Snapshot {
                offset,
                size,
                bytes,
            } => {
                let mut out = BytesMut::with_capacity(13 + bytes.len());
                out.put_u8(SNAPSHOT);
                out.put_u64(*offset);
                out.put_u16(size.cols);
                out.put_u16(size.rows);
                out.put_slice(bytes);
                out.freeze()
            }
            Self::Output { offset, bytes } => numbered(OUTPUT, *offset, bytes),
            Self::Resized { offset, size } => {
                let mut sides = [0; 4];
                sides[..2].copy_from_slice(&size.cols.to_be_bytes());
                sides[2..].copy_from_slice(&size.rows.to_be_bytes());
                numbered(RESIZED, *offset, &sides)
            }
            Self::InputTaken(number) => numbered(INPUT_TAKEN, *number, &[]),
            Self::InputRefused { number, reason } => {
                numbered(INPUT_REFUSED, *number, reason.as_bytes())
            }
            Self::Exited(exit) => json(EXITED, exit),
            Self::Error { code, message } => json(
                ERROR,
                &Problem {
                    code: code.clone(),
                    message: message.clone(),
                },
            ),
            Self::Role(role) => Bytes::from_static(match role {
                Role::Viewer => &[ROLE, 0],
                Role::Driver => &[ROLE, 1],
            }),
            Self::Report(report) => json(REPORT, report),
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
            SNAPSHOT => Self::Snapshot {
                offset: number("Snapshot", &mut message)?,
                size: size("Snapshot", &mut message)?,
                bytes: message,
            },
            OUTPUT => Self::Output {
                offset: number("Output", &mut message)?,
                bytes: message,
            },
            RESIZED => Self::Resized {
                offset: number("Resized", &mut message)?,
                size: size("Resized", &mut message)?,
            },
            INPUT_TAKEN => Self::InputTaken(number("InputTaken", &mut message)?),
            INPUT_REFUSED => Self::InputRefused {
                number: number("InputRefused", &mut message)?,
                reason: String::from_utf8(message.into())
                    .map_err(|_| MalformedMessage("InputRefused"))?,
            },
            EXITED => Self::Exited(from_json("Exited", &message)?),
            ERROR => {
                let Problem { code, message } = from_json("Error", &message)?;
                Self::Error { code, message }
            }
            ROLE => Self::Role(match message.try_get_u8() {
                Ok(0) => Role::Viewer,
                Ok(1) => Role::Driver,
                _ => return Err(MalformedMessage("Role").into()),
            }),
            REPORT => Self::Report(from_json("Report", &message)?),
            _ => return Ok(None),
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

fn numbered(kind: u8, number: u64, rest: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(9 + rest.len());
    out.put_u8(kind);
    out.put_u64(number);
    out.put_slice(rest);
    out.freeze()
}

fn from_json<T: serde::de::DeserializeOwned>(
    what: &'static str,
    json: &[u8],
) -> Result<T, MalformedMessage> {
    serde_json::from_slice(json).map_err(|_| MalformedMessage(what))
}

fn number(what: &'static str, message: &mut Bytes) -> Result<u64, MalformedMessage> {
    message.try_get_u64().map_err(|_| MalformedMessage(what))
}

fn size(what: &'static str, message: &mut Bytes) -> Result<Size, MalformedMessage> {
    let cols = message.try_get_u16().map_err(|_| MalformedMessage(what))?;
    let rows = message.try_get_u16().map_err(|_| MalformedMessage(what))?;
    Size::new(cols, rows).ok_or(MalformedMessage(what))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            }),
            ServerFrame::Snapshot {
                offset: 5,
                size,
                bytes: Bytes::from_static(b"\x1b[H"),
            },
            ServerFrame::Output {
                offset: u64::MAX,
                bytes: Bytes::from_static(b"\xff\0"),
            },
            ServerFrame::Resized { offset: 3, size },
            ServerFrame::InputTaken(4),
            ServerFrame::InputRefused {
                number: 5,
                reason: "full".to_owned(),
            },
            ServerFrame::Error {
                code: "READ_ONLY".to_owned(),
                message: "no".to_owned(),
            },
            ServerFrame::Role(Role::Viewer),
            ServerFrame::Role(Role::Driver),
            ServerFrame::Report(serde_json::json!({ "type": "bash" })),
        ];
        for frame in frames {
            assert_eq!(ServerFrame::decode(frame.encode()), Ok(Some(frame)));
        }
    }

    #[test]
    fn the_layout_is_as_documented() {
        let size = Size::new(300, 40).unwrap();
        let snapshot = ServerFrame::Snapshot {
            offset: 1,
            size,
            bytes: Bytes::from_static(b"x"),
        };
        assert_eq!(
            &snapshot.encode()[..],
            b"\x41\0\0\0\0\0\0\0\x01\x01\x2c\0\x28x"
        );
        let resized = ServerFrame::Resized { offset: 2, size };
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

//! Messages of the server.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{DecodeError, Malformed};
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
    /// A viewer: looks on, and scales.
    Viewer,
    /// The driver: the session has its size.
    Driver,
}

/// The connection and its session: the first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The session; offsets count its bytes. Empty where the project never had one.
    pub session_id: String,
    /// Whether the session runs. Otherwise its last screen and its end follow, and a close.
    #[serde(default = "yes")]
    pub connected: bool,
    /// The conversation.
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
    /// Why the session's log is off.
    #[serde(default)]
    pub log_off: Option<String>,
}

/// A server of before the field only ever told of sessions that run.
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
        /// The snapshot that draws it.
        bytes: Bytes,
    },
    /// Output of the agent.
    Output {
        /// The offset of the first byte.
        offset: u64,
        /// Bytes, cut anywhere.
        bytes: Bytes,
    },
    /// The terminal has this size from this offset on.
    Resized {
        /// The offset.
        offset: u64,
        /// The size.
        size: Size,
    },
    /// An input is wholly in the PTY.
    InputTaken(u64),
    /// An input was not, or not wholly, typed.
    InputRefused {
        /// Its number.
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
    /// Encodes the message.
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
    /// It does not have the layout of its type.
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
                reason: String::from_utf8(message.into()).map_err(|_| Malformed("InputRefused"))?,
            },
            EXITED => Self::Exited(from_json("Exited", &message)?),
            ERROR => {
                let Problem { code, message } = from_json("Error", &message)?;
                Self::Error { code, message }
            }
            ROLE => Self::Role(match message.try_get_u8() {
                Ok(0) => Role::Viewer,
                Ok(1) => Role::Driver,
                _ => return Err(Malformed("Role").into()),
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
) -> Result<T, Malformed> {
    serde_json::from_slice(json).map_err(|_| Malformed(what))
}

fn number(what: &'static str, message: &mut Bytes) -> Result<u64, Malformed> {
    message.try_get_u64().map_err(|_| Malformed(what))
}

fn size(what: &'static str, message: &mut Bytes) -> Result<Size, Malformed> {
    let cols = message.try_get_u16().map_err(|_| Malformed(what))?;
    let rows = message.try_get_u16().map_err(|_| Malformed(what))?;
    Size::new(cols, rows).ok_or(Malformed(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_round_trips() {
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
    fn the_layout_matches_the_docs() {
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

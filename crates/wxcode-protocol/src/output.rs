//! Output of a session, with the same codes and layouts in both protocols.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::{
    Exit, Size,
    fields::{Fields, Malformed},
    holder::frame::Type,
};

/// Output of a session, from the holder through the server to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// The screen at an offset, for a freshly reset terminal of that size; the output continues
    /// from there.
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
        /// Bytes, cut anywhere; at most [`crate::holder::frame::MAX_OUTPUT`] from a holder.
        bytes: Bytes,
    },
    /// The terminal's size changed.
    Resized {
        /// Bytes from this offset on were read after the change.
        offset: u64,
        /// The new size.
        size: Size,
    },
    /// All bytes of an input are in the PTY.
    InputTaken {
        /// The client's number of the input.
        seq: u64,
    },
    /// An input was not, or not wholly, typed.
    InputRefused {
        /// The client's number of the input.
        seq: u64,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The agent has ended; all its output came before this.
    Exited(Exit),
    /// A request failed.
    Error {
        /// A stable word for programs.
        code: String,
        /// The reason, with a remedy.
        message: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Problem {
    code: String,
    message: String,
}

impl Output {
    /// The error of a request that the holder did not carry out.
    pub fn not_done(message: String) -> Self {
        Self::Error {
            code: "NOT_DONE".to_owned(),
            message,
        }
    }

    /// The type of the frame.
    pub(crate) const fn kind(&self) -> Type {
        match self {
            Self::Snapshot { .. } => Type::Snapshot,
            Self::Output { .. } => Type::Output,
            Self::Resized { .. } => Type::Resized,
            Self::InputTaken { .. } => Type::InputTaken,
            Self::InputRefused { .. } => Type::InputRefused,
            Self::Exited(_) => Type::Exited,
            Self::Error { .. } => Type::Error,
        }
    }

    /// Appends the payload of the frame.
    pub(crate) fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Snapshot {
                offset,
                size,
                bytes,
            } => {
                out.reserve(12 + bytes.len());
                out.put_u64(*offset);
                put_size(out, *size);
                out.put_slice(bytes);
            }
            Self::Output { offset, bytes } => {
                out.reserve(8 + bytes.len());
                out.put_u64(*offset);
                out.put_slice(bytes);
            }
            Self::Resized { offset, size } => {
                out.put_u64(*offset);
                put_size(out, *size);
            }
            Self::InputTaken { seq } => out.put_u64(*seq),
            Self::InputRefused { seq, reason } => {
                out.put_u64(*seq);
                out.put_slice(reason.as_bytes());
            }
            Self::Exited(exit) => put_json(out, exit),
            Self::Error { code, message } => put_json(
                out,
                &Problem {
                    code: code.clone(),
                    message: message.clone(),
                },
            ),
        }
    }

    /// Decodes the payload of a frame; `None` for a type without output.
    pub(crate) fn decode(kind: Type, payload: Bytes) -> Result<Option<Self>, Malformed> {
        let mut fields = Fields::new(payload, kind.name());
        Ok(Some(match kind {
            Type::Snapshot => Self::Snapshot {
                offset: fields.u64()?,
                size: fields.size()?,
                bytes: fields.rest(),
            },
            Type::Output => Self::Output {
                offset: fields.u64()?,
                bytes: fields.rest(),
            },
            Type::Resized => Self::Resized {
                offset: fields.u64()?,
                size: fields.size()?,
            },
            Type::InputTaken => Self::InputTaken { seq: fields.u64()? },
            Type::InputRefused => Self::InputRefused {
                seq: fields.u64()?,
                reason: fields.rest_text()?,
            },
            Type::Exited => Self::Exited(fields.json()?),
            Type::Error => {
                let Problem { code, message } = fields.json()?;
                Self::Error { code, message }
            }
            _ => return Ok(None),
        }))
    }
}

/// Appends a size as columns and rows.
pub(crate) fn put_size(out: &mut BytesMut, size: Size) {
    out.put_u16(size.cols);
    out.put_u16(size.rows);
}

fn put_json(out: &mut BytesMut, value: &impl Serialize) {
    // Structs of numbers and text: serialising them into memory cannot fail.
    let json = serde_json::to_vec(value).unwrap_or_default();
    out.put_slice(&json);
}

//! Events from a holder to a client.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Info,
    fields::{Fields, Malformed, modes_bits},
    frame::{self, Type},
};
use crate::{
    Exit, Modes, Size,
    ancestry::{self, Ancestry},
};

/// An event from a holder to a client.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use wxcode_protocol::holder::{Event, frame::Decoder};
///
/// let event = Event::Output { offset: 7, bytes: Bytes::from_static(b"hello") };
/// let mut decoder = Decoder::default();
/// event.encode(decoder.buffer());
///
/// let (kind, payload) = decoder.next_frame()?.expect("a whole frame");
/// assert_eq!(Event::decode(kind, payload)?, Some(event));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The screen at an offset, for a freshly reset terminal of that size; the output continues
    /// from there.
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
        /// At most [`frame::MAX_OUTPUT`] bytes, cut anywhere.
        bytes: Bytes,
    },
    /// The terminal's size changed.
    Resized {
        /// Bytes from this offset on were read after the change.
        offset: u64,
        /// The new size.
        size: Size,
    },
    /// A payload of the agent's hook.
    Hook {
        /// Counts up from 1; gaps only for dropped older payloads.
        seq: u64,
        /// The pid of the reporting process.
        pid: i32,
        /// The position of that process below the agent's, at that time.
        ancestry: Ancestry,
        /// At most [`frame::MAX_HOOK`] bytes of JSON, as Claude Code wrote them.
        payload: Bytes,
    },
    /// The agent has written nothing for [`super::QUIET`].
    Quiet {
        /// The number of bytes written in all.
        offset: u64,
        /// The modes of the terminal.
        modes: Modes,
    },
    /// All bytes of an `Input` are in the PTY.
    InputTaken {
        /// The number of the `Input`.
        seq: u64,
    },
    /// The newest input number taken from the client of an `Identify`; 0 for none.
    Identified {
        /// The number of that `Input`.
        newest: u64,
    },
    /// An `Input` was not, or not wholly, typed.
    InputRefused {
        /// The number of the `Input`.
        seq: u64,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The bytes of a `Deliver` are in the PTY, or an earlier one with its key was taken.
    Delivered {
        /// The key of the `Deliver`.
        key: String,
        /// True if this request wrote the text; false if an earlier one with the same key did.
        fresh: bool,
    },
    /// A `Deliver` was not, or not wholly, typed. If nothing was typed the key stays unused.
    DeliverRefused {
        /// The key of the `Deliver`.
        key: String,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The input lock is granted; its time runs since the holder took the `Lock`.
    Locked {
        /// The number of the `Lock`.
        lock: u64,
    },
    /// The input lock was refused, or ended.
    Unlocked {
        /// The number of the `Lock`.
        lock: u64,
        /// The reason.
        reason: String,
    },
    /// The holder continues as the program of an `Upgrade` from now on: the connection ends, and a
    /// new one reaches that program. If the system refuses at the last moment, `UpgradeRefused`
    /// follows.
    Upgrading,
    /// The holder stays as it is.
    UpgradeRefused {
        /// Whether a later attempt may succeed.
        busy: bool,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The answer to `Screen`.
    Screen {
        /// The number of the request.
        id: u64,
        /// The offset after the last byte on the screen.
        offset: u64,
        /// The size of the screen.
        size: Size,
        /// The modes of the terminal.
        modes: Modes,
        /// The window title.
        title: String,
        /// The screen as text, rows joined by `\n`.
        text: String,
        /// The snapshot for a freshly reset terminal.
        snapshot: Bytes,
    },
    /// The answer to `Info`.
    Info(Info),
    /// The agent has ended; all its output came before this.
    Exited(Exit),
    /// The last request failed; the connection stays open.
    Error {
        /// The reason, with a remedy.
        message: String,
    },
}

impl Event {
    /// Appends the event's frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Snapshot {
                offset,
                size,
                bytes,
            } => frame::write(out, Type::Snapshot, |p| {
                p.put_u64(*offset);
                put_size(p, *size);
                p.put_slice(bytes);
            }),
            Self::Output { offset, bytes } => write_output(out, *offset, bytes),
            Self::Resized { offset, size } => frame::write(out, Type::Resized, |p| {
                p.put_u64(*offset);
                put_size(p, *size);
            }),
            Self::Hook {
                seq,
                pid,
                ancestry,
                payload,
            } => frame::write(out, Type::Hook, |p| {
                p.put_u64(*seq);
                p.put_u32(ancestry::pack(*ancestry, *pid));
                p.put_slice(payload);
            }),
            Self::Quiet { offset, modes } => frame::write(out, Type::Quiet, |p| {
                p.put_u64(*offset);
                p.put_u16(modes_bits(*modes));
            }),
            Self::InputTaken { seq } => frame::write(out, Type::InputTaken, |p| p.put_u64(*seq)),
            Self::Identified { newest } => {
                frame::write(out, Type::Identified, |p| p.put_u64(*newest));
            }
            Self::InputRefused { seq, reason } => frame::write(out, Type::InputRefused, |p| {
                p.put_u64(*seq);
                p.put_slice(reason.as_bytes());
            }),
            Self::Delivered { key, fresh } => frame::write(out, Type::Delivered, |p| {
                p.put_u8(u8::from(*fresh));
                p.put_slice(key.as_bytes());
            }),
            Self::DeliverRefused { key, reason } => frame::write(out, Type::DeliverRefused, |p| {
                put_bytes(p, key.as_bytes());
                p.put_slice(reason.as_bytes());
            }),
            Self::Locked { lock } => frame::write(out, Type::Locked, |p| p.put_u64(*lock)),
            Self::Unlocked { lock, reason } => frame::write(out, Type::Unlocked, |p| {
                p.put_u64(*lock);
                p.put_slice(reason.as_bytes());
            }),
            Self::Upgrading => frame::write(out, Type::Upgrading, |_| ()),
            Self::UpgradeRefused { busy, reason } => {
                frame::write(out, Type::UpgradeRefused, |p| {
                    p.put_u8(u8::from(*busy));
                    p.put_slice(reason.as_bytes());
                });
            }
            Self::Screen {
                id,
                offset,
                size,
                modes,
                title,
                text,
                snapshot,
            } => frame::write(out, Type::ScreenIs, |p| {
                p.put_u64(*id);
                p.put_u64(*offset);
                put_size(p, *size);
                p.put_u16(modes_bits(*modes));
                put_bytes(p, title.as_bytes());
                put_bytes(p, text.as_bytes());
                p.put_slice(snapshot);
            }),
            Self::Info(info) => frame::write_json(out, Type::InfoIs, info),
            Self::Exited(exit) => frame::write_json(out, Type::Exited, exit),
            Self::Error { message } => frame::write(out, Type::Error, |p| {
                p.put_slice(message.as_bytes());
            }),
        }
    }

    /// Decodes the event of a frame's payload; `None` for a type that is not an event.
    ///
    /// # Errors
    /// The payload does not have the layout of its type.
    pub fn decode(kind: Type, payload: Bytes) -> Result<Option<Self>, Malformed> {
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
            Type::Hook => {
                let seq = fields.u64()?;
                let (ancestry, pid) = ancestry::unpack(fields.u32()?);
                Self::Hook {
                    seq,
                    pid,
                    ancestry,
                    payload: fields.rest(),
                }
            }
            Type::Quiet => Self::Quiet {
                offset: fields.u64()?,
                modes: fields.modes()?,
            },
            Type::InputTaken => Self::InputTaken { seq: fields.u64()? },
            Type::Identified => Self::Identified {
                newest: fields.u64()?,
            },
            Type::InputRefused => Self::InputRefused {
                seq: fields.u64()?,
                reason: fields.rest_text()?,
            },
            Type::Delivered => Self::Delivered {
                fresh: fields.u8()? != 0,
                key: fields.rest_text()?,
            },
            Type::DeliverRefused => Self::DeliverRefused {
                key: fields.text()?,
                reason: fields.rest_text()?,
            },
            Type::Locked => Self::Locked {
                lock: fields.u64()?,
            },
            Type::Unlocked => Self::Unlocked {
                lock: fields.u64()?,
                reason: fields.rest_text()?,
            },
            Type::Upgrading => Self::Upgrading,
            Type::UpgradeRefused => Self::UpgradeRefused {
                busy: fields.u8()? != 0,
                reason: fields.rest_text()?,
            },
            Type::ScreenIs => Self::Screen {
                id: fields.u64()?,
                offset: fields.u64()?,
                size: fields.size()?,
                modes: fields.modes()?,
                title: fields.text()?,
                text: fields.text()?,
                snapshot: fields.rest(),
            },
            Type::InfoIs => Self::Info(fields.json()?),
            Type::Exited => Self::Exited(fields.json()?),
            Type::Error => Self::Error {
                message: fields.rest_text()?,
            },
            _ => return Ok(None),
        }))
    }
}

/// Appends the frame of an `Output` without an intermediate copy.
pub fn write_output(out: &mut BytesMut, offset: u64, bytes: &[u8]) {
    frame::write(out, Type::Output, |p| {
        p.put_u64(offset);
        p.put_slice(bytes);
    });
}

fn put_size(out: &mut BytesMut, size: Size) {
    out.put_u16(size.cols);
    out.put_u16(size.rows);
}

fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

//! Events from a holder to a client.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    Info, ProgramStatus,
    frame::{self, Type},
};
use crate::{
    Modes, Output, Size,
    ancestry::{self, Ancestry},
    fields::{Fields, Malformed, modes_bits},
    output::put_size,
};

/// An event from a holder to a client.
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use wxcode_protocol::{Output, holder::{Event, frame::Decoder}};
///
/// let bytes = Bytes::from_static(b"hello");
/// let event = Event::Output(Output::Output { offset: 7, bytes });
/// let mut decoder = Decoder::default();
/// event.encode(decoder.buffer());
///
/// let (kind, payload) = decoder.next_frame()?.expect("a whole frame");
/// assert_eq!(Event::decode(kind, payload)?, Some(event));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Output, an acknowledgement or the end; the server forwards them to clients unchanged.
    Output(Output),
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
    /// The newest report of the agent about its status (OSC 7501). It comes after the hooks before
    /// `next_hook_seq` and before the later ones; a report that a newer one replaced may be left
    /// out.
    Status {
        /// Counts up from 1.
        number: u64,
        /// The number of the first hook payload after it.
        next_hook_seq: u64,
        /// The offset in the output at which it was read.
        offset: u64,
        /// The report.
        status: ProgramStatus,
    },
    /// The agent has written nothing for [`super::QUIET`].
    Quiet {
        /// The number of bytes written in all.
        offset: u64,
        /// The modes of the terminal.
        modes: Modes,
    },
    /// The newest input number taken from the client of an `Identify`; 0 for none.
    Identified {
        /// The number of that `Input`.
        newest: u64,
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
}

impl Event {
    /// Appends the event's frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Output(output) => frame::write(out, output.kind(), |p| output.put(p)),
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
            Self::Status {
                number,
                next_hook_seq,
                offset,
                status,
            } => frame::write(out, Type::Status, |p| {
                p.put_u64(*number);
                p.put_u64(*next_hook_seq);
                p.put_u64(*offset);
                // Serialising into memory cannot fail.
                p.put_slice(&serde_json::to_vec(status).unwrap_or_default());
            }),
            Self::Quiet { offset, modes } => frame::write(out, Type::Quiet, |p| {
                p.put_u64(*offset);
                p.put_u16(modes_bits(*modes));
            }),
            Self::Identified { newest } => {
                frame::write(out, Type::Identified, |p| p.put_u64(*newest));
            }
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
        }
    }

    /// Decodes the event of a frame's payload; `None` for a type that is not an event.
    ///
    /// # Errors
    /// The payload does not have the layout of its type.
    pub fn decode(kind: Type, payload: Bytes) -> Result<Option<Self>, Malformed> {
        if let Some(output) = Output::decode(kind, payload.clone())? {
            return Ok(Some(Self::Output(output)));
        }
        let mut fields = Fields::new(payload, kind.name());
        Ok(Some(match kind {
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
            Type::Status => Self::Status {
                number: fields.u64()?,
                next_hook_seq: fields.u64()?,
                offset: fields.u64()?,
                status: fields.json()?,
            },
            Type::Quiet => Self::Quiet {
                offset: fields.u64()?,
                modes: fields.modes()?,
            },
            Type::Identified => Self::Identified {
                newest: fields.u64()?,
            },
            Type::Delivered => Self::Delivered {
                fresh: fields.flag()?,
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
                busy: fields.flag()?,
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

fn put_bytes(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32(bytes.len() as u32);
    out.put_slice(bytes);
}

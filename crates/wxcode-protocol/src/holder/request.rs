//! Requests from a client to a holder.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use bytes::{BufMut, Bytes, BytesMut};

use super::frame::{self, Type};
use crate::{
    Signal, Size,
    fields::{Fields, Malformed},
};

/// A request from a client to a holder.
///
/// ```
/// use wxcode_protocol::{Size, holder::{Request, frame::Decoder}};
///
/// let size = Size::new(120, 40).expect("a size within the bounds");
/// let mut decoder = Decoder::default();
/// Request::Resize { size }.encode(decoder.buffer());
///
/// let (kind, payload) = decoder.next_frame()?.expect("a whole frame");
/// assert_eq!(Request::decode(kind, payload)?, Some(Request::Resize { size }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Stream the output on this connection.
    Attach {
        /// The offset of the first missing byte. If memory or the log holds it, exactly the missing
        /// bytes follow, up to 64 MiB; otherwise, and for `None`, a snapshot and then the output.
        since: Option<u64>,
        /// Most bytes of history in each snapshot.
        history: u32,
    },
    /// Send the newest screen, and the output from there on; only on a streaming connection.
    Redraw {
        /// Most bytes of history in this one snapshot.
        history: u32,
    },
    /// Name the client. Answered by `Identified`. From here on an `Input` with a number up to the
    /// newest one of this name, on any connection, counts as typed and is not typed again.
    Identify {
        /// The client's name, chosen at random.
        name: [u8; 16],
    },
    /// Stream the hook payloads and the other events of the session.
    Events {
        /// The first missing sequence number; dropped older ones are left out.
        since: u64,
    },
    /// Type bytes. Answered by `InputTaken` once all of them are in the PTY, or by `InputRefused`.
    /// The single byte 0x03, Ctrl+C, does not wait for unread input.
    Input {
        /// The client's number for the answer.
        seq: u64,
        /// At most [`frame::MAX_INPUT`] bytes, never mixed with another message's.
        bytes: Bytes,
    },
    /// Type bytes at most once for a key in the life of the holder. Answered by `Delivered` or
    /// `DeliverRefused`.
    Deliver {
        /// At most [`frame::MAX_KEY`] bytes.
        key: String,
        /// At most [`frame::MAX_INPUT`] bytes, never mixed with another message's.
        bytes: Bytes,
    },
    /// Acquire the input lock: until it ends, input of other connections waits, in order, and is
    /// typed afterwards. Answered by `Locked` or `Unlocked`. `Unlocked` also reports an end
    /// other than `Unlock`: the time is up, or a client types Ctrl+C alone. The lock ends with the
    /// connection too.
    Lock {
        /// The client's number for the lock.
        lock: u64,
        /// The duration in milliseconds, at most [`frame::MAX_LOCK_MS`].
        for_ms: u32,
    },
    /// Release the input lock.
    Unlock {
        /// The number of the lock.
        lock: u64,
    },
    /// Like `Input`, but refused outside of this lock.
    LockedInput {
        /// The number of the lock.
        lock: u64,
        /// The client's number for the answer.
        seq: u64,
        /// At most [`frame::MAX_INPUT`] bytes.
        bytes: Bytes,
    },
    /// Like `Deliver`, but refused outside of this lock.
    LockedDeliver {
        /// The number of the lock.
        lock: u64,
        /// At most [`frame::MAX_KEY`] bytes.
        key: String,
        /// At most [`frame::MAX_INPUT`] bytes.
        bytes: Bytes,
    },
    /// Continue as another program: the same process, with the same agent, state and socket.
    /// Answered by `Upgrading` and the end of the connection, or by `UpgradeRefused`.
    Upgrade {
        /// The build of the program, by its name; another build is refused.
        build: String,
        /// The program, an absolute path, resolved at this moment.
        program: PathBuf,
    },
    /// Change the size of the terminal: at once, or 250 ms after the last change, with the newest
    /// size.
    Resize {
        /// The new size.
        size: Size,
    },
    /// Signal the foreground process group.
    Signal {
        /// The signal.
        signal: Signal,
    },
    /// Request the present screen; answered by `Event::Screen`.
    Screen {
        /// The client's number for the answer.
        id: u64,
    },
    /// End the agent and everything that it started: SIGTERM, and SIGKILL after the grace.
    Stop {
        /// The grace in milliseconds, at most [`frame::MAX_GRACE_MS`].
        grace_ms: u64,
    },
    /// Request the state of the session; answered by `Event::Info`.
    Info,
}

impl Request {
    /// Appends the request's frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Attach { since, history } => frame::write(out, Type::Attach, |p| {
                p.put_u32(*history);
                if let Some(since) = since {
                    p.put_u64(*since);
                }
            }),
            Self::Redraw { history } => {
                frame::write(out, Type::Redraw, |p| p.put_u32(*history));
            }
            Self::Identify { name } => frame::write(out, Type::Identify, |p| p.put_slice(name)),
            Self::Events { since } => frame::write(out, Type::Events, |p| p.put_u64(*since)),
            Self::Input { seq, bytes } => frame::write(out, Type::Input, |p| {
                p.put_u64(*seq);
                p.put_slice(bytes);
            }),
            Self::Deliver { key, bytes } => frame::write(out, Type::Deliver, |p| {
                p.put_u32(key.len() as u32);
                p.put_slice(key.as_bytes());
                p.put_slice(bytes);
            }),
            Self::Lock { lock, for_ms } => frame::write(out, Type::Lock, |p| {
                p.put_u64(*lock);
                p.put_u32(*for_ms);
            }),
            Self::Unlock { lock } => frame::write(out, Type::Unlock, |p| p.put_u64(*lock)),
            Self::LockedInput { lock, seq, bytes } => {
                frame::write(out, Type::LockedInput, |p| {
                    p.put_u64(*lock);
                    p.put_u64(*seq);
                    p.put_slice(bytes);
                });
            }
            Self::LockedDeliver { lock, key, bytes } => {
                frame::write(out, Type::LockedDeliver, |p| {
                    p.put_u64(*lock);
                    p.put_u32(key.len() as u32);
                    p.put_slice(key.as_bytes());
                    p.put_slice(bytes);
                });
            }
            Self::Upgrade { build, program } => frame::write(out, Type::Upgrade, |p| {
                p.put_u32(build.len() as u32);
                p.put_slice(build.as_bytes());
                p.put_slice(program.as_os_str().as_bytes());
            }),
            Self::Resize { size } => frame::write(out, Type::Resize, |p| {
                p.put_u16(size.cols);
                p.put_u16(size.rows);
            }),
            Self::Signal { signal } => frame::write(out, Type::Signal, |p| {
                p.put_u8(signal.code());
            }),
            Self::Screen { id } => frame::write(out, Type::Screen, |p| p.put_u64(*id)),
            Self::Stop { grace_ms } => frame::write(out, Type::Stop, |p| p.put_u64(*grace_ms)),
            Self::Info => frame::write(out, Type::Info, |_| ()),
        }
    }

    /// Decodes the request of a frame's payload; `None` for a type that is not a request.
    ///
    /// # Errors
    /// The payload does not have the layout of its type.
    pub fn decode(kind: Type, payload: Bytes) -> Result<Option<Self>, Malformed> {
        let mut fields = Fields::new(payload.clone(), kind.name());
        Ok(Some(match kind {
            Type::Attach => Self::Attach {
                history: fields.u32()?,
                since: match payload.len() {
                    4 => None,
                    _ => Some(fields.u64()?),
                },
            },
            Type::Redraw => Self::Redraw {
                history: fields.u32()?,
            },
            Type::Identify => Self::Identify {
                name: fields.array()?,
            },
            Type::Events => Self::Events {
                since: fields.u64()?,
            },
            Type::Input => Self::Input {
                seq: fields.u64()?,
                bytes: fields.rest(),
            },
            Type::Deliver => Self::Deliver {
                key: fields.text()?,
                bytes: fields.rest(),
            },
            Type::Lock => Self::Lock {
                lock: fields.u64()?,
                for_ms: fields.u32()?,
            },
            Type::Unlock => Self::Unlock {
                lock: fields.u64()?,
            },
            Type::LockedInput => Self::LockedInput {
                lock: fields.u64()?,
                seq: fields.u64()?,
                bytes: fields.rest(),
            },
            Type::LockedDeliver => Self::LockedDeliver {
                lock: fields.u64()?,
                key: fields.text()?,
                bytes: fields.rest(),
            },
            Type::Upgrade => Self::Upgrade {
                build: fields.text()?,
                program: OsStr::from_bytes(&fields.rest()).into(),
            },
            Type::Resize => Self::Resize {
                size: fields.size()?,
            },
            Type::Signal => Self::Signal {
                signal: Signal::from_code(fields.u8()?).ok_or_else(|| fields.malformed())?,
            },
            Type::Screen => Self::Screen { id: fields.u64()? },
            Type::Stop => Self::Stop {
                grace_ms: fields.u64()?,
            },
            Type::Info => Self::Info,
            _ => return Ok(None),
        }))
    }
}

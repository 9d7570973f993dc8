//! Splits a socket's stream into frames, with a bound for each type.
//!
//! A frame is the length of its payload (u32, big-endian), its type (u8) and the payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::Serialize;

/// Most bytes typed by one `Input` or `Deliver`.
pub const MAX_INPUT: usize = 4 << 20; // 4 MiB
/// Most bytes in the key of a `Deliver`.
pub const MAX_KEY: usize = 256;
/// Most bytes in one hook payload.
pub const MAX_HOOK: usize = 8 << 20; // 8 MiB
/// Most bytes in the hook secret.
pub const MAX_SECRET: usize = 256;
/// Most bytes in one `Output`.
pub const MAX_OUTPUT: usize = 32 << 10; // 32 KiB
/// Most bytes in a `Snapshot` or `Screen`: 500 × 500 cells with every attribute, twice.
pub const MAX_SNAPSHOT: usize = 32 << 20; // 32 MiB
/// Most bytes in small messages, JSON ones included.
pub const MAX_SMALL: usize = 64 << 10; // 64 KiB
/// Most bytes skipped of an unknown type.
pub const MAX_UNKNOWN: usize = 1 << 20; // 1 MiB
/// Longest input lock, in milliseconds.
pub const MAX_LOCK_MS: u32 = 10_000; // 10 s
/// Longest grace of a `Stop`, in milliseconds.
pub const MAX_GRACE_MS: u64 = 600_000; // 10 minutes

/// The length (u32) and the type (u8) before each payload.
const HEADER: usize = 5;

macro_rules! types {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $limit:expr;)*) => {
        /// The type of a frame.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Type {
            $($(#[doc = $doc])* $name = $code,)*
        }

        impl Type {
            /// Returns the type of a code; `None` for an unknown one.
            pub fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Returns the bound on the payload, in bytes.
            pub fn limit(self) -> usize {
                match self {
                    $(Self::$name => $limit,)*
                }
            }

            /// Returns the name, for error messages.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

types! {
    /// Client: the first message.
    Hello = 1, MAX_SMALL;
    /// Client: streams the output.
    Attach = 2, 12;
    /// Client: streams the events.
    Events = 3, 8;
    /// Client: types bytes.
    Input = 4, MAX_INPUT + 8;
    /// Client: types bytes once.
    Deliver = 5, MAX_INPUT + MAX_KEY + 4;
    /// Client: changes the size.
    Resize = 6, 4;
    /// Client: signals the foreground group.
    Signal = 7, 1;
    /// Client: requests the screen.
    Screen = 8, 8;
    /// Client: ends the agent.
    Stop = 9, 8;
    /// Client: requests the state.
    Info = 10, 0;
    /// Hook: a payload, after the secret.
    Report = 11, MAX_HOOK + MAX_SECRET + 4;
    /// Client: requests the newest screen in the stream of the output.
    Redraw = 12, 4;
    /// Client: its name, so that a returning client types nothing twice.
    Identify = 13, 16;
    /// Client: acquires the input lock.
    Lock = 14, 12;
    /// Client: releases the input lock.
    Unlock = 15, 8;
    /// Client: types bytes, only within its input lock.
    LockedInput = 16, MAX_INPUT + 16;
    /// Client: types bytes once, only within its input lock.
    LockedDeliver = 17, MAX_INPUT + MAX_KEY + 12;
    /// Client: asks the holder to continue as another program.
    Upgrade = 18, MAX_SMALL;
    /// Holder: the answer to `Hello`.
    Welcome = 64, MAX_SMALL;
    /// Holder: the screen at an offset.
    Snapshot = 65, MAX_SNAPSHOT;
    /// Holder: output.
    Output = 66, MAX_OUTPUT + 8;
    /// Holder: the size changed.
    Resized = 67, 12;
    /// Holder: a hook payload.
    Hook = 68, MAX_HOOK + 12;
    /// Holder: the agent is silent, see [`super::QUIET`].
    Quiet = 69, 10;
    /// Holder: the bytes of an `Input` are in the PTY.
    InputTaken = 70, 8;
    /// Holder: the bytes of an `Input` were not, or not wholly, typed.
    InputRefused = 71, MAX_SMALL;
    /// Holder: the answer to `Deliver`.
    Delivered = 72, MAX_SMALL;
    /// Holder: a `Deliver` was refused.
    DeliverRefused = 73, MAX_SMALL;
    /// Holder: the answer to `Screen`.
    ScreenIs = 74, MAX_SNAPSHOT;
    /// Holder: the answer to `Info`.
    InfoIs = 75, MAX_SMALL;
    /// Holder: the agent has ended.
    Exited = 76, MAX_SMALL;
    /// Holder: a request failed.
    Error = 77, MAX_SMALL;
    /// Holder: the answer to `Report`: kept.
    Reported = 78, 8;
    /// Holder: the answer to `Identify`.
    Identified = 79, 8;
    /// Holder: the answer to `Lock`: granted.
    Locked = 80, 8;
    /// Holder: an input lock was refused, or ended.
    Unlocked = 81, MAX_SMALL;
    /// Holder: the answer to `Upgrade`: done.
    Upgrading = 82, 0;
    /// Holder: the answer to `Upgrade`: refused.
    UpgradeRefused = 83, MAX_SMALL;
    /// Holder: the newest report of the agent about its status.
    Status = 84, MAX_SMALL;
}

/// A frame beyond the bound of its type, or a stream without valid frames.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a frame of type {code} with {len} bytes, where {limit} are allowed; the other side speaks another protocol, so run the same wxcode on both"
)]
pub struct TooLong {
    /// The code of the type.
    pub code: u8,
    /// The announced length, in bytes.
    pub len: usize,
    /// The bound of the type, in bytes.
    pub limit: usize,
}

/// Appends a frame to `out`; `fill` appends its payload, within the bound of `kind`.
pub fn write(out: &mut BytesMut, kind: Type, fill: impl FnOnce(&mut BytesMut)) {
    let at = out.len();
    out.put_u32(0);
    out.put_u8(kind as u8);
    fill(out);
    let len = out.len() - at - HEADER;
    debug_assert!(len <= kind.limit(), "{} of {len} bytes", kind.name());
    if let Some(field) = out.get_mut(at..at + 4) {
        field.copy_from_slice(&(len as u32).to_be_bytes());
    }
}

/// Appends a frame with a JSON payload to `out`.
pub fn write_json(out: &mut BytesMut, kind: Type, value: &impl Serialize) {
    // Structs of numbers and text: serialising them into memory cannot fail.
    let json = serde_json::to_vec(value).unwrap_or_default();
    write(out, kind, |p| p.put_slice(&json));
}

/// Splits a stream into frames, with any cuts.
///
/// Append the bytes of each read to [`Decoder::buffer`], then call [`Decoder::next_frame`] until it
/// returns `None`. The buffer holds one incomplete frame and the bytes of one read at most.
///
/// ```
/// use wxcode_protocol::holder::frame::{Decoder, Type};
///
/// let mut decoder = Decoder::default();
/// decoder.buffer().extend_from_slice(b"\0\0\0\x08\x46\0\0\0");
/// assert_eq!(decoder.next_frame()?, None, "half a frame");
///
/// decoder.buffer().extend_from_slice(b"\0\0\0\0\x09");
/// let (kind, payload) = decoder.next_frame()?.expect("a whole frame");
/// assert_eq!((kind, payload.len()), (Type::InputTaken, 8));
/// # Ok::<(), wxcode_protocol::holder::frame::TooLong>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    buf: BytesMut,
    /// Bytes of an unknown frame still to be skipped.
    skip: usize,
}

impl Decoder {
    /// The buffer for newly read bytes.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buf
    }

    /// Returns the next whole frame; `None` until more bytes come. Skips frames of unknown types.
    ///
    /// # Errors
    /// A frame exceeds the bound of its type; the stream is unusable from here on.
    pub fn next_frame(&mut self) -> Result<Option<(Type, Bytes)>, TooLong> {
        loop {
            let skipped = self.skip.min(self.buf.len());
            self.buf.advance(skipped);
            self.skip -= skipped;
            let Some(&[a, b, c, d, code]) = self.buf.first_chunk::<HEADER>() else {
                break;
            };
            let len = u32::from_be_bytes([a, b, c, d]) as usize;
            let known = Type::from_code(code);
            let limit = known.map_or(MAX_UNKNOWN, Type::limit);
            if len > limit {
                return Err(TooLong { code, len, limit });
            }
            let Some(kind) = known else {
                self.buf.advance(HEADER);
                self.skip = len;
                continue;
            };
            if self.buf.len() < HEADER + len {
                return Ok(None);
            }
            self.buf.advance(HEADER);
            return Ok(Some((kind, self.buf.split_to(len).freeze())));
        }
        if self.buf.is_empty() {
            self.buf = BytesMut::new(); // an idle connection holds no buffer
        }
        Ok(None)
    }
}

//! As much of the binary protocol as a client needs, by docs/protocol.md: a client of its own, so a second opinion.

use anyhow::bail;
use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The WebSocket sub-protocol.
pub(crate) const PROTOCOL: &str = "wxcode.v1";

const INPUT: u8 = 4;
const ACK: u8 = 16;
const SNAPSHOT: u8 = 65;
const OUTPUT: u8 = 66;
const INPUT_REFUSED: u8 = 71;
const EXITED: u8 = 76;
const ERROR: u8 = 77;
const REPORT: u8 = 82;

/// What the server says.
pub(crate) enum Frame {
    /// Bytes of the agent from an offset on.
    Output { offset: u64, bytes: Bytes },
    /// A whole screen up to an offset.
    Snapshot { offset: u64, bytes: Bytes },
    /// JSON of a hook.
    Report(Bytes),
    /// What no measurement goes on after: the type, and the payload.
    Bad(u8, Bytes),
    /// Anything else.
    Other,
}

/// Types bytes.
pub(crate) fn input(number: u64, bytes: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(9 + bytes.len());
    out.put_u8(INPUT);
    out.put_u64(number);
    out.put_slice(bytes);
    out.freeze()
}

/// Says that all up to an offset is parsed.
pub(crate) fn ack(offset: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(9);
    out.put_u8(ACK);
    out.put_u64(offset);
    out.freeze()
}

/// Reads a message.
pub(crate) fn decode(mut message: Bytes) -> anyhow::Result<Frame> {
    let kind = message.try_get_u8()?;
    Ok(match kind {
        OUTPUT => Frame::Output {
            offset: message.try_get_u64()?,
            bytes: message,
        },
        SNAPSHOT => {
            let offset = message.try_get_u64()?;
            // Its size.
            if message.try_get_u32().is_err() {
                bail!("a snapshot without a size");
            }
            Frame::Snapshot {
                offset,
                bytes: message,
            }
        }
        REPORT => Frame::Report(message),
        INPUT_REFUSED | EXITED | ERROR => Frame::Bad(kind, message),
        _ => Frame::Other,
    })
}

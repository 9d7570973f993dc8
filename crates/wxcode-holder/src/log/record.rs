//! A record of the log, encoded and decoded.

use std::io::{self, Read};

use bytes::{Buf, BufMut, Bytes};
use wxcode_terminal::Size;

use crate::folder::Exit;

/// Most bytes in the payload of a record.
pub const MAX_PAYLOAD: usize = 64 << 10; // 64 KiB
/// Checksum (u32), length of the payload (u32), kind (u8), offset (u64), time (u64).
pub(super) const HEADER: usize = 25;

const OUTPUT: u8 = 1;
const RESIZED: u8 = 2;
const EXITED: u8 = 3;

/// A record: checksum (u32, CRC-32C of the rest), length of the payload (u32), kind (u8), offset
/// (u64), time (u64), payload; numbers are big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The offset: the number of bytes written by the agent before.
    pub offset: u64,
    /// The time, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub what: What,
}

/// The content of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Output of the agent, at most [`MAX_PAYLOAD`] bytes, cut anywhere.
    Output(Bytes),
    /// The terminal has this size from here on.
    Resized(Size),
    /// The agent has ended.
    Exited(Exit),
}

impl Record {
    /// The offset after this record.
    pub fn end(&self) -> u64 {
        match &self.what {
            What::Output(bytes) => self.offset.saturating_add(bytes.len() as u64),
            What::Resized(_) | What::Exited(_) => self.offset,
        }
    }

    /// Appends the record; readers reject a record with a payload beyond [`MAX_PAYLOAD`].
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match &self.what {
            What::Output(bytes) => encode_output(out, self.offset, self.at_ms, bytes),
            What::Resized(size) => {
                let mut payload = [0; 4];
                payload[..2].copy_from_slice(&size.cols.to_be_bytes());
                payload[2..].copy_from_slice(&size.rows.to_be_bytes());
                encode(out, RESIZED, self.offset, self.at_ms, &payload);
            }
            What::Exited(exit) => {
                // A struct of numbers and text: its serialisation into memory cannot fail.
                let json = serde_json::to_vec(exit).unwrap_or_default();
                encode(out, EXITED, self.offset, self.at_ms, &json);
            }
        }
    }

    /// Decodes the next record; `None` for an unknown kind.
    pub(super) fn read(from: &mut impl Read) -> Result<Option<Self>, Bad> {
        let mut header = [0; HEADER];
        from.read_exact(&mut header)?;
        let mut fields = &header[..];
        let (checksum, len) = (fields.get_u32(), fields.get_u32() as usize);
        let (kind, offset, at_ms) = (fields.get_u8(), fields.get_u64(), fields.get_u64());
        if len > MAX_PAYLOAD {
            return Err(Bad);
        }
        let mut payload = vec![0; len];
        from.read_exact(&mut payload)?;
        let summed = crc32c::crc32c_append(crc32c::crc32c(&header[4..]), &payload);
        if summed != checksum {
            return Err(Bad);
        }
        let what = match kind {
            OUTPUT => What::Output(payload.into()),
            RESIZED => What::Resized(size(&payload).ok_or(Bad)?),
            EXITED => What::Exited(serde_json::from_slice(&payload).map_err(|_| Bad)?),
            _ => return Ok(None),
        };
        Ok(Some(Self {
            offset,
            at_ms,
            what,
        }))
    }
}

/// Appends a record of output without an intermediate copy.
pub(super) fn encode_output(out: &mut Vec<u8>, offset: u64, at_ms: u64, bytes: &[u8]) {
    encode(out, OUTPUT, offset, at_ms, bytes);
}

fn encode(out: &mut Vec<u8>, kind: u8, offset: u64, at_ms: u64, payload: &[u8]) {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    let at = out.len();
    out.put_u32(0);
    out.put_u32(payload.len() as u32);
    out.put_u8(kind);
    out.put_u64(offset);
    out.put_u64(at_ms);
    out.put_slice(payload);
    let checksum = crc32c::crc32c(&out[at + 4..]);
    out[at..at + 4].copy_from_slice(&checksum.to_be_bytes());
}

fn size(payload: &[u8]) -> Option<Size> {
    let &[a, b, c, d] = payload else { return None };
    Size::new(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

/// No whole and sound record: the end of a segment, or of the segment's readable part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bad;

impl From<io::Error> for Bad {
    fn from(_: io::Error) -> Self {
        Self
    }
}

//! Segments as bytes, by the documented layout and independent of the tested code.

use wxcode_holder::log::{MAGIC, Record, What};

pub(super) const OUTPUT: u8 = 1;
pub(super) const RESIZED: u8 = 2;
pub(super) const EXITED: u8 = 3;

/// A segment: the offset in its name, and its bytes.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) bytes: Vec<u8>,
}

impl Segment {
    /// A segment without records.
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            bytes: MAGIC.to_vec(),
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{:020}.seg", self.first)
    }

    /// Whether the segment contains these bytes.
    pub(super) fn holds(&self, bytes: &[u8]) -> bool {
        self.bytes
            .windows(bytes.len())
            .any(|window| window == bytes)
    }

    /// Appends a record with its checksum.
    pub(super) fn push(&mut self, kind: u8, offset: u64, at_ms: u64, payload: &[u8]) {
        self.bytes.extend(record(kind, offset, at_ms, payload));
    }
}

fn record(kind: u8, offset: u64, at_ms: u64, payload: &[u8]) -> Vec<u8> {
    let mut summed = (payload.len() as u32).to_be_bytes().to_vec();
    summed.push(kind);
    summed.extend(offset.to_be_bytes());
    summed.extend(at_ms.to_be_bytes());
    summed.extend(payload);
    let checksum = crc32c::crc32c(&summed).to_be_bytes();
    [&checksum[..], &summed].concat()
}

/// The bytes of a record; `None` for a payload with several forms.
pub(super) fn encode(item: &Record) -> Option<Vec<u8>> {
    let (kind, payload) = match &item.what {
        What::Output(bytes) => (OUTPUT, bytes.to_vec()),
        What::Resized(size) => {
            let (cols, rows) = (size.cols.to_be_bytes(), size.rows.to_be_bytes());
            (RESIZED, [cols, rows].concat())
        }
        What::Exited(_) => return None,
    };
    Some(record(kind, item.offset, item.at_ms, &payload))
}

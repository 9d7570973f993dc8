//! What a connection lacks of the output when the ring no longer holds it: from the log.

use std::path::Path;

use bytes::{Buf, Bytes};
use wxcode_terminal::Size;

use crate::log::{Item, Reader, What};
use wxcode_protocol::holder::frame::MAX_OUTPUT;

/// Reads the log from an offset on.
pub(super) struct Replay {
    reader: Reader,
    /// What is left of the record that was read last.
    rest: Bytes,
    size: Option<Size>,
    /// Nothing came since the log was opened.
    barren: bool,
}

/// What comes next.
pub(super) enum Next {
    /// Bytes at the offset, at most [`MAX_OUTPUT`].
    Output(Bytes),
    /// The size from the offset on.
    Resized(Size),
    /// Nothing for the connection in this step.
    Nothing,
    /// The log does not hold what comes next.
    Lost,
}

impl Replay {
    /// A replay from this offset on; `None` where the log does not hold it.
    pub(super) fn open(dir: &Path, offset: u64) -> Option<Self> {
        Some(Self {
            reader: Reader::open_at(dir, offset).ok().flatten()?,
            rest: Bytes::new(),
            size: None,
            barren: true,
        })
    }

    /// One step for a connection that stands at this offset: one record at most is read.
    pub(super) fn next(&mut self, dir: &Path, offset: u64) -> Next {
        if self.rest.is_empty() {
            match self.reader.next() {
                Some(Item::Record(record)) if record.offset <= offset => match record.what {
                    What::Output(mut bytes) => {
                        let known = usize::try_from(offset - record.offset).unwrap_or(usize::MAX);
                        bytes.advance(known.min(bytes.len()));
                        self.rest = bytes;
                    }
                    // A segment begins with the size that was there before: that is no change.
                    What::Resized(size) => {
                        let new = self.size.replace(size).is_some_and(|old| old != size);
                        if new && record.offset == offset {
                            return Next::Resized(size);
                        }
                    }
                    What::Exited(_) => {}
                },
                Some(Item::Gap { to, .. }) if to <= offset => {}
                Some(_) => return Next::Lost,
                // The segments that were there are read; there may be new ones.
                None if self.barren => return Next::Lost,
                None => match Self::open(dir, offset) {
                    Some(next) => {
                        self.reader = next.reader;
                        self.barren = true;
                    }
                    None => return Next::Lost,
                },
            }
        }
        if self.rest.is_empty() {
            return Next::Nothing;
        }
        self.barren = false;
        let part = self.rest.len().min(MAX_OUTPUT);
        Next::Output(self.rest.split_to(part))
    }
}

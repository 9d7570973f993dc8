//! Replays output from the log after the output has left the ring buffer.

use std::path::Path;

use bytes::{Buf, Bytes};
use wxcode_terminal::Size;

use crate::log::{Item, Reader, What};
use wxcode_protocol::holder::frame::MAX_OUTPUT;

/// Reads the log from an offset on.
pub(crate) struct Replay {
    reader: Reader,
    /// The rest of the last record read.
    rest: Bytes,
    size: Option<Size>,
    /// Nothing arrived since the log was opened.
    is_empty: bool,
}

/// The next item.
pub(crate) enum Next {
    /// Bytes at the offset, at most [`MAX_OUTPUT`].
    Output(Bytes),
    /// The size from the offset on.
    Resized(Size),
    /// Nothing for the connection in this step.
    Nothing,
    /// The log does not hold the next item.
    Lost,
}

impl Replay {
    /// Starts a replay at this offset; `None` when the log does not hold the offset.
    pub(crate) fn open(dir: &Path, offset: u64) -> Option<Self> {
        Some(Self {
            reader: Reader::open_at(dir, offset).ok().flatten()?,
            rest: Bytes::new(),
            size: None,
            is_empty: true,
        })
    }

    /// A step for a connection at this offset: reads at most one record.
    pub(crate) fn next(&mut self, dir: &Path, offset: u64) -> Next {
        if self.rest.is_empty() {
            match self.reader.next() {
                Some(Item::Record(record)) if record.offset <= offset => match record.what {
                    What::Output(mut bytes) => {
                        let known = usize::try_from(offset - record.offset).unwrap_or(usize::MAX);
                        bytes.advance(known.min(bytes.len()));
                        self.rest = bytes;
                    }
                    // A segment begins with the size before the segment: no change.
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
                // The known segments are read; new ones may exist.
                None if self.is_empty => return Next::Lost,
                None => match Self::open(dir, offset) {
                    Some(next) => {
                        self.reader = next.reader;
                        self.is_empty = true;
                    }
                    None => return Next::Lost,
                },
            }
        }
        if self.rest.is_empty() {
            return Next::Nothing;
        }
        self.is_empty = false;
        let part = self.rest.len().min(MAX_OUTPUT);
        Next::Output(self.rest.split_to(part))
    }
}

//! The log of a session on disk: output, sizes and end, with their times; the oldest part is
//! dropped.
//!
//! `log/<first offset>.seg` begins with [`MAGIC`] and a record of the terminal's size at that
//! offset; records follow, see [`Record`]. The holder writes records in batches without a sync: the
//! batches survive the death of every process, but not a power cut. A checksum identifies the
//! unfinished end of an interrupted batch, and readers skip the unfinished end.

mod format;
mod reader;
mod record;
mod writer;

use std::path::Path;

use wxcode_terminal::{Screen, Size, Terminal};

pub use format::MAGIC;
use format::segments;
pub use reader::{Item, Reader};
pub use record::{MAX_PAYLOAD, Record, What};
pub(crate) use writer::Writer;

/// Bytes of a full segment; the next batch starts a new segment.
pub const MAX_SEGMENT: u64 = 4 << 20; // 4 MiB
/// Most bytes of all segments together.
pub const MAX_BYTES: u64 = 64 << 20; // 64 MiB

/// The last size of the terminal, from the log of the session in `dir`; reads one segment.
pub fn last_size(dir: &Path) -> Option<Size> {
    // The newest segment may have been interrupted before its first record.
    segments(dir).ok()?.into_iter().rev().find_map(|first| {
        let sizes = Reader::of(dir, vec![first]).filter_map(|item| match item {
            Item::Record(Record {
                what: What::Resized(size),
                ..
            }) => Some(size),
            _ => None,
        });
        sizes.last()
    })
}

/// The end of the output, from the log of the session in `dir`; 0 without a log. Reads one segment.
pub fn end(dir: &Path) -> u64 {
    let all = segments(dir).unwrap_or_default();
    // The newest segment may have been interrupted before its first record.
    let ends = all.into_iter().rev().find_map(|first| {
        let records = Reader::of(dir, vec![first]).filter_map(|item| match item {
            Item::Record(record) => Some(record.end()),
            Item::Gap { .. } => None,
        });
        records.last()
    });
    ends.unwrap_or(0)
}

/// Draws the screen from the log of the session in `dir`, for a holder that left no last screen;
/// `None` without a log. Reads up to [`MAX_BYTES`].
pub fn screen(dir: &Path) -> Option<Terminal> {
    let mut screen: Option<Terminal> = None;
    let mut replies = Vec::new();
    for item in Reader::open(dir).ok()? {
        let Item::Record(record) = item else { continue };
        match (record.what, &mut screen) {
            (What::Resized(size), None) => screen = Some(Terminal::new(size)),
            (What::Resized(size), Some(screen)) if size != screen.size() => screen.resize(size),
            (What::Output(bytes), Some(screen)) => {
                screen.feed(&bytes, &mut replies);
                replies.clear();
            }
            _ => {}
        }
    }
    screen
}

#[cfg(test)]
mod tests;

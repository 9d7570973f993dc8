//! Recognises the entries of a transcript that its copy already holds.

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, BufRead, Read as _},
};

use serde::Deserialize;
use uuid::Uuid;

/// Longest copied line, in bytes; a longer one is left out of the copy.
pub(crate) const LINE_MAX: u64 = 64 << 20; // 64 MiB

/// The outcome of reading a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A whole line, with its end.
    Whole,
    /// Nothing, or a line without an end so far.
    Unfinished,
    /// The first [`LINE_MAX`] bytes of a line that is too long to copy; its rest follows.
    TooLong,
}

/// Reads one line into `line`, of at most [`LINE_MAX`] bytes.
pub(super) fn read_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    from.by_ref().take(LINE_MAX).read_until(b'\n', line)?;
    if line.last() == Some(&b'\n') {
        return Ok(Line::Whole);
    }
    if (line.len() as u64) < LINE_MAX {
        return Ok(Line::Unfinished);
    }
    line.clear();
    Ok(Line::TooLong)
}

/// Passes over one buffer of a line's rest; returns its bytes, 0 at the end of the file, and
/// whether the line ends with them.
pub(super) fn pass_over(from: &mut impl BufRead) -> io::Result<(u64, bool)> {
    let bytes = from.fill_buf()?;
    let end = memchr::memchr(b'\n', bytes);
    let count = end.map_or(bytes.len(), |at| at + 1);
    from.consume(count);
    Ok((count as u64, end.is_some()))
}

/// The entries of a copy. An entry without `uuid` counts by its bytes, as often as it is there.
#[derive(Debug, Default)]
pub(super) struct Entries {
    ids: HashSet<u128>,
    others: HashMap<u64, u32>,
}

impl Entries {
    /// The entries of a whole copy.
    pub(super) fn of(copy: &mut impl BufRead) -> io::Result<Self> {
        let mut entries = Self::default();
        let mut line = Vec::new();
        while read_line(copy, &mut line)? != Line::Unfinished {
            match key(&line) {
                Key::Id(id) => drop(entries.ids.insert(id)),
                Key::Bytes(hash) => *entries.others.entry(hash).or_default() += 1,
            }
        }
        Ok(entries)
    }

    /// Whether the line is new, when the transcript is read from its beginning.
    pub(super) fn is_new(&mut self, line: &[u8]) -> bool {
        match key(line) {
            Key::Id(id) => self.ids.insert(id),
            Key::Bytes(hash) => match self.others.get_mut(&hash) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                Some(_) | None => true,
            },
        }
    }
}

enum Key {
    Id(u128),
    Bytes(u64),
}

#[derive(Deserialize)]
struct Head {
    uuid: Uuid,
}

fn key(line: &[u8]) -> Key {
    match serde_json::from_slice::<Head>(line) {
        Ok(head) => Key::Id(head.uuid.as_u128()),
        Err(_) => {
            let mut hasher = DefaultHasher::new();
            line.hash(&mut hasher);
            Key::Bytes(hasher.finish())
        }
    }
}

//! Reads a log, during and after its writing.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{
    format::{FOLDER, MAGIC, segments},
    record::{Bad, Record},
};
use crate::segment;

/// Bytes per read.
const BUFFER: usize = 64 << 10; // 64 KiB

/// The next item of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record.
    Record(Record),
    /// Lost output: a segment is damaged or was removed.
    Gap {
        /// The offset of the first lost byte.
        from: u64,
        /// The offset of the next available byte.
        to: u64,
    },
}

/// The records of a session's log, oldest first: the records in segments existing at opening, and
/// later records of the last segment. A damaged record ends its segment; the next segment follows.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    remaining: VecDeque<u64>,
    file: Option<BufReader<File>>,
    /// The present offset; `None` before the first record.
    at: Option<u64>,
    /// The record after a reported gap.
    held: Option<Record>,
}

impl Reader {
    /// Opens the log of the session in `dir`; without a log, an empty log.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self::of(dir, segments(dir)?))
    }

    /// Opens the log of the session in `dir` at the segment with an offset; `None` when the segment
    /// is gone.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open_at(dir: &Path, offset: u64) -> io::Result<Option<Self>> {
        let mut all = segments(dir)?;
        let after = all.partition_point(|first| *first <= offset);
        Ok(after
            .checked_sub(1)
            .map(|at| Self::of(dir, all.split_off(at))))
    }

    /// Opens these segments, by their first offsets.
    pub(super) fn of(dir: &Path, segments: Vec<u64>) -> Self {
        Self {
            folder: dir.join(FOLDER),
            remaining: segments.into(),
            file: None,
            at: None,
            held: None,
        }
    }

    /// The next sound record.
    fn record(&mut self) -> Option<Record> {
        loop {
            let Some(file) = &mut self.file else {
                let first = self.remaining.pop_front()?;
                // A dropped or invalid segment shows as a gap.
                self.file = open(&segment::path(&self.folder, first)).ok();
                continue;
            };
            match Record::read(file) {
                // A record with a smaller offset belongs to other output.
                Ok(Some(record)) if self.at.is_some_and(|at| record.offset < at) => {
                    self.file = None;
                }
                Ok(Some(record)) => return Some(record),
                Ok(None) => {}
                Err(Bad) => self.file = None,
            }
        }
    }
}

fn open(path: &Path) -> io::Result<BufReader<File>> {
    let mut file = BufReader::with_capacity(BUFFER, File::open(path)?);
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    match &magic == MAGIC {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Iterator for Reader {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let record = match self.held.take() {
            Some(record) => record,
            None => self.record()?,
        };
        let to = record.offset;
        if let Some(from) = self.at.filter(|from| *from < to) {
            self.at = Some(to);
            self.held = Some(record);
            return Some(Item::Gap { from, to });
        }
        self.at = Some(record.end());
        Some(Item::Record(record))
    }
}

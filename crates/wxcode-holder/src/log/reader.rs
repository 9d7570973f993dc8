//! Reading a log, while it is written and afterwards.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{FOLDER, MAGIC, Record, record::Bad, segment, segments};

/// How much is read at once, in bytes.
const BUFFER: usize = 64 << 10; // 64 KiB

/// What a log holds next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record.
    Record(Record),
    /// Output that is lost: a segment is damaged or was removed.
    Gap {
        /// The offset of the first byte that is lost.
        from: u64,
        /// The offset of the next byte that is there.
        to: u64,
    },
}

/// The records of a session's log, oldest first, as many as its segments held when it was opened or
/// were appended to the last of them since. A damaged record ends its segment; the next one goes on.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    left: VecDeque<u64>,
    file: Option<BufReader<File>>,
    /// Where the output stands; `None` before the first record.
    at: Option<u64>,
    /// The record behind a gap that was told.
    held: Option<Record>,
}

impl Reader {
    /// The log of the session in `dir`; an empty one where there is none.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open(dir: &Path) -> io::Result<Self> {
        Ok(Self::of(dir, segments(dir)?))
    }

    /// The log of the session in `dir` from the segment on that holds an offset; `None` where that
    /// one is gone.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn open_at(dir: &Path, offset: u64) -> io::Result<Option<Self>> {
        let mut all = segments(dir)?;
        let behind = all.partition_point(|first| *first <= offset);
        Ok(behind
            .checked_sub(1)
            .map(|at| Self::of(dir, all.split_off(at))))
    }

    /// These segments, by their first offsets.
    pub(super) fn of(dir: &Path, segments: Vec<u64>) -> Self {
        Self {
            folder: dir.join(FOLDER),
            left: segments.into(),
            file: None,
            at: None,
            held: None,
        }
    }

    /// The next sound record, whatever lies between.
    fn record(&mut self) -> Option<Record> {
        loop {
            let Some(file) = &mut self.file else {
                let first = self.left.pop_front()?;
                // One that gave way meanwhile, or is none, shows as a gap.
                self.file = open(&segment(&self.folder, first)).ok();
                continue;
            };
            match Record::read(file) {
                // Going back, it belongs to something else.
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

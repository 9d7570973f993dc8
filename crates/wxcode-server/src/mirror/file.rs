//! The copy of one file of a conversation: appended to as the file grows.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Instant, SystemTime},
};

use super::{
    checksum::{self, Damage},
    entry::{Entries, LINE_MAX, Line, pass_over, read_line},
};

/// Bytes before the reached place, compared to notice a file written anew.
const TAIL: usize = 4 << 10; // 4 KiB
/// Bytes at the beginning and at the end of a copy, compared with the file.
const SAMPLE: u64 = 64 << 10; // 64 KiB
/// Bytes per read.
const READ: usize = 64 << 10; // 64 KiB

/// The bounds of one step.
pub(super) struct Budget {
    /// Bytes still to read.
    pub(super) bytes: u64,
    /// Bytes that the project's copies may still grow by.
    pub(super) room: u64,
    /// The end of the time; each step gets on by a line or a part of a long one.
    pub(super) until: Instant,
}

impl Budget {
    fn is_spent(&self) -> bool {
        self.bytes == 0 || Instant::now() >= self.until
    }
}

/// The outcome of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// The end of the file, but for a half-written line.
    End,
    /// The end of the budget.
    Budget,
    /// The end of the room.
    Full,
}

/// The state of one file and its copy.
#[derive(Debug, Default)]
pub(super) struct FileCopy {
    /// The device and the inode of the file.
    identity: Option<(u64, u64)>,
    /// The size and the time of the file when its end was reached.
    ended: Option<(u64, Option<SystemTime>)>,
    /// Bytes of the file that are dealt with.
    offset: u64,
    /// The file's bytes before the offset.
    tail: Vec<u8>,
    /// Passed bytes of a line that is too long to copy, while its end was not reached.
    passed: u64,
    /// The size of the copy.
    pub(super) copied: u64,
    /// The damage of the copy since the last report.
    pub(super) damage: Damage,
    /// The entries of the copy, while the file is read anew.
    known: Option<Entries>,
    /// The end of the copy's checksums.
    sums: Option<checksum::End>,
}

impl FileCopy {
    /// Whether nothing was written since the end was reached.
    pub(super) fn is_fresh(&self, file: &Metadata) -> bool {
        self.identity == Some((file.dev(), file.ino()))
            && self.ended == Some((file.len(), file.modified().ok()))
    }

    /// The copy was written anew, with the same lines and another size.
    pub(super) fn shortened(&mut self, copied: u64) {
        self.copied = copied;
        self.sums = None;
    }

    /// Copies whole lines of the file, as far as the budget goes.
    pub(super) fn step(
        &mut self,
        file: &mut File,
        copy: &Path,
        budget: &mut Budget,
    ) -> io::Result<Reached> {
        let found = file.metadata()?;
        let path = copy;
        let mut copy = open(path)?;
        self.check(file, &found, path, &mut copy)?;
        self.ended = None;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut from = BufReader::with_capacity(READ, file);
        let mut to = BufWriter::with_capacity(READ, copy);
        let mut line = Vec::new();
        let mut is_begun = false;
        let reached = loop {
            if is_begun && budget.is_spent() {
                break Reached::Budget;
            }
            is_begun = true;
            let len = if self.passed > 0 {
                line.clear();
                let (count, is_end) = pass_over(&mut from)?;
                if count == 0 {
                    break Reached::End;
                }
                self.passed += count;
                if is_end {
                    tracing::warn!(
                        bytes = self.passed,
                        "a line of a transcript is too long to copy"
                    );
                    self.passed = 0;
                }
                count
            } else {
                match read_line(&mut from, &mut line)? {
                    Line::Unfinished => break Reached::End,
                    Line::TooLong => {
                        self.passed = LINE_MAX;
                        LINE_MAX
                    }
                    Line::Whole => {
                        let len = line.len() as u64;
                        let is_new = match &mut self.known {
                            Some(known) => known.is_new(&line),
                            None => true,
                        };
                        if is_new {
                            if len > budget.room {
                                break Reached::Full;
                            }
                            to.write_all(&line)?;
                            budget.room -= len;
                            self.copied += len;
                        }
                        len
                    }
                }
            };
            self.offset += len;
            budget.bytes = budget.bytes.saturating_sub(len);
            self.keep_tail(&line);
        };
        to.flush()?;
        drop(to);
        self.sums = Some(checksum::extend_from(path, self.sums)?);
        if reached == Reached::End {
            self.known = None;
            self.ended = Some((found.len(), found.modified().ok()));
        }
        Ok(reached)
    }

    fn keep_tail(&mut self, line: &[u8]) {
        if line.is_empty() {
            // A line that is too long is not kept, so nothing is compared.
            self.tail.clear();
        }
        self.tail
            .extend_from_slice(&line[line.len().saturating_sub(TAIL)..]);
        let surplus = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..surplus);
    }

    /// Finds the place to go on at: the end of the last step, the end of the copied bytes, or the
    /// beginning of a file written anew.
    fn check(
        &mut self,
        file: &mut File,
        found: &Metadata,
        path: &Path,
        copy: &mut File,
    ) -> io::Result<()> {
        let identity = (found.dev(), found.ino());
        let mut len = repair(copy)?;
        let goes_on = self.identity == Some(identity)
            && len == self.copied
            && found.len() >= self.offset
            && self.tail_is_there(file)?;
        if !goes_on {
            let damage = checksum::verify(path, Some(file))?;
            len = repair(copy)?;
            *self = Self {
                identity: Some(identity),
                copied: len,
                damage,
                ..Self::default()
            };
            if starts_with(file, found.len(), copy, len)? {
                self.offset = len;
                self.tail = read_at(copy, len.saturating_sub(TAIL as u64), TAIL as u64)?;
            } else {
                copy.seek(SeekFrom::Start(0))?;
                let mut reader = BufReader::with_capacity(READ, &mut *copy);
                self.known = Some(Entries::of(&mut reader)?);
            }
        }
        copy.seek(SeekFrom::Start(len))?;
        Ok(())
    }

    fn tail_is_there(&self, file: &mut File) -> io::Result<bool> {
        let len = self.tail.len() as u64;
        Ok(read_at(file, self.offset.saturating_sub(len), len)? == self.tail)
    }
}

/// Opens a copy for appending, for its owner alone.
fn open(copy: &Path) -> io::Result<File> {
    if let Some(folder) = copy.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(copy)
}

/// Cuts a line that a killed server left half-written; returns the size.
fn repair(copy: &mut File) -> io::Result<u64> {
    let len = copy.metadata()?.len();
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(READ as u64);
        let bytes = read_at(copy, start, end - start)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < len {
        copy.set_len(end)?;
    }
    Ok(end)
}

/// Whether a file begins with its copy, by samples: entries have unique ids.
fn starts_with(file: &mut File, file_len: u64, copy: &mut File, len: u64) -> io::Result<bool> {
    if file_len < len {
        return Ok(false);
    }
    for start in [0, len.saturating_sub(SAMPLE)] {
        let count = SAMPLE.min(len - start);
        if read_at(file, start, count)? != read_at(copy, start, count)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads up to `count` bytes from an offset on.
fn read_at(file: &mut File, start: u64, count: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;

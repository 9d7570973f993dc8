//! The copy of one file of a conversation: appended to as the file grows.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, BufReader, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    time::{Instant, SystemTime},
};

use super::{
    checksum::{self, Appended, Damage},
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
    at: Mark,
    /// The damage of the copy since the last report.
    pub(super) damage: Damage,
    /// The entries of the copy, while the file is read anew.
    known: Option<Entries>,
    /// The growth on the disk in the last step; `None` where only a look at the disk tells.
    pub(super) grown: Option<u64>,
}

/// The reached place in a file and in its copy.
#[derive(Debug, Default, Clone)]
struct Mark {
    /// Bytes of the file that are dealt with.
    offset: u64,
    /// The file's bytes before the offset.
    tail: Vec<u8>,
    /// Passed bytes of a line that is too long to copy, while its end was not reached.
    passed: u64,
    /// The size of the copy.
    copied: u64,
    /// The end of the copy's checksums.
    sums: Option<checksum::End>,
}

impl Mark {
    /// The size of the copy with its checksums.
    fn size(&self) -> u64 {
        self.copied + self.sums.map_or(0, checksum::End::size)
    }
}

impl FileCopy {
    /// Whether nothing was written since the end was reached.
    pub(super) fn is_fresh(&self, file: &Metadata) -> bool {
        self.identity == Some((file.dev(), file.ino()))
            && self.ended == Some((file.len(), file.modified().ok()))
    }

    /// The size of the copy.
    pub(super) const fn copied(&self) -> u64 {
        self.at.copied
    }

    /// The copy was written anew, with the same lines and another size.
    pub(super) fn shortened(&mut self, copied: u64) {
        self.at.copied = copied;
        self.at.sums = None;
    }

    /// Copies whole lines of the file, as far as the budget goes. A step that fails leaves the copy
    /// as it was.
    pub(super) fn step(
        &mut self,
        file: &mut File,
        copy: &Path,
        budget: &mut Budget,
    ) -> io::Result<Reached> {
        self.grown = None;
        let found = file.metadata()?;
        let path = copy;
        let mut copy = open(path)?;
        let goes_on = self.check(file, &found, path, &mut copy)?;
        self.ended = None;
        let mut sums = Appended::after(path, self.at.sums, self.at.copied)?;
        self.at.sums = Some(sums.end());
        let before = self.at.clone();
        let reached = match self.copy_lines(file, &mut copy, &mut sums, budget) {
            Ok(reached) => reached,
            Err(error) => {
                self.undo(before, &copy, &sums);
                return Err(error);
            }
        };
        self.at.sums = Some(sums.end());
        self.grown = goes_on.then(|| self.at.size() - before.size());
        if reached == Reached::End {
            self.known = None;
            self.ended = Some((found.len(), found.modified().ok()));
        }
        Ok(reached)
    }

    fn copy_lines(
        &mut self,
        file: &mut File,
        copy: &mut File,
        sums: &mut Appended,
        budget: &mut Budget,
    ) -> io::Result<Reached> {
        file.seek(SeekFrom::Start(self.at.offset))?;
        let mut from = BufReader::with_capacity(READ, file);
        let (mut line, mut unwritten) = (Vec::new(), Vec::new());
        let mut is_begun = false;
        let reached = loop {
            if is_begun && budget.is_spent() {
                break Reached::Budget;
            }
            is_begun = true;
            let len = if self.at.passed > 0 {
                line.clear();
                let (count, is_end) = pass_over(&mut from)?;
                if count == 0 {
                    break Reached::End;
                }
                self.at.passed += count;
                if is_end {
                    tracing::warn!(
                        bytes = self.at.passed,
                        "a line of a transcript is too long to copy"
                    );
                    self.at.passed = 0;
                }
                count
            } else {
                match read_line(&mut from, &mut line)? {
                    Line::Unfinished => break Reached::End,
                    Line::TooLong => {
                        self.at.passed = LINE_MAX;
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
                            if unwritten.len() + line.len() > READ {
                                copy.write_all(&unwritten)?;
                                unwritten.clear();
                            }
                            match line.len() > READ {
                                true => copy.write_all(&line)?,
                                false => unwritten.extend_from_slice(&line),
                            }
                            sums.add(&line);
                            budget.room -= len;
                            self.at.copied += len;
                        }
                        len
                    }
                }
            };
            self.at.offset += len;
            budget.bytes = budget.bytes.saturating_sub(len);
            self.keep_tail(&line);
        };
        copy.write_all(&unwritten)?;
        sums.write()?;
        Ok(reached)
    }

    /// Takes a failed step back, such as one on a full disk.
    fn undo(&mut self, before: Mark, copy: &File, sums: &Appended) {
        let cut = copy
            .set_len(before.copied)
            .and_then(|()| match before.sums {
                Some(end) => sums.cut(end),
                None => Ok(()),
            });
        // The entries that were read anew are known no more.
        let is_whole = cut.is_ok() && self.known.is_none();
        *self = Self {
            identity: self.identity.filter(|_| is_whole),
            at: before,
            damage: self.damage,
            ..Self::default()
        };
    }

    fn keep_tail(&mut self, line: &[u8]) {
        let tail = &mut self.at.tail;
        if line.is_empty() {
            // A line that is too long is not kept, so nothing is compared.
            tail.clear();
        }
        tail.extend_from_slice(&line[line.len().saturating_sub(TAIL)..]);
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }

    /// Finds the place to go on at: the end of the last step, the end of the copied bytes, or the
    /// beginning of a file written anew. Returns whether the last step goes on.
    fn check(
        &mut self,
        file: &mut File,
        found: &Metadata,
        path: &Path,
        copy: &mut File,
    ) -> io::Result<bool> {
        let identity = (found.dev(), found.ino());
        let goes_on = self.identity == Some(identity)
            && copy.metadata()?.len() == self.at.copied
            && found.len() >= self.at.offset
            && self.tail_is_there(file)?;
        if goes_on {
            return Ok(true);
        }
        // Where this fails, the next step begins anew.
        *self = Self::default();
        repair(copy)?;
        let damage = checksum::verify(path, Some(file))?;
        let len = repair(copy)?;
        let mut at = Mark {
            copied: len,
            ..Mark::default()
        };
        let mut known = None;
        if starts_with(file, found.len(), copy, len)? {
            at.offset = len;
            at.tail = bytes_at(copy, len.saturating_sub(TAIL as u64), TAIL as u64)?;
        } else {
            copy.seek(SeekFrom::Start(0))?;
            let mut reader = BufReader::with_capacity(READ, &mut *copy);
            known = Some(Entries::of(&mut reader)?);
        }
        *self = Self {
            identity: Some(identity),
            at,
            damage,
            known,
            ..Self::default()
        };
        Ok(false)
    }

    fn tail_is_there(&self, file: &File) -> io::Result<bool> {
        let len = self.at.tail.len() as u64;
        Ok(bytes_at(file, self.at.offset.saturating_sub(len), len)? == self.at.tail)
    }
}

/// Opens a copy for appending, for its owner alone.
fn open(copy: &Path) -> io::Result<File> {
    let open = || {
        OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(copy)
    };
    match (open(), copy.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            open()
        }
        (opened, _) => opened,
    }
}

/// Cuts a line that a killed server left half-written; returns the size.
fn repair(copy: &File) -> io::Result<u64> {
    let len = copy.metadata()?.len();
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(READ as u64);
        let bytes = bytes_at(copy, start, end - start)?;
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
fn starts_with(file: &File, file_len: u64, copy: &File, len: u64) -> io::Result<bool> {
    if file_len < len {
        return Ok(false);
    }
    for start in [0, len.saturating_sub(SAMPLE)] {
        let count = SAMPLE.min(len - start);
        if bytes_at(file, start, count)? != bytes_at(copy, start, count)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads up to `count` bytes from an offset on; the file's own place does not matter.
fn bytes_at(file: &File, start: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(count).unwrap_or(READ)];
    let mut len = 0;
    while len < bytes.len() {
        match file.read_at(&mut bytes[len..], start + len as u64) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(len);
    Ok(bytes)
}

#[cfg(test)]
mod tests;

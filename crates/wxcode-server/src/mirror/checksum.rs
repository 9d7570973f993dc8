//! Checks the lines of a copy against their checksums.
//!
//! `<copy>.sums` has 12 bytes for each line: its length, its CRC-32C, and the CRC-32C of both with
//! the line's number; all are little-endian `u32`. A damaged line is copied from the
//! transcript again. If the transcript lacks the line, a placeholder of the same length takes its
//! place, so all other lines keep their offsets.
//!
//! Invariant: a damaged checksum loses no line. The lines from this checksum on count as sound, and
//! get new checksums.

mod appended;

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

pub(super) use self::appended::Appended;
use super::entry::{LINE_MAX, Line, read_line};

/// Bytes of a record.
const RECORD: usize = 12;
/// Most bytes of damaged lines that are taken from the transcript at once.
const MEND_MAX: usize = 64 << 20; // 64 MiB
/// The type of the entry in the place of a lost one.
const LOST: &str = "wxcode-damaged";

/// The end of a copy's checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// The number of lines with a checksum.
    lines: usize,
    /// The bytes of these lines.
    bytes: u64,
}

/// Entries of all copies since the server's start.
static MENDED: AtomicU64 = AtomicU64::new(0);
static LOST_ENTRIES: AtomicU64 = AtomicU64::new(0);

/// Damaged entries since the server's start: read again from their transcripts, and lost.
pub(crate) fn damaged() -> (u64, u64) {
    let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
    (read(&MENDED), read(&LOST_ENTRIES))
}

/// The damage of a copy.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Damage {
    /// Entries that were read from the transcript again.
    pub(super) mended: u64,
    /// Entries that are gone.
    pub(super) lost: u64,
}

impl Damage {
    pub(super) fn add(&mut self, other: Self) {
        self.mended += other.mended;
        self.lost += other.lost;
    }
}

#[derive(Debug, Clone, Copy)]
struct Record {
    len: u32,
    crc: u32,
}

impl Record {
    fn of(line: &[u8]) -> Self {
        Self {
            // A line has at most `LINE_MAX` bytes.
            len: u32::try_from(line.len()).unwrap_or(u32::MAX),
            crc: crc32c::crc32c(line),
        }
    }

    fn check(self, number: usize) -> u32 {
        let number = (number as u64).to_le_bytes();
        let crc = crc32c::crc32c(&number);
        let crc = crc32c::crc32c_append(crc, &self.len.to_le_bytes());
        crc32c::crc32c_append(crc, &self.crc.to_le_bytes())
    }

    fn bytes(self, number: usize) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..4].copy_from_slice(&self.len.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.crc.to_le_bytes());
        bytes[8..].copy_from_slice(&self.check(number).to_le_bytes());
        bytes
    }

    /// Reads a record; `None` for a damaged one.
    fn parse(bytes: &[u8], number: usize) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        let record = Self {
            len: word(0)?,
            crc: word(4)?,
        };
        let is_whole = word(8)? == record.check(number) && u64::from(record.len) <= LINE_MAX;
        is_whole.then_some(record)
    }
}

/// The path of the checksums of a copy.
pub(super) fn sums(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(".sums");
    name.into()
}

/// Forgets the checksums of a copy that is written anew.
pub(super) fn forget(copy: &Path) -> io::Result<()> {
    match fs::remove_file(sums(copy)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Reads the records up to the first damaged one.
fn records(copy: &Path) -> io::Result<(File, Vec<Record>)> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(sums(copy))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let parsed = bytes.chunks(RECORD).enumerate();
    let records: Vec<Record> = parsed
        .map_while(|(number, bytes)| Record::parse(bytes, number))
        .collect();
    let whole = (records.len() * RECORD) as u64;
    if whole < bytes.len() as u64 {
        tracing::warn!(copy = %copy.display(), "the checksums of a copy are damaged; its lines from there on count as they are");
        file.set_len(whole)?;
    }
    file.seek(SeekFrom::Start(whole))?;
    Ok((file, records))
}

/// Records the lines of a copy that have no checksum so far.
pub(super) fn extend(copy: &Path) -> io::Result<End> {
    let (file, records) = records(copy)?;
    append(copy, file, &records)
}

fn append(copy: &Path, file: File, records: &[Record]) -> io::Result<End> {
    let end = End {
        lines: records.len(),
        bytes: records.iter().map(|record| u64::from(record.len)).sum(),
    };
    extend_from(copy, file, end)
}

fn extend_from(copy: &Path, file: File, mut end: End) -> io::Result<End> {
    let mut from = File::open(copy)?;
    from.seek(SeekFrom::Start(end.bytes))?;
    let (mut from, mut to) = (BufReader::new(from), BufWriter::new(file));
    let mut line = Vec::new();
    while read_line(&mut from, &mut line)? == Line::Whole {
        to.write_all(&Record::of(&line).bytes(end.lines))?;
        end.lines += 1;
        end.bytes += line.len() as u64;
    }
    to.flush()?;
    Ok(end)
}

/// The numbers and the places of damaged lines.
fn damaged_lines(copy: &Path, records: &[Record]) -> io::Result<Vec<(usize, u64)>> {
    let mut from = BufReader::new(File::open(copy)?);
    let (mut bad, mut offset) = (Vec::new(), 0);
    let mut line = Vec::new();
    for (number, record) in records.iter().enumerate() {
        line.clear();
        let len = u64::from(record.len);
        (&mut from).take(len).read_to_end(&mut line)?;
        if line.len() as u64 != len || crc32c::crc32c(&line) != record.crc {
            bad.push((number, offset));
        }
        offset += len;
    }
    Ok(bad)
}

/// Whether a copy has damaged lines.
pub(super) fn is_damaged(copy: &Path) -> io::Result<bool> {
    let (_, records) = records(copy)?;
    Ok(!damaged_lines(copy, &records)?.is_empty())
}

/// Takes damaged lines of a copy from another copy of the transcript; lines that are not there stay
/// damaged. The caller holds the project's lock.
pub(super) fn mend(copy: &Path, other: &mut File) -> io::Result<u64> {
    let (_, records) = records(copy)?;
    let bad = damaged_lines(copy, &records)?;
    let target = OpenOptions::new().write(true).open(copy)?;
    let left = put_back(&target, &records, &bad, other)?;
    let mended = (bad.len() - left.len()) as u64;
    target.sync_all()?;
    MENDED.fetch_add(mended, Ordering::Relaxed);
    tracing::warn!(copy = %copy.display(), mended, "entries of a conversation's copy were damaged on the disk; they were fetched from the store again");
    Ok(mended)
}

/// Writes the damaged lines that are in another copy of the transcript; returns the others.
fn put_back(
    target: &File,
    records: &[Record],
    bad: &[(usize, u64)],
    other: &mut File,
) -> io::Result<Vec<(usize, u64)>> {
    let found = search(other, bad.iter().map(|(number, _)| records[*number]))?;
    let mut left = Vec::new();
    for &(number, offset) in bad {
        let record = records[number];
        match found.get(&(record.len, record.crc)) {
            Some(line) => target.write_all_at(line, offset)?,
            None => left.push((number, offset)),
        }
    }
    Ok(left)
}

/// Checks all lines of a copy, and mends damaged ones from the transcript. The caller holds the
/// project's lock.
pub(super) fn verify(copy: &Path, transcript: Option<&mut File>) -> io::Result<Damage> {
    let (mut file, mut records) = records(copy)?;
    let bad = damaged_lines(copy, &records)?;
    if bad.is_empty() {
        append(copy, file, &records)?;
        return Ok(Damage::default());
    }
    let target = OpenOptions::new().write(true).open(copy)?;
    let left = match transcript {
        Some(transcript) => put_back(&target, &records, &bad, transcript)?,
        None => bad.clone(),
    };
    let damage = Damage {
        mended: (bad.len() - left.len()) as u64,
        lost: left.len() as u64,
    };
    for (number, offset) in left {
        let line = placeholder(records[number].len as usize);
        target.write_all_at(&line, offset)?;
        records[number] = Record::of(&line);
        let at = (number * RECORD) as u64;
        file.write_all_at(&records[number].bytes(number), at)?;
    }
    target.sync_all()?;
    file.seek(SeekFrom::End(0))?;
    append(copy, file, &records)?;
    MENDED.fetch_add(damage.mended, Ordering::Relaxed);
    LOST_ENTRIES.fetch_add(damage.lost, Ordering::Relaxed);
    tracing::warn!(copy = %copy.display(), mended = damage.mended, lost = damage.lost, "entries of a conversation's copy were damaged on the disk; those in the transcript were copied again");
    Ok(damage)
}

/// Finds lines in a transcript by their checksums.
fn search(
    transcript: &mut File,
    wanted: impl Iterator<Item = Record>,
) -> io::Result<HashMap<(u32, u32), Vec<u8>>> {
    let mut left: std::collections::HashSet<(u32, u32)> =
        wanted.map(|record| (record.len, record.crc)).collect();
    transcript.seek(SeekFrom::Start(0))?;
    let mut from = BufReader::new(transcript);
    let (mut found, mut bytes) = (HashMap::new(), 0);
    let mut line = Vec::new();
    while !left.is_empty() && bytes < MEND_MAX {
        match read_line(&mut from, &mut line)? {
            Line::Unfinished => break,
            Line::TooLong => continue,
            Line::Whole => {}
        }
        // Most lines differ in their length.
        let len = u32::try_from(line.len()).unwrap_or(u32::MAX);
        if !left.iter().any(|(wanted, _)| *wanted == len) {
            continue;
        }
        let key = (len, crc32c::crc32c(&line));
        if left.remove(&key) {
            bytes += line.len();
            found.insert(key, line.clone());
        }
    }
    Ok(found)
}

/// An entry of `len` bytes, its line's end included, without a meaning for Claude Code.
fn placeholder(len: usize) -> Vec<u8> {
    let entry = format!("{{\"type\":\"{LOST}\"}}");
    let text = if entry.len() < len { &entry[..] } else { "" };
    let mut line = text.as_bytes().to_vec();
    line.resize(len.saturating_sub(1), b' ');
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests;

//! Journal: hook payloads on disk, numbered, in segments; the oldest segment is dropped first.
//!
//! `hooks/<first sequence number>.seg` holds records: sequence number (u64), ancestry (u8) and pid
//! (u24) of the hook, time (u64, milliseconds since the Unix epoch), length (u32), payload; numbers
//! are big-endian. Ancestry 0 means unknown.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bytes::{Buf, Bytes};

use crate::{ancestry::Ancestry, segment};
use wxcode_protocol::holder::frame::MAX_HOOK;

/// Most bytes of all segments together.
const MAX_BYTES: u64 = 16 << 20; // 16 MiB
/// Bytes of a full segment; a new segment follows.
const SEGMENT: u64 = 2 << 20; // 2 MiB
const HEADER: usize = 24;
const FOLDER: &str = "hooks";

/// A hook payload in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRecord {
    /// Counts up from 1.
    pub seq: u64,
    /// The process that reported the payload.
    pub pid: i32,
    /// The depth of the process below the agent's process at that time.
    pub ancestry: Ancestry,
    /// The time, in milliseconds since the Unix epoch.
    pub at_ms: u64,
    pub payload: Bytes,
}

/// Reads the payloads with sequence numbers from `since` on, oldest first, also of an ended
/// session. At most 16 MiB.
///
/// # Errors
/// A segment cannot be read.
pub fn hooks_since(dir: &Path, since: u64) -> io::Result<Vec<HookRecord>> {
    let folder = dir.join(FOLDER);
    let firsts = segment::firsts(&folder)?;
    let mut records = Vec::new();
    for (n, first) in firsts.iter().enumerate() {
        if firsts.get(n + 1).is_some_and(|next| *next <= since) {
            continue;
        }
        let file = File::open(segment::path(&folder, *first))?;
        let (mut at, mut expected) = (0, *first);
        // An unfinished or invalid record ends its segment.
        while let Ok((record, next)) = read_record(&file, at)
            && record.seq == expected
        {
            (at, expected) = (next, expected.wrapping_add(1));
            if record.seq >= since {
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// The journal of the holder, for writing and reading.
pub(crate) struct Journal {
    folder: PathBuf,
    segments: VecDeque<Segment>,
    writing: Option<File>,
    /// The segment read last, kept open.
    reading: Option<(u64, File)>,
    next_seq: u64,
}

struct Segment {
    first: u64,
    len: u64,
}

/// A reader's position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    seq: u64,
    /// The segment read last, and the position in it.
    at: (u64, u64),
}

impl Cursor {
    pub(crate) fn from(seq: u64) -> Self {
        Self { seq, at: (0, 0) }
    }

    /// The number of the next record.
    pub(crate) fn seq(self) -> u64 {
        self.seq
    }
}

impl Journal {
    /// Creates the empty journal of a session's folder; creates no file before the first record.
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            folder: dir.join(FOLDER),
            segments: VecDeque::new(),
            writing: None,
            reading: None,
            next_seq: 1,
        }
    }

    /// Creates an empty journal with the first number `next_seq`.
    pub(crate) fn from(dir: &Path, next_seq: u64) -> Self {
        Self {
            next_seq,
            ..Self::new(dir)
        }
    }

    /// Opens the journal of an earlier program in a session's folder, to continue it at `next_seq`
    /// or later.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub(crate) fn continued(dir: &Path, next_seq: u64) -> io::Result<Self> {
        let mut journal = Self::new(dir);
        for first in segment::firsts(&journal.folder)? {
            let file = File::options()
                .read(true)
                .append(true)
                .open(segment::path(&journal.folder, first))?;
            let mut len = 0;
            journal.next_seq = first;
            while let Ok((record, next)) = read_record(&file, len)
                && record.seq == journal.next_seq
            {
                (len, journal.next_seq) = (next, journal.next_seq + 1);
            }
            file.set_len(len)?; // no unfinished record stays
            journal.segments.push_back(Segment { first, len });
            journal.writing = Some(file);
        }
        if journal.next_seq < next_seq {
            journal.next_seq = next_seq;
            journal.writing = None;
        }
        Ok(journal)
    }

    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Appends a payload and returns its number.
    pub(crate) fn append(
        &mut self,
        pid: i32,
        ancestry: Ancestry,
        payload: &[u8],
    ) -> io::Result<u64> {
        let record = HEADER as u64 + payload.len() as u64;
        if self.writing.is_none() || self.segments.back().is_none_or(|last| last.len >= SEGMENT) {
            self.begin_segment()?;
        }
        while self.segments.len() > 1
            && self.segments.iter().map(|s| s.len).sum::<u64>() + record > MAX_BYTES
        {
            self.drop_oldest();
        }
        let seq = self.next_seq;
        let mut bytes = Vec::with_capacity(record as usize);
        bytes.extend(seq.to_be_bytes());
        bytes.extend(wxcode_protocol::pack(ancestry, pid).to_be_bytes());
        bytes.extend((jiff::Timestamp::now().as_millisecond() as u64).to_be_bytes());
        bytes.extend((payload.len() as u32).to_be_bytes());
        bytes.extend_from_slice(payload);
        let (Some(file), Some(last)) = (&mut self.writing, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        if let Err(error) = file.write_all(&bytes) {
            let _ = file.set_len(last.len); // no unfinished record stays
            return Err(error);
        }
        last.len += record;
        self.next_seq += 1;
        Ok(seq)
    }

    /// The next record of a reader; `None` at the end.
    pub(crate) fn next(&mut self, cursor: &mut Cursor) -> io::Result<Option<HookRecord>> {
        loop {
            if cursor.seq >= self.next_seq {
                return Ok(None);
            }
            let holding = self.segments.iter().rev().find(|s| s.first <= cursor.seq);
            let Some(segment) = holding.or(self.segments.front()) else {
                return Ok(None);
            };
            if cursor.at.0 != segment.first {
                cursor.at = (segment.first, 0);
            }
            if self
                .reading
                .as_ref()
                .is_none_or(|(n, _)| *n != segment.first)
            {
                let file = File::open(segment::path(&self.folder, segment.first))?;
                self.reading = Some((segment.first, file));
            }
            let Some((_, file)) = &self.reading else {
                return Ok(None);
            };
            let (record, next) = read_record(file, cursor.at.1)?;
            cursor.at.1 = next;
            if record.seq >= cursor.seq {
                cursor.seq = record.seq + 1;
                return Ok(Some(record));
            }
        }
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.folder)?;
        let file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(segment::path(&self.folder, self.next_seq))?;
        file.set_len(0)?;
        self.writing = Some(file);
        if self
            .segments
            .back()
            .is_none_or(|s| s.first != self.next_seq)
        {
            let first = self.next_seq;
            self.segments.push_back(Segment { first, len: 0 });
        }
        Ok(())
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.segments.pop_front() {
            let _ = fs::remove_file(segment::path(&self.folder, oldest.first));
        }
    }
}

/// The record at a position of a segment, and the next position.
fn read_record(file: &File, at: u64) -> io::Result<(HookRecord, u64)> {
    let mut header = [0; HEADER];
    file.read_exact_at(&mut header, at)?;
    let mut fields = &header[..];
    let (seq, reporter, at_ms) = (fields.get_u64(), fields.get_u32(), fields.get_u64());
    let len = fields.get_u32() as usize;
    if len > MAX_HOOK {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = vec![0; len];
    file.read_exact_at(&mut payload, at + HEADER as u64)?;
    let (ancestry, pid) = wxcode_protocol::unpack(reporter);
    let record = HookRecord {
        seq,
        pid,
        ancestry,
        at_ms,
        payload: payload.into(),
    };
    Ok((record, at + (HEADER + len) as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_from_any_number() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(dir.path());
        for n in 1..=5u8 {
            let ancestry = Ancestry::Below(n);
            assert_eq!(journal.append(7, ancestry, &[n; 3]).unwrap(), u64::from(n));
        }
        let mut cursor = Cursor::from(3);
        for n in 3..=5u8 {
            let record = journal.next(&mut cursor).unwrap().unwrap();
            assert_eq!((record.seq, record.pid), (u64::from(n), 7));
            assert_eq!(record.ancestry, Ancestry::Below(n));
            assert_eq!(&record.payload[..], &[n; 3]);
        }
        assert_eq!(journal.next(&mut cursor).unwrap(), None);
        assert_eq!(journal.append(7, Ancestry::Foreign, b"more").unwrap(), 6);
        assert_eq!(journal.next(&mut cursor).unwrap().unwrap().seq, 6);
        assert_eq!(hooks_since(dir.path(), 5).unwrap().len(), 2);
    }

    #[test]
    fn another_process_continues_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = Journal::continued(dir.path(), 1).unwrap();
        assert_eq!(fresh.next_seq(), 1);
        let mut journal = Journal::new(dir.path());
        for n in 1..=6 {
            let payload = vec![n; 700 << 10];
            let ancestry = Ancestry::Below(n);
            assert_eq!(
                journal.append(7, ancestry, &payload).unwrap(),
                u64::from(n),
                "two segments"
            );
        }
        let held = hooks_since(dir.path(), 0).unwrap();
        // An unfinished record is dropped.
        let newest = *segment::firsts(&journal.folder).unwrap().last().unwrap();
        let path = segment::path(&journal.folder, newest);
        let mut torn = File::options().append(true).open(path).unwrap();
        torn.write_all(b"half of a record").unwrap();
        let mut next = Journal::continued(dir.path(), 7).unwrap();
        assert_eq!(next.next_seq(), 7);
        assert_eq!(next.append(8, Ancestry::Unknown, b"more").unwrap(), 7);
        let now = hooks_since(dir.path(), 0).unwrap();
        assert_eq!((&now[..6], now.len()), (&held[..], 7));
        // No number is given twice, after any loss.
        assert_eq!(Journal::continued(dir.path(), 20).unwrap().next_seq(), 20);
    }

    #[test]
    fn old_records_are_dropped_at_the_bound() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = Journal::new(dir.path());
        for _ in 0..40 {
            journal
                .append(1, Ancestry::Unknown, &vec![b'x'; 1 << 20])
                .unwrap();
        }
        let held: u64 = fs::read_dir(dir.path().join(FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(held <= MAX_BYTES, "{held}");
        let first = journal.next(&mut Cursor::from(1)).unwrap().unwrap().seq;
        assert!((20..40).contains(&first), "{first}");
        let kept = hooks_since(dir.path(), 0).unwrap();
        assert_eq!((kept[0].seq, kept[kept.len() - 1].seq), (first, 40));
    }
}

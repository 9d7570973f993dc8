//! Writes a log: batches into segments, dropping the oldest, until a write fails.

use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use wxcode_terminal::Size;

use super::{
    MAX_BYTES, MAX_SEGMENT,
    format::{FOLDER, MAGIC, segments},
    record::{MAX_PAYLOAD, Record, What, encode_output},
};
use crate::folder::Exit;
use crate::segment;

/// Longest wait of a record before its writing.
pub(crate) const BATCH_TIME: Duration = Duration::from_millis(50);
/// Bytes of a full batch, written without waiting.
pub(crate) const BATCH_BYTES: usize = 64 << 10; // 64 KiB
/// Largest batch buffer kept for reuse, in bytes.
const KEPT: usize = 16 << 10; // 16 KiB

/// The writing side. A writer never fails: after the first error the writer is off and takes
/// nothing more.
pub(crate) struct Writer {
    folder: PathBuf,
    max_segment: u64,
    max_bytes: u64,
    segments: VecDeque<Segment>,
    file: Option<File>,
    batch: Vec<u8>,
    /// Offset, time and arrival of the first record of the batch.
    began: Option<(u64, u64, Instant)>,
    /// The sizes after the last written batch and after the last record.
    sizes: (Size, Size),
    off: Option<String>,
    /// Whether the writer has reported that it is off.
    reported: bool,
}

struct Segment {
    first: u64,
    len: u64,
}

impl Writer {
    /// Creates the log of a session with this beginning size; creates no file before the first
    /// batch.
    pub(crate) fn new(dir: &Path, size: Size) -> Self {
        Self::bounded(dir, size, MAX_SEGMENT, MAX_BYTES)
    }

    /// Continues the log of another program at this offset, with this size of the terminal; `off`
    /// is the reason why the other program's log was off.
    pub(crate) fn continued(dir: &Path, offset: u64, size: Size, off: Option<String>) -> Self {
        let mut log = Self::new(dir, size);
        log.reported = off.is_some();
        log.off = off;
        log.began = Some((offset, now_ms(), Instant::now()));
        if log.off.is_some() {
            log.began = None;
        } else if let Err(error) = log.reopen(dir) {
            log.turn_off(&error);
        }
        log
    }

    fn reopen(&mut self, dir: &Path) -> io::Result<()> {
        for first in segments(dir)? {
            let path = segment::path(&self.folder, first);
            let len = fs::metadata(&path)?.len();
            self.segments.push_back(Segment { first, len });
        }
        if let Some(last) = self.segments.back() {
            let path = segment::path(&self.folder, last.first);
            self.file = Some(File::options().append(true).open(path)?);
            self.began = None;
        }
        Ok(())
    }

    pub(super) fn bounded(dir: &Path, size: Size, max_segment: u64, max_bytes: u64) -> Self {
        let mut log = Self {
            folder: dir.join(FOLDER),
            max_segment,
            max_bytes,
            segments: VecDeque::new(),
            file: None,
            batch: Vec::new(),
            began: None,
            sizes: (size, size),
            off: None,
            reported: false,
        };
        // Creates the first segment, with the beginning of the session.
        log.began = Some((0, now_ms(), Instant::now()));
        log
    }

    /// Why the log is off.
    pub(crate) fn off(&self) -> Option<&str> {
        self.off.as_deref()
    }

    /// Why the log is off, reported once.
    pub(crate) fn take_failure(&mut self) -> Option<&str> {
        let new = self.off.is_some() && !std::mem::replace(&mut self.reported, self.off.is_some());
        self.off.as_deref().filter(|_| new)
    }

    /// The time of the next [`Writer::flush_when_due`].
    pub(crate) fn due(&self) -> Option<Instant> {
        self.began.map(|(.., came)| came + BATCH_TIME)
    }

    /// Takes output of the agent.
    pub(crate) fn output(&mut self, offset: u64, bytes: &[u8], now: Instant) {
        let mut at = offset;
        for part in bytes.chunks(MAX_PAYLOAD) {
            self.take(at, now, |batch, at_ms| {
                encode_output(batch, at, at_ms, part);
            });
            at += part.len() as u64;
        }
    }

    /// Takes the terminal's size from this offset on.
    pub(crate) fn resized(&mut self, offset: u64, size: Size, now: Instant) {
        self.other(offset, What::Resized(size), now);
        self.sizes.1 = size;
    }

    /// Takes the agent's end, and writes everything.
    pub(crate) fn exited(&mut self, exit: &Exit, now: Instant) {
        self.other(exit.offset, What::Exited(exit.clone()), now);
        self.flush();
    }

    fn other(&mut self, offset: u64, what: What, now: Instant) {
        self.take(offset, now, |batch, at_ms| {
            let record = Record {
                offset,
                at_ms,
                what,
            };
            record.encode(batch);
        });
    }

    fn take(&mut self, offset: u64, now: Instant, encode: impl FnOnce(&mut Vec<u8>, u64)) {
        if self.off.is_some() {
            return;
        }
        let at_ms = now_ms();
        self.began.get_or_insert((offset, at_ms, now));
        encode(&mut self.batch, at_ms);
        if self.batch.len() >= BATCH_BYTES {
            self.flush();
        }
    }

    /// Writes the batch once it has waited long enough.
    pub(crate) fn flush_when_due(&mut self, now: Instant) {
        if self.due().is_some_and(|due| now >= due) {
            self.flush();
        }
    }

    /// Writes the batch.
    pub(crate) fn flush(&mut self) {
        let Some((first, at_ms, _)) = self.began.take() else {
            return;
        };
        if let Err(error) = self.write(first, at_ms) {
            self.turn_off(&error);
        }
        self.sizes.0 = self.sizes.1;
        self.batch.clear();
        if self.batch.capacity() > KEPT || self.off.is_some() {
            self.batch = Vec::new(); // a quiet session holds no buffer
        }
    }

    fn write(&mut self, first: u64, at_ms: u64) -> io::Result<()> {
        let full = |last: &Segment| last.len >= self.max_segment;
        let begin = self.file.is_none() || self.segments.back().is_none_or(full);
        let mut head = Vec::new();
        if begin {
            head.extend_from_slice(MAGIC);
            let what = What::Resized(self.sizes.0);
            let record = Record {
                offset: first,
                at_ms,
                what,
            };
            record.encode(&mut head);
            self.begin_segment(first)?;
        }
        let more = (head.len() + self.batch.len()) as u64;
        while self.segments.len() > 1
            && self.segments.iter().map(|s| s.len).sum::<u64>() + more > self.max_bytes
        {
            self.drop_oldest();
        }
        let (Some(file), Some(last)) = (&mut self.file, self.segments.back_mut()) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        file.write_all(&head)?;
        file.write_all(&self.batch)?;
        last.len += more;
        Ok(())
    }

    fn begin_segment(&mut self, first: u64) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.folder)?;
        let file = File::options()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(segment::path(&self.folder, first))?;
        // A full segment of this name holds only sizes at this very offset, and only the newest
        // size counts.
        file.set_len(0)?;
        self.file = Some(file);
        self.segments.retain(|segment| segment.first != first);
        self.segments.push_back(Segment { first, len: 0 });
        Ok(())
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.segments.pop_front() {
            let _ = fs::remove_file(segment::path(&self.folder, oldest.first));
        }
    }

    fn turn_off(&mut self, error: &io::Error) {
        self.off = Some(format!(
            "a write failed, so the log of this session ends here ({error}); free space on the disk of the data folder for the next session"
        ));
        if let (Some(file), Some(last)) = (self.file.take(), self.segments.back()) {
            let _ = file.set_len(last.len); // no unfinished record stays
        }
        // Leaves room to record the exit and the last screen.
        if self.segments.len() > 1 {
            self.drop_oldest();
        }
    }
}

fn now_ms() -> u64 {
    jiff::Timestamp::now().as_millisecond().unsigned_abs()
}

//! A segment of an event log: a first line with the earlier state, then a line for each event.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wxcode_core::event::{Event, EventDedup};

use super::line::{self, Line};

/// Bytes of events in a segment before the next segment starts.
pub(super) const SEGMENT_MAX: u64 = 512 << 10; // 512 KiB
/// Largest readable file, in bytes: a head, [`SEGMENT_MAX`], and the event beyond that bound.
const FILE_MAX: u64 = 2 << 20; // 2 MiB
/// Bytes per read of a file.
const READ_BUFFER: usize = 16 << 10; // 16 KiB
/// Name of the first line.
const HEAD: &str = "head";

/// The first line of a segment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// The boot of the system at the segment's beginning.
    pub(super) boot: String,
    /// The published state before the segment.
    pub(super) dedup: EventDedup,
}

/// A segment as found on disk.
pub(super) struct Found {
    /// The first line; `None` for an incomplete line (its making was interrupted) or a damaged
    /// line.
    pub(super) head: Option<Head>,
    /// Number of the last event before the segment.
    pub(super) after: u64,
    /// The requested events.
    pub(super) lines: Vec<Line>,
    /// Number of the last event read, or of the last event before the segment.
    pub(super) last: u64,
    /// Bytes of the first line and of all lines read.
    pub(super) sizes: (u64, u64),
    /// Whether a whole line is damaged: the events after the line are lost.
    pub(super) is_damaged: bool,
}

/// The segment being written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    head: u64,
    len: u64,
}

/// The segments of a folder, by the number of the last event before each.
pub(super) fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let after = name.to_str().and_then(|name| name.strip_suffix(".log"));
        found.extend(after.and_then(|after| u64::from_str_radix(after, 16).ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The path of the segment after event `after`.
pub(super) fn path(dir: &Path, after: u64) -> PathBuf {
    dir.join(format!("{after:016x}.log"))
}

/// Reads a segment.
pub(super) fn read(dir: &Path, after: u64) -> io::Result<Found> {
    read_behind(dir, after, after, usize::MAX)
}

/// Reads the events of a segment after event `cursor`, up to the event that completes `max` bytes.
/// Uses memory only for its result: earlier lines are read line by line.
pub(super) fn read_behind(dir: &Path, after: u64, cursor: u64, max: usize) -> io::Result<Found> {
    let file = File::open(path(dir, after))?.take(FILE_MAX);
    let mut file = BufReader::with_capacity(READ_BUFFER, file);
    let mut found = Found {
        head: None,
        after,
        lines: Vec::new(),
        last: after,
        sizes: (0, 0),
        is_damaged: false,
    };
    let (mut piece, mut bytes) = (Vec::new(), 0);
    while bytes < max && file.read_until(b'\n', &mut piece)? > 0 {
        // A line without an end was never published.
        let Some(text) = piece.strip_suffix(b"\n") else {
            break;
        };
        if !found.take(text, cursor) {
            found.is_damaged = true;
            break;
        }
        found.sizes.1 += piece.len() as u64;
        if found.sizes.0 == 0 {
            found.sizes.0 = found.sizes.1;
        }
        if found.last > cursor {
            bytes += text.len();
        }
        piece.clear();
    }
    Ok(found)
}

impl Found {
    /// Takes the next line, and keeps a line after `cursor`; returns whether the line is the
    /// expected next event.
    fn take(&mut self, text: &[u8], cursor: u64) -> bool {
        let Some((seq, text)) = line::parse(text) else {
            return false;
        };
        if self.head.is_some() {
            let is_next = seq == self.last + 1;
            if is_next {
                self.last = seq;
                if seq > cursor {
                    self.lines.push(Line::whole(seq, text));
                }
            }
            return is_next;
        }
        let line = Line::whole(seq, text);
        if line.name() == HEAD && seq == self.after {
            self.head = serde_json::from_str(line.json()).ok();
        }
        self.head.is_some()
    }

    /// The published state at the segment's end.
    pub(super) fn dedup(&self) -> EventDedup {
        let mut dedup = self
            .head
            .as_ref()
            .map_or_else(EventDedup::default, |head| head.dedup.clone());
        let mut later = HashSet::new();
        let mut lines = Vec::new();
        for line in self.lines.iter().rev() {
            // For most events only the last of a name matters, and reading is the costly part.
            if later.insert(line.name()) || !EventDedup::is_replaced(line.name()) {
                lines.push(line);
            }
        }
        for line in lines.into_iter().rev() {
            // An unknown event of a newer server changes nothing here.
            if let Ok(event) = serde_json::from_str::<Event>(line.json()) {
                dedup.note(&event.kind);
            }
        }
        dedup
    }
}

impl Segment {
    /// Starts a segment.
    pub(super) fn begin(dir: &Path, after: u64, head: &Head) -> io::Result<Self> {
        let path = path(dir, after);
        // Removes the rest of an interrupted start.
        let file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        let mut segment = Self {
            file,
            head: 0,
            len: 0,
        };
        let json = serde_json::to_string(head).map_err(io::Error::from)?;
        if let Err(error) = segment.append(&Line::of(after, HEAD, &json)) {
            // Best effort: readers skip the file.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        segment.head = segment.len;
        Ok(segment)
    }

    /// Continues a segment as found; cuts off the rest after the last whole line.
    pub(super) fn resume(dir: &Path, found: &Found) -> io::Result<Self> {
        let file = fs::OpenOptions::new()
            .append(true)
            .open(path(dir, found.after))?;
        let (head, len) = found.sizes;
        file.set_len(len)?;
        Ok(Self { file, head, len })
    }

    /// Writes a line. After a failure nothing of the line is left, and the segment must not be
    /// continued.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.text().len() + 1);
        bytes.extend_from_slice(line.text().as_bytes());
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // Best effort: a line without an end does not count.
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Syncs the segment to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Whether the next event belongs into the next segment.
    pub(super) const fn is_full(&self) -> bool {
        self.len - self.head >= SEGMENT_MAX
    }
}

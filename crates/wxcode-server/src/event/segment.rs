//! A segment of an event log: a file whose first line says what was told before it, and then one line an event.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wxcode_core::event::{Event, Told};

use super::line::{self, Line};

/// Bytes of events that a segment takes before the next one is begun.
pub(super) const SEGMENT_MAX: u64 = 512 << 10; // 512 KiB
/// Largest file that is read: a head, [`SEGMENT_MAX`], and the event that went beyond it.
const FILE_MAX: u64 = 2 << 20; // 2 MiB
/// Bytes that are read from a file at once.
const READ_BUFFER: usize = 16 << 10; // 16 KiB
/// Name of the first line.
const HEAD: &str = "head";

/// What the first line of a segment says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    /// The start of the system under which it was begun.
    pub(super) boot: String,
    /// What was told before it.
    pub(super) told: Told,
}

/// A segment as it was found.
pub(super) struct Found {
    /// The segment's first line; `None` when it is not whole: its making was broken off, or it is damaged.
    pub(super) head: Option<Head>,
    /// Number of the last event before the segment.
    pub(super) after: u64,
    /// Its events, those that were asked for.
    pub(super) lines: Vec<Line>,
    /// Number of the last event that was read, or of the last one before the segment.
    pub(super) last: u64,
    /// Bytes of the first line and of all that were read.
    pub(super) sizes: (u64, u64),
    /// Whether a whole line is damaged: what follows it was told and is gone.
    pub(super) is_damaged: bool,
}

/// The segment that is written.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    head: u64,
    len: u64,
}

/// The segments of a folder, by the number of the last event before them.
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

/// Where the segment after event `after` is.
pub(super) fn path(dir: &Path, after: u64) -> PathBuf {
    dir.join(format!("{after:016x}.log"))
}

/// Reads a segment.
pub(super) fn read(dir: &Path, after: u64) -> io::Result<Found> {
    read_behind(dir, after, after, usize::MAX)
}

/// Reads the events of a segment behind event `cursor`, up to the one with which they are `max` bytes. What it takes in memory is what
/// it gives: those before are looked at one by one.
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
        // What has no line end was never told.
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
    /// Takes the next line in, and keeps it where it is behind `cursor`; whether it is what comes next.
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

    /// What was told up to its end.
    pub(super) fn told(&self) -> Told {
        let mut told = self
            .head
            .as_ref()
            .map_or_else(Told::default, |head| head.told.clone());
        let mut later = HashSet::new();
        let mut lines = Vec::new();
        for line in self.lines.iter().rev() {
            // Most are of those of which the last is enough, and reading is what takes time.
            if later.insert(line.name()) || !Told::is_replaced(line.name()) {
                lines.push(line);
            }
        }
        for line in lines.into_iter().rev() {
            // An event that a newer server told and this one does not know changes nothing here.
            if let Ok(event) = serde_json::from_str::<Event>(line.json()) {
                told.note(&event.kind);
            }
        }
        told
    }
}

impl Segment {
    /// Begins a segment.
    pub(super) fn begin(dir: &Path, after: u64, head: &Head) -> io::Result<Self> {
        let path = path(dir, after);
        // What a making that was broken off left behind goes.
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
            // Best effort: it is passed over when it is found.
            let _ = fs::remove_file(path);
            return Err(error);
        }
        segment.head = segment.len;
        Ok(segment)
    }

    /// Goes on with a segment as it was found; what follows its last whole line is cut off.
    pub(super) fn resume(dir: &Path, found: &Found) -> io::Result<Self> {
        let file = fs::OpenOptions::new()
            .append(true)
            .open(path(dir, found.after))?;
        let (head, len) = found.sizes;
        file.set_len(len)?;
        Ok(Self { file, head, len })
    }

    /// Writes a line. When that fails, nothing of it is left, and the segment is not to be gone on with.
    pub(super) fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.text().len() + 1);
        bytes.extend_from_slice(line.text().as_bytes());
        bytes.push(b'\n');
        if let Err(error) = self.file.write_all(&bytes) {
            // Best effort: without a line end it counts for nothing.
            let _ = self.file.set_len(self.len);
            return Err(error);
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Brings it to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Whether the next event goes into the next segment.
    pub(super) const fn is_full(&self) -> bool {
        self.len - self.head >= SEGMENT_MAX
    }
}

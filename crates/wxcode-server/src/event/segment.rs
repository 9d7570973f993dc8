//! A segment of an event log: a file whose first line says what was told before it, and then one line an event.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use wxcode_core::event::{Event, Told};

use super::line::Line;

/// Bytes of events that a segment takes before the next one is begun.
pub(super) const SEGMENT_MAX: u64 = 512 << 10; // 512 KiB
/// Largest file that is read: a head, [`SEGMENT_MAX`], and the event that went beyond it.
const FILE_MAX: u64 = 2 << 20; // 2 MiB
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
    /// Its events.
    pub(super) lines: Vec<Line>,
    /// Bytes of the first line and of all.
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
    let mut bytes = Vec::new();
    File::open(path(dir, after))?
        .take(FILE_MAX)
        .read_to_end(&mut bytes)?;
    let mut found = Found {
        head: None,
        after,
        lines: Vec::new(),
        sizes: (0, 0),
        is_damaged: false,
    };
    // What has no line end was never told.
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = piece.strip_suffix(b"\n") else {
            break;
        };
        if !found.take(Line::read(text)) {
            found.is_damaged = true;
            break;
        }
        found.sizes.1 += piece.len() as u64;
        if found.sizes.0 == 0 {
            found.sizes.0 = found.sizes.1;
        }
    }
    Ok(found)
}

impl Found {
    /// Takes the next line in; whether it is what comes next.
    fn take(&mut self, line: Option<Line>) -> bool {
        let Some(line) = line else { return false };
        if self.head.is_some() {
            let is_next = line.seq == self.last() + 1;
            if is_next {
                self.lines.push(line);
            }
            return is_next;
        }
        if line.name() == HEAD && line.seq == self.after {
            self.head = serde_json::from_str(line.json()).ok();
        }
        self.head.is_some()
    }

    /// The number of its last event, or of the last one before it.
    pub(super) fn last(&self) -> u64 {
        self.lines.last().map_or(self.after, |line| line.seq)
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

//! A project's event log on disk: written before publishing, in segments; the oldest segment is
//! dropped first.
//!
//! Numbers have no gaps while the log holds every published event. After a loss (a full disk,
//! damage, a power cut) they continue from the clock, far above every published number: a number
//! never names two events.
//!
//! Invariant: an event is written before it is published.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use wxcode_core::event::{Event, EventDedup, Kind};

use super::{
    line::Line,
    segment::{self, Head, Segment},
};

/// Segments kept; with [`segment::SEGMENT_MAX`] the log holds 3.5 to 4 MiB of events.
pub(super) const SEGMENTS_MAX: usize = 8;
/// Numbers per millisecond when numbers follow the clock; no millisecond has as many events.
const NUMBERS_PER_MS: u64 = 1 << 10;
/// A file for marking the log as complete; after a clean end the file holds the last number.
const WHOLE: &str = "whole";

/// A project's event log, for its single writer.
#[derive(Debug)]
pub(super) struct Log {
    dir: PathBuf,
    boot: String,
    /// Segments on disk, by the number of the last event before each.
    segments: Vec<u64>,
    segment: Option<Segment>,
    /// Whether every published event is on disk, from the oldest segment on.
    is_whole: bool,
    last: u64,
    pub(super) dedup: EventDedup,
}

/// The events of the log after a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// The next events, at least one.
    Lines(Vec<Line>),
    /// The log does not hold the events.
    Gone,
}

impl Log {
    /// Opens the log of a folder; the folder need not exist. Unreadable events count as lost.
    pub(super) fn open(dir: &Path) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self::open_under(dir, boot.trim())
    }

    fn open_under(dir: &Path, boot: &str) -> Self {
        let mut log = Self {
            dir: dir.to_owned(),
            boot: boot.to_owned(),
            segments: Vec::new(),
            segment: None,
            is_whole: true,
            last: 0,
            dedup: EventDedup::default(),
        };
        if let Err(error) = log.load() {
            tracing::warn!(log = %dir.display(), %error, "cannot read an event log; its clients start again with a state");
            log.leap();
        }
        log
    }

    fn load(&mut self) -> io::Result<()> {
        self.segments = segment::list(&self.dir)?;
        if self.segments.is_empty() {
            return Ok(());
        }
        let mut is_damaged = false;
        while let Some(newest) = self.segments.last().copied() {
            let found = segment::read(&self.dir, newest)?;
            is_damaged |= found.is_damaged;
            self.last = self.last.max(found.last);
            let Some(head) = &found.head else {
                fs::remove_file(segment::path(&self.dir, newest))?;
                self.segments.pop();
                continue;
            };
            self.dedup = found.dedup();
            // A killed server lost nothing; a machine without power may have.
            let is_same_start = head.boot == self.boot;
            let marked = fs::read_to_string(self.dir.join(WHOLE)).ok();
            let ended = marked
                .as_ref()
                .is_some_and(|mark| *mark == self.last.to_string());
            if is_damaged || !(is_same_start && marked.is_some() || ended) {
                break;
            }
            if is_same_start {
                self.segment = Some(Segment::resume(&self.dir, &found)?);
                self.mark(None)?;
            }
            return Ok(());
        }
        if is_damaged || self.last > 0 || !self.segments.is_empty() {
            self.leap();
        }
        Ok(())
    }

    /// Published events may be missing here: the numbers continue above them.
    fn leap(&mut self) {
        self.is_whole = false;
        let ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        self.last = (self.last + 1).max(ms * NUMBERS_PER_MS);
    }

    /// Continues above every number that another node can have published.
    pub(super) fn restart(&mut self) {
        self.leap();
        if let Err(error) = self.begin() {
            tracing::warn!(log = %self.dir.display(), %error, "cannot begin an event log anew; its next event tries again");
        }
    }

    /// Whether no event was ever published.
    pub(super) fn is_new(&self) -> bool {
        self.last == 0
    }

    /// The number of the last event.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// The readable segments.
    pub(super) fn segments(&self) -> &[u64] {
        if self.is_whole { &self.segments } else { &[] }
    }

    /// Appends an event, if new. The caller publishes the event even if writing failed.
    pub(super) fn append(&mut self, kind: Kind, at: Timestamp) -> Option<Line> {
        if !self.dedup.is_new(&kind) {
            return None;
        }
        let event = Event {
            seq: self.last + 1,
            at,
            kind,
            cut: false,
        };
        let line = Line::new(&event);
        if let Err(error) = self.write(&line) {
            if self.is_whole {
                tracing::warn!(log = %self.dir.display(), %error, "cannot write an event log: its events are published but not kept; check free space and permissions");
            }
            self.is_whole = false;
            // Removing a file needs no space.
            let _ = fs::remove_file(self.dir.join(WHOLE));
        }
        self.dedup.note(&event.kind);
        self.last = event.seq;
        Some(line)
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        if !self.is_whole || self.segment.as_ref().is_none_or(Segment::is_full) {
            self.begin()?;
        }
        match &mut self.segment {
            Some(segment) => segment.append(line),
            None => Ok(()),
        }
    }

    /// Starts the next segment; after a gap the segment becomes the first.
    fn begin(&mut self) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)?;
        let head = Head {
            boot: self.boot.clone(),
            dedup: self.dedup.clone(),
        };
        let segment = Segment::begin(&self.dir, self.last, &head)?;
        let kept = if self.is_whole { SEGMENTS_MAX - 1 } else { 0 };
        let old = self.segments.len().saturating_sub(kept);
        for after in self.segments.drain(..old) {
            if after != self.last {
                // Best effort: the segment is no longer read, and the next opening looks for it
                // again.
                let _ = fs::remove_file(segment::path(&self.dir, after));
            }
        }
        self.segments.push(self.last);
        self.segment = Some(segment);
        // Only now: the earlier content is gone.
        self.mark(None)?;
        self.is_whole = true;
        Ok(())
    }

    /// Syncs everything to the disk, and notes the clean end for the machine's next start.
    pub(super) fn close(&mut self) -> io::Result<()> {
        if self.is_whole
            && let Some(segment) = &self.segment
        {
            segment.sync()?;
            self.mark(Some(self.last))?;
        }
        Ok(())
    }

    /// Marks the log as complete, with the number of the last synced event.
    fn mark(&self, ended: Option<u64>) -> io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.dir.join(WHOLE))?;
        match ended {
            Some(last) => {
                file.write_all(last.to_string().as_bytes())?;
                file.sync_all()
            }
            None => Ok(()),
        }
    }
}

/// Reads the events after event `cursor`, about `max` bytes.
pub(super) fn read_after(dir: &Path, segments: &[u64], cursor: u64, max: usize) -> Read {
    let Some(after) = segments.iter().rev().find(|after| **after <= cursor) else {
        return Read::Gone;
    };
    // A segment dropped meanwhile reads as unreadable.
    let Ok(segment::Found { lines, .. }) = segment::read_behind(dir, *after, cursor, max) else {
        return Read::Gone;
    };
    match lines.first() {
        Some(first) if first.seq == cursor + 1 => Read::Lines(lines),
        _ => Read::Gone,
    }
}

#[cfg(test)]
mod tests;

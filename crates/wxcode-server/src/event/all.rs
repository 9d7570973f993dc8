//! The events of all projects in a single stream: numbered again, in memory, within a bound.
//!
//! Numbers begin at the server's clock, far above the numbers of an earlier server. So a position
//! from an earlier server counts as unknown.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use jiff::Timestamp;
use tokio::sync::watch;
use wxcode_core::id::Id;

use super::line::Line;
use crate::sync::lock;

/// Bytes of the newest events of all projects kept for followers.
const KEPT_MAX: usize = 1 << 20; // 1 MiB
/// Bytes of events for a reader at a time; a single event may exceed this number.
const BATCH_MAX: usize = 64 << 10; // 64 KiB
/// Numbers for each millisecond of the clock; no millisecond has as many events.
const NUMBERS_PER_MS: u64 = 1 << 10;

/// An event of a project, with its number among the events of all projects.
#[derive(Debug, Clone)]
pub(crate) struct AllLine {
    pub(crate) seq: u64,
    pub(crate) project: Id,
    pub(crate) line: Line,
}

/// The events after a cursor.
#[derive(Debug)]
pub(crate) enum AllBatch {
    /// The next events; none when there is no newer event.
    Lines(Vec<AllLine>),
    /// The events are no longer kept, or never existed.
    Gone,
}

/// The newest events of all projects. A reader is a number without a queue.
#[derive(Debug)]
pub(crate) struct AllFeed {
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Kept {
    lines: VecDeque<AllLine>,
    bytes: usize,
    /// The number before the first kept event.
    before: u64,
    last: u64,
}

impl AllFeed {
    /// A stream that begins now.
    pub(crate) fn new(now: Timestamp) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let last = millis.saturating_mul(NUMBERS_PER_MS);
        Self {
            kept: Mutex::new(Kept {
                lines: VecDeque::new(),
                bytes: 0,
                before: last,
                last,
            }),
            newest: watch::Sender::new(last),
        }
    }

    /// Adds a published event of a project.
    pub(crate) fn add(&self, project: Id, line: Line) {
        let mut kept = self.lock();
        kept.last += 1;
        let seq = kept.last;
        kept.bytes += line.json().len();
        kept.lines.push_back(AllLine { seq, project, line });
        while kept.bytes > KEPT_MAX && kept.lines.len() > 1 {
            if let Some(old) = kept.lines.pop_front() {
                kept.bytes -= old.line.json().len();
                kept.before = old.seq;
            }
        }
        self.newest.send_replace(seq);
    }

    /// Makes every position so far unknown: events passed unseen.
    pub(crate) fn gap(&self) {
        let mut kept = self.lock();
        kept.lines.clear();
        kept.bytes = 0;
        kept.last += 1;
        kept.before = kept.last;
        self.newest.send_replace(kept.last);
    }

    /// The number of the newest event.
    pub(crate) fn newest(&self) -> u64 {
        self.lock().last
    }

    /// Wakes on a newer event.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The events after event `cursor`.
    pub(crate) fn after(&self, cursor: u64) -> AllBatch {
        let kept = self.lock();
        if cursor < kept.before || cursor > kept.last {
            return AllBatch::Gone;
        }
        let skip = usize::try_from(cursor - kept.before).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let lines = kept.lines.iter().skip(skip).take_while(|line| {
            let has_room = bytes < BATCH_MAX;
            bytes += line.line.json().len();
            has_room
        });
        AllBatch::Lines(lines.cloned().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(seq: u64) -> Line {
        let text = "x".repeat(1_000);
        Line::of(seq, "agent.state", &format!("{{\"text\":\"{text}\"}}"))
    }

    fn numbers(batch: AllBatch) -> Option<Vec<u64>> {
        match batch {
            AllBatch::Lines(lines) => Some(lines.iter().map(|line| line.seq).collect()),
            AllBatch::Gone => None,
        }
    }

    #[test]
    fn readers_get_the_kept_events_or_learn_of_the_loss() {
        let feed = AllFeed::new(Timestamp::now());
        let start = feed.newest();
        assert_eq!(numbers(feed.after(start)), Some(vec![]));
        assert_eq!(numbers(feed.after(start + 1)), None);
        assert_eq!(numbers(feed.after(0)), None);
        let project = Id::from_bytes([1; 12]);
        (1..=10).for_each(|seq| feed.add(project, line(seq)));
        let all = (start + 4..=start + 10).collect();
        assert_eq!(numbers(feed.after(start + 3)), Some(all));
        (11..=3_000).for_each(|seq| feed.add(project, line(seq)));
        assert_eq!(numbers(feed.after(start)), None);
        assert!(feed.lock().bytes <= KEPT_MAX);
        let mut cursor = start + 2_500;
        while cursor < feed.newest() {
            let next = numbers(feed.after(cursor)).unwrap();
            assert_eq!(next[0], cursor + 1);
            assert!(next.len() <= BATCH_MAX / 1_000 + 1, "{}", next.len());
            cursor += next.len() as u64;
        }
        assert_eq!(cursor, start + 3_000);
        feed.gap();
        assert_eq!(numbers(feed.after(cursor)), None);
        cursor = feed.newest();
        feed.add(project, line(1));
        assert_eq!(numbers(feed.after(cursor)), Some(vec![cursor + 1]));
    }
}

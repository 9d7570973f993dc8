//! A project's events: published singly, read by cursor.
//!
//! Invariant: a client of events is a number, never a queue. The client gets exactly the events
//! after its number, or a reset.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wxcode_core::{
    event::{EventDedup, Kind, Reached},
    id::Id,
    project::OutputProject,
    time::to_millis,
};

use super::{
    all::AllFeed,
    line::Line,
    log::{self, Log, Read},
    segment,
};
use crate::{disk::on_disk, metric::Metrics, sync::lock};

/// Bytes of the newest events kept in memory for followers.
const TAIL_MAX: usize = 64 << 10; // 64 KiB
/// Bytes of events for a reader at a time; a single event may exceed this number.
const BATCH_MAX: usize = 64 << 10; // 64 KiB

/// A project's events. A reader is a number without a queue, and wakes when a larger number exists.
#[derive(Debug)]
pub(crate) struct Feed {
    dir: PathBuf,
    metrics: Metrics,
    kept: Mutex<Option<Kept>>,
    newest: watch::Sender<u64>,
    closed: CancellationToken,
    /// The time of the newest event, in milliseconds since 1970; 0 while unknown.
    last_at: AtomicI64,
    /// The project, and the stream of all projects.
    all: Option<(Id, Arc<AllFeed>)>,
}

#[derive(Debug)]
struct Kept {
    log: Log,
    tail: VecDeque<Line>,
    tail_bytes: usize,
}

/// The events after a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// The next events; none when there is no newer event.
    Lines(Vec<Line>),
    /// The log no longer holds the events, or they never existed.
    Gone,
}

impl Feed {
    /// Opens the events with their log in `dir`; reads nothing yet.
    pub(super) fn new(dir: PathBuf, metrics: Metrics) -> Self {
        Self {
            dir,
            metrics,
            kept: Mutex::new(None),
            newest: watch::Sender::new(0),
            closed: CancellationToken::new(),
            last_at: AtomicI64::new(0),
            all: None,
        }
    }

    /// The same feed, with its events also in the stream of all projects.
    pub(super) fn within(mut self, project: Id, all: Arc<AllFeed>) -> Self {
        self.all = Some((project, all));
        self
    }

    /// The time of the newest event; before the first event, blocks for a look at the disk.
    pub(super) fn last_time(&self) -> Option<Timestamp> {
        let mut millis = self.last_at.load(Ordering::Relaxed);
        if millis == 0 {
            let modified = segment::list(&self.dir).ok().and_then(|segments| {
                let newest = segments.last()?;
                let path = segment::path(&self.dir, *newest);
                path.metadata().ok()?.modified().ok()
            });
            millis = modified
                .and_then(|at| Timestamp::try_from(at).ok())
                .map_or(-1, Timestamp::as_millisecond);
            let _ = self
                .last_at
                .compare_exchange(0, millis, Ordering::Relaxed, Ordering::Relaxed);
        }
        (millis > 0)
            .then(|| Timestamp::from_millisecond(millis).ok())
            .flatten()
    }

    /// Publishes an event if new. The event's statement must already hold for every reader.
    pub(crate) fn publish(&self, kind: Kind) {
        self.publish_with(kind, || ());
    }

    /// Publishes an event whose statement `set` makes true. The event is logged before `set` runs:
    /// a server that dies in between leaves no unpublished end. No reader gets the event before
    /// `set` has returned. `set` always runs; `set` must neither wait nor publish.
    pub(crate) fn publish_with(&self, kind: Kind, set: impl FnOnce()) {
        if self.closed.is_cancelled() {
            return set();
        }
        let name = kind.name();
        on_disk(|| {
            self.with(|kept| {
                let is_new = kept.keep(kind);
                // Under the lock that every reader takes.
                set();
                if is_new {
                    self.metrics.published(name);
                    self.newest.send_replace(kept.log.last());
                    let now = Timestamp::now().as_millisecond();
                    self.last_at.store(now, Ordering::Relaxed);
                    if let (Some((project, all)), Some(line)) = (&self.all, kept.tail.back()) {
                        all.add(*project, line.clone());
                    }
                }
            });
        });
    }

    /// The metrics of the feed's events.
    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Publishes the new events among several.
    pub(crate) fn publish_all(&self, kinds: impl IntoIterator<Item = Kind>) {
        let mut kinds = kinds.into_iter().peekable();
        if kinds.peek().is_some() {
            on_disk(|| kinds.for_each(|kind| self.publish(kind)));
        }
    }

    /// Publishes the unpublished changes of a project's conversation.
    pub(crate) fn publish_conversations(&self, project: &OutputProject) {
        self.publish_all(self.dedup(|dedup| dedup.conversations(project)));
    }

    /// The number of the newest event.
    pub(crate) fn newest(&self) -> u64 {
        self.with(|kept| kept.log.last())
    }

    /// Wakes on a newer event.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Cancelled when the project is gone.
    pub(crate) const fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// The last hook of a session up to which everything is published.
    pub(crate) fn reached(&self, session: Id) -> Reached {
        self.dedup(|dedup| dedup.reached(session))
    }

    /// The events after event `cursor`.
    pub(crate) async fn after(&self, cursor: u64) -> Batch {
        let (dir, segments) = {
            let found = self.with(|kept| {
                let batch = kept.after(cursor);
                batch.ok_or_else(|| kept.log.segments().to_vec())
            });
            match found {
                Ok(batch) => return batch,
                Err(segments) => (self.dir.clone(), segments),
            }
        };
        let read = move || log::read_after(&dir, &segments, cursor, BATCH_MAX);
        match tokio::task::spawn_blocking(read).await {
            Ok(Read::Lines(lines)) => Batch::Lines(lines),
            Ok(Read::Gone) | Err(_) => Batch::Gone,
        }
    }

    /// Reads, or corrects, the last published state.
    pub(crate) fn dedup<T>(&self, look: impl FnOnce(&mut EventDedup) -> T) -> T {
        self.with(|kept| look(&mut kept.log.dedup))
    }

    /// Whether no event was ever published.
    pub(super) fn is_new(&self) -> bool {
        self.with(|kept| kept.log.is_new())
    }

    /// Makes every position so far unknown, because another node published events of the project.
    pub(crate) fn restart(&self) {
        on_disk(|| {
            let mut guard = self.lock();
            let kept = self.open(&mut guard);
            kept.log.restart();
            kept.tail.clear();
            kept.tail_bytes = 0;
            self.newest.send_replace(kept.log.last());
        });
    }

    /// Syncs published events to the disk.
    pub(super) fn settle(&self) {
        on_disk(|| {
            let mut guard = self.lock();
            if let Some(kept) = &mut *guard
                && let Err(error) = kept.log.close()
            {
                tracing::warn!(log = %self.dir.display(), %error, "could not sync an event log to the disk");
            }
        });
    }

    /// Ends publishing and following.
    pub(super) fn close(&self) {
        on_disk(|| {
            // Under the lock, so that no writer is active.
            let _guard = self.lock();
            self.closed.cancel();
        });
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        lock(&self.kept)
    }

    fn open<'a>(&self, guard: &'a mut MutexGuard<'_, Option<Kept>>) -> &'a mut Kept {
        guard.get_or_insert_with(|| {
            let log = Log::open(&self.dir);
            let attached = log.dedup.clients();
            let mut kept = Kept {
                log,
                tail: VecDeque::new(),
                tail_bytes: 0,
            };
            // Clients of the previous server are no longer attached.
            for left in attached {
                kept.keep(left);
            }
            self.newest.send_replace(kept.log.last());
            kept
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        // Mostly no writer is active, and the log is open: then nothing waits for the disk.
        if let Ok(mut guard) = self.kept.try_lock()
            && let Some(kept) = &mut *guard
        {
            return act(kept);
        }
        on_disk(|| {
            let mut guard = self.lock();
            act(self.open(&mut guard))
        })
    }
}

impl Kept {
    /// Keeps an event; returns whether the event was new.
    fn keep(&mut self, kind: Kind) -> bool {
        let Some(line) = self.log.append(kind, to_millis(Timestamp::now())) else {
            return false;
        };
        self.tail_bytes += line.text().len();
        self.tail.push_back(line);
        while self.tail_bytes > TAIL_MAX && self.tail.len() > 1 {
            let old = self.tail.pop_front();
            self.tail_bytes -= old.map_or(0, |line| line.text().len());
        }
        true
    }

    /// Events after `cursor` in memory; `None` when the events are on disk, if anywhere.
    fn after(&self, cursor: u64) -> Option<Batch> {
        let last = self.log.last();
        if cursor == last {
            return Some(Batch::Lines(Vec::new()));
        }
        if cursor > last {
            return Some(Batch::Gone);
        }
        let first = self.tail.front()?.seq;
        if cursor + 1 < first {
            return None;
        }
        // The tail has no gaps: the next event is here.
        let skip = usize::try_from(cursor + 1 - first).ok()?;
        let mut bytes = 0;
        let lines = self.tail.iter().skip(skip).take_while(|line| {
            let has_room = bytes < BATCH_MAX;
            bytes += line.text().len();
            has_room
        });
        Some(Batch::Lines(lines.cloned().collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn joined(client: u64) -> Kind {
        Kind::ClientJoined {
            session_id: Id::from_bytes([1; 12]),
            client,
            read_only: false,
        }
    }

    /// The numbers of all events after `cursor`; `None` when the events are gone.
    async fn rest(feed: &Feed, mut cursor: u64) -> Option<Vec<u64>> {
        let mut all = Vec::new();
        loop {
            match feed.after(cursor).await {
                Batch::Gone => return None,
                Batch::Lines(lines) if lines.is_empty() => return Some(all),
                Batch::Lines(lines) => all.extend(lines.iter().map(|line| line.seq)),
            }
            cursor = *all.last()?;
        }
    }

    #[tokio::test]
    async fn memory_and_disk_form_one_log() {
        let temp = tempfile::tempdir().unwrap();
        let feed = Feed::new(temp.path().join("p"), Metrics::default());
        let newest = feed.watch();
        assert_eq!(rest(&feed, 0).await, Some(vec![]));
        // More than the memory holds.
        (1..=1_000).for_each(|n| feed.publish(joined(n)));
        assert_eq!(*newest.borrow(), 1_000);
        let kept = feed.with(|kept| (kept.tail.len(), kept.tail_bytes));
        assert!(kept.0 < 1_000 && kept.1 <= TAIL_MAX, "{kept:?}");
        let first = feed.with(|kept| kept.tail[0].seq);
        for cursor in [0, 1, first - 2, first - 1, first, 999, 1_000] {
            let all = (cursor + 1..=1_000).collect();
            assert_eq!(rest(&feed, cursor).await, Some(all), "{cursor}");
        }
        assert_eq!(rest(&feed, 1_001).await, None);
        // A new server: the thousand earlier clients are not attached.
        let after = Feed::new(temp.path().join("p"), Metrics::default());
        assert_eq!(after.newest(), 2_000);
        assert_eq!(rest(&after, 998).await, Some((999..=2_000).collect()));
        assert_eq!(
            Feed::new(temp.path().join("p"), Metrics::default()).newest(),
            2_000
        );
    }

    #[tokio::test]
    async fn unwritable_logs_publish_from_memory() {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("p"), "no folder").unwrap();
        let feed = Feed::new(temp.path().join("p"), Metrics::default());
        let start = feed.newest();
        (1..=1_000).for_each(|n| feed.publish(joined(n)));
        assert_eq!(
            rest(&feed, start + 998).await,
            Some(vec![start + 999, start + 1_000])
        );
        assert_eq!(rest(&feed, start).await, None);
        fs::remove_file(temp.path().join("p")).unwrap();
        feed.publish(joined(1_001));
        let after = Feed::new(temp.path().join("p"), Metrics::default());
        let all = rest(&after, start + 1_000).await.unwrap();
        assert_eq!((all[0], all.len()), (start + 1_001, 1_002));
        assert_eq!(rest(&after, start + 999).await, None);
    }

    #[tokio::test]
    async fn closed_feeds_publish_and_leave_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let feed = Feed::new(temp.path().join("p"), Metrics::default());
        feed.close();
        feed.publish(joined(1));
        assert!(feed.closed().is_cancelled() && !temp.path().join("p").exists());
    }
}

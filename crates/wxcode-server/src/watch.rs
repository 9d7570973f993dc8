//! Watches folders with a single inotify instance, and wakes a folder's reader on a change.
//!
//! A reader must not rely on it alone: the system may give no instance or too few watches, and some
//! file systems report nothing.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, eventfd, poll},
    fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags},
    io::Errno,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::sync::lock;

/// Most watched folders of one reader; changes in further folders are found at its next look.
pub(crate) const FOLDERS_MAX: usize = 1_000;
/// Bytes of the system's reports per read.
const READ: usize = 16 << 10; // 16 KiB

/// The watched folders of all readers.
#[derive(Debug)]
pub(crate) struct Watches {
    /// `None` when the system gives no inotify instance.
    inotify: Option<OwnedFd>,
    table: Mutex<HashMap<i32, Vec<Watcher>>>,
    has_said: AtomicBool,
}

/// The readers to wake on a change in a folder; several readers may share a folder.
#[derive(Debug)]
struct Watcher {
    part: Part,
    /// Identifies the reader.
    bell: Arc<Notify>,
}

/// The watched part of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Only the folder's existence, and its entry `.planning`: the workspace.
    Planning,
    /// Only the transcript of this conversation, and the folder with its other files.
    Conversation(Uuid),
    /// Everything in a folder with other files of a conversation.
    Side,
    /// Everything in a folder of plans.
    All,
}

impl Part {
    /// Whether an entry with this name belongs to the part.
    fn has(self, name: &[u8]) -> bool {
        match self {
            Self::Planning => name == b".planning",
            Self::Conversation(id) => {
                let mut text = Uuid::encode_buffer();
                let id = id.hyphenated().encode_lower(&mut text);
                let rest = name.strip_prefix(id.as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest == b".jsonl")
            }
            Self::Side | Self::All => true,
        }
    }
}

impl Watches {
    /// Starts without folders, and notices changes until the server closes.
    pub(crate) fn start(closing: CancellationToken) -> Arc<Self> {
        let watches = Arc::new(Self::new());
        tokio::spawn(Arc::clone(&watches).run(closing));
        watches
    }

    /// Starts without folders. Changes are noticed while [`Self::run`] runs.
    fn new() -> Self {
        let (inotify, error) = match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Ok(inotify) => (Some(inotify), None),
            Err(error) => (None, Some(error)),
        };
        let watches = Self {
            inotify,
            table: Mutex::default(),
            has_said: AtomicBool::new(false),
        };
        if let Some(error) = error {
            watches.say(error.into());
        }
        watches
    }

    /// Wakes readers until the server closes.
    async fn run(self: Arc<Self>, closing: CancellationToken) {
        let Ok(end) = eventfd(0, EventfdFlags::CLOEXEC).map(Arc::new) else {
            return;
        };
        let ended = Arc::clone(&end);
        // A separate thread, because the thread waits for a descriptor other than a socket.
        let thread = thread::Builder::new().name("watch".to_owned());
        if let Err(error) = thread.spawn(move || self.read(&ended)) {
            tracing::warn!(%error, "cannot watch folders: their changes are found by looks alone");
            return;
        }
        closing.cancelled().await;
        // Only a full counter refuses the write, and a full counter wakes too.
        let _ = rustix::io::write(&end, &1_u64.to_ne_bytes());
    }

    /// Reads the system's reports until `end` is readable.
    fn read(&self, end: &OwnedFd) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = vec![MaybeUninit::uninit(); READ];
        let mut reader = Reader::new(inotify, &mut buffer);
        loop {
            match reader.next() {
                Ok(event) => {
                    let name = event.file_name().map(|name| name.to_bytes());
                    self.ring(event.wd(), event.events(), name);
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [
                        PollFd::new(inotify, PollFlags::IN),
                        PollFd::new(end, PollFlags::IN),
                    ];
                    let polled = poll(&mut fds, None);
                    let is_over = polled.is_err_and(|error| error != Errno::INTR)
                        || fds[1].revents().contains(PollFlags::IN);
                    if is_over {
                        return;
                    }
                }
                Err(error) => return self.say(error.into()),
            }
        }
    }

    fn ring(&self, wd: i32, what: ReadFlags, name: Option<&[u8]>) {
        let mut table = self.table();
        if what.contains(ReadFlags::QUEUE_OVERFLOW) {
            // Reports were lost: any folder may have changed.
            table
                .values()
                .flatten()
                .for_each(|watcher| watcher.bell.notify_one());
            return;
        }
        for watcher in table.get(&wd).into_iter().flatten() {
            if name.is_none_or(|name| watcher.part.has(name)) {
                watcher.bell.notify_one();
            }
        }
        if what.contains(ReadFlags::IGNORED) {
            table.remove(&wd);
        }
    }

    /// Watches a folder for a project; returns the number of the watch.
    fn add(&self, folder: &Path, part: Part, tree: &Tree) -> io::Result<i32> {
        let Some(inotify) = &self.inotify else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let entries = WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        // Added to another project's watch of the same folder.
        let mut flags = entries | WatchFlags::ONLYDIR | WatchFlags::MASK_ADD;
        match part {
            Part::Planning => {}
            Part::Conversation(_) | Part::Side => flags |= WatchFlags::MODIFY,
            Part::All => flags |= WatchFlags::MODIFY | WatchFlags::ATTRIB,
        }
        // Held meanwhile, so an immediate report finds its reader.
        let mut table = self.table();
        let wd = inotify::add_watch(inotify, folder, flags)?;
        let watchers = table.entry(wd).or_default();
        if !watchers
            .iter()
            .any(|watcher| watcher.part == part && Arc::ptr_eq(&watcher.bell, &tree.bell))
        {
            watchers.push(Watcher {
                part,
                bell: Arc::clone(&tree.bell),
            });
        }
        Ok(wd)
    }

    fn remove(&self, wd: i32, bell: &Arc<Notify>) {
        let mut table = self.table();
        let Some(watchers) = table.get_mut(&wd) else {
            return;
        };
        watchers.retain(|watcher| !Arc::ptr_eq(&watcher.bell, bell));
        if watchers.is_empty() {
            table.remove(&wd);
            if let Some(inotify) = &self.inotify {
                // The folder may be gone, together with the watch.
                let _ = inotify::remove_watch(inotify, wd);
            }
        }
    }

    /// The number of folders watched for plans.
    pub(crate) fn planning_folders(&self) -> usize {
        let is_of_plans = |watcher: &Watcher| matches!(watcher.part, Part::Planning | Part::All);
        let table = self.table();
        let folders = table.values();
        folders
            .filter(|watchers| watchers.iter().any(is_of_plans))
            .count()
    }

    /// Logs once why some folders are unwatched.
    fn say(&self, error: io::Error) {
        if !self.has_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %error,
                "not all folders of plans and of transcripts can be watched: changes there are noticed when the agent \
                 does something, or within 2 s; raise fs.inotify.max_user_watches or max_user_instances if this is \
                 their limit"
            );
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<i32, Vec<Watcher>>> {
        lock(&self.table)
    }
}

/// The watched folders of one reader.
#[derive(Debug)]
pub(crate) struct Tree {
    watches: Arc<Watches>,
    bell: Arc<Notify>,
    watched: BTreeSet<i32>,
    /// Watches of the listing in progress.
    entered: BTreeSet<i32>,
    max: usize,
}

impl Tree {
    pub(crate) const fn new(watches: Arc<Watches>, bell: Arc<Notify>) -> Self {
        Self {
            watches,
            bell,
            watched: BTreeSet::new(),
            entered: BTreeSet::new(),
            max: FOLDERS_MAX,
        }
    }

    /// Watches a folder before its listing; returns whether watching was possible.
    pub(crate) fn enter(&mut self, folder: &Path, part: Part) -> bool {
        if self.entered.len() >= self.max {
            self.watches.say(io::Error::other(format!(
                "one reader has more than {} folders",
                self.max
            )));
            return false;
        }
        match self.watches.add(folder, part, self) {
            Ok(wd) => {
                self.entered.insert(wd);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                self.watches.say(error);
                false
            }
        }
    }

    /// The listing is complete: drops the watches of other folders.
    pub(crate) fn settle(&mut self) {
        let entered = std::mem::take(&mut self.entered);
        for wd in self.watched.difference(&entered) {
            self.watches.remove(*wd, &self.bell);
        }
        self.watched = entered;
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        for wd in self.watched.union(&self.entered) {
            self.watches.remove(*wd, &self.bell);
        }
    }
}

#[cfg(test)]
mod tests;

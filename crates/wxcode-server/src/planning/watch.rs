//! Watches folders of projects with a single inotify instance, and wakes a project's reader on a
//! change.

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

use crate::sync::lock;

/// Most watched folders of a project; changes in further folders are found when the agent's hooks
/// wake the reader.
pub(super) const FOLDERS_MAX: usize = 1_000;
/// Bytes of the system's reports per read.
const READ: usize = 16 << 10; // 16 KiB

/// The watched folders of all projects.
#[derive(Debug)]
pub(super) struct Watches {
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
pub(super) enum Part {
    /// Only the folder's existence, and its entry `.planning`: the workspace.
    Planning,
    /// Everything in the folder.
    All,
}

impl Watches {
    /// Starts without folders. Changes are noticed while [`Self::run`] runs.
    pub(super) fn new() -> Self {
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
    pub(super) async fn run(self: Arc<Self>, closing: CancellationToken) {
        let Ok(end) = eventfd(0, EventfdFlags::CLOEXEC).map(Arc::new) else {
            return;
        };
        let ended = Arc::clone(&end);
        // A separate thread, because the thread waits for a descriptor other than a socket.
        let thread = thread::Builder::new().name("planning".to_owned());
        if let Err(error) = thread.spawn(move || self.read(&ended)) {
            tracing::warn!(%error, "cannot watch planning folders");
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
            if watcher.part == Part::All || name.is_none_or(|name| name == b".planning") {
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
        if part == Part::All {
            flags |= WatchFlags::MODIFY | WatchFlags::ATTRIB;
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

    /// The number of watched folders.
    pub(super) fn count(&self) -> usize {
        self.table().len()
    }

    /// Logs once why some folders are unwatched.
    fn say(&self, error: io::Error) {
        if !self.has_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %error,
                "not all planning folders can be watched: changes there are noticed when the agent does something; \
                 raise fs.inotify.max_user_watches or max_user_instances if this is their limit"
            );
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<i32, Vec<Watcher>>> {
        lock(&self.table)
    }
}

/// The watched folders of a project.
#[derive(Debug)]
pub(super) struct Tree {
    watches: Arc<Watches>,
    bell: Arc<Notify>,
    watched: BTreeSet<i32>,
    /// Watches of the listing in progress.
    entered: BTreeSet<i32>,
    max: usize,
}

impl Tree {
    pub(super) const fn new(watches: Arc<Watches>, bell: Arc<Notify>) -> Self {
        Self {
            watches,
            bell,
            watched: BTreeSet::new(),
            entered: BTreeSet::new(),
            max: FOLDERS_MAX,
        }
    }

    /// Watches a folder before its listing; returns whether watching was possible.
    pub(super) fn enter(&mut self, folder: &Path, part: Part) -> bool {
        if self.entered.len() >= self.max {
            self.watches.say(io::Error::other(format!(
                "a project has more than {} planning folders",
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
    pub(super) fn settle(&mut self) {
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
mod tests {
    use std::{fs, time::Duration};

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    struct Place {
        watches: Arc<Watches>,
        tree: Tree,
        bell: Arc<Notify>,
        closing: CancellationToken,
    }

    fn place(max: usize) -> Place {
        let watches = Arc::new(Watches::new());
        let closing = CancellationToken::new();
        tokio::spawn(Arc::clone(&watches).run(closing.clone()));
        let bell = Arc::new(Notify::new());
        let mut tree = Tree::new(Arc::clone(&watches), Arc::clone(&bell));
        tree.max = max;
        Place {
            watches,
            tree,
            bell,
            closing,
        }
    }

    impl Place {
        async fn rings(&self) {
            let rung = timeout(PATIENCE, self.bell.notified()).await;
            rung.expect("the bell rings");
        }
    }

    #[tokio::test]
    async fn only_planning_changes_notify() {
        let temp = tempfile::tempdir().unwrap();
        let mut place = place(9);
        assert!(place.tree.enter(temp.path(), Part::Planning));
        place.tree.settle();
        fs::write(temp.path().join("README.md"), "a").unwrap();
        let planning = temp.path().join(".planning");
        fs::create_dir(&planning).unwrap();
        place.rings().await;
        assert!(place.tree.enter(temp.path(), Part::Planning));
        assert!(place.tree.enter(&planning, Part::All));
        place.tree.settle();
        fs::write(planning.join("STATE.md"), "a").unwrap();
        place.rings().await;
        fs::remove_dir_all(&planning).unwrap();
        place.rings().await;
        // The watch of a deleted folder is gone too.
        place.tree.enter(temp.path(), Part::Planning);
        place.tree.settle();
        assert_eq!(place.watches.table().len(), 1);
        let (watches, tree) = (Arc::clone(&place.watches), place.tree);
        drop(tree);
        assert!(watches.table().is_empty());
        place.closing.cancel();
    }

    #[tokio::test]
    async fn watches_stop_at_the_bound() {
        let temp = tempfile::tempdir().unwrap();
        let mut place = place(1);
        fs::create_dir(temp.path().join("a")).unwrap();
        assert!(place.tree.enter(temp.path(), Part::All));
        assert!(!place.watches.has_said.load(Ordering::Relaxed));
        assert!(!place.tree.enter(&temp.path().join("a"), Part::All));
        assert!(place.watches.has_said.load(Ordering::Relaxed));
        place.closing.cancel();
    }

    #[tokio::test]
    async fn shared_folders_notify_both_projects() {
        let temp = tempfile::tempdir().unwrap();
        let mut place = place(9);
        let other_bell = Arc::new(Notify::new());
        let mut other = Tree::new(Arc::clone(&place.watches), Arc::clone(&other_bell));
        assert!(place.tree.enter(temp.path(), Part::All));
        assert!(other.enter(temp.path(), Part::Planning));
        fs::create_dir(temp.path().join(".planning")).unwrap();
        place.rings().await;
        timeout(PATIENCE, other_bell.notified()).await.unwrap();
        drop(other);
        fs::write(temp.path().join("x"), "").unwrap();
        place.rings().await;
        place.closing.cancel();
    }
}

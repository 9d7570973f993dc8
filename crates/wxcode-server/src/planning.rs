//! Watches `.planning/`, publishes changes of its content, and attributes the files to milestones.
//!
//! The server watches a project while the project's session runs or a client follows its events. On
//! request the server reads `.planning/` without a watch.
//!
//! The milestone of an entry is a function of the entry's time of creation and of the project's
//! events. The file of the attribution spares a second reading of the events.

mod credits;
mod look;
mod progress;
mod record;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use wxcode_claude::planning::Progress;
use wxcode_core::{event::Event, id::Id, milestone::MilestoneStatus, work::Work};
use wxcode_files::{FileError, Folder, off_thread};
use wxcode_store::{PAGE_MAX, Page};

pub(crate) use self::credits::Credits;
use self::{look::Look, progress::ProgressCache, record::Record};
use crate::{
    event::{Batch, Events, Feed},
    repository::Repository,
    sync::lock,
    watch::{Part, Tree, Watches},
};

/// Quiet time before changes are read, so that many changes make a single event.
const QUIET: Duration = Duration::from_millis(100);
/// Longest delay of a read under endless changes.
const STORM: Duration = Duration::from_secs(1);
/// Pause between two looks for a missing workspace.
const RETRY: Duration = Duration::from_secs(5);
/// Most unread events about milestones; beyond this number the server reads the events early,
/// before the log drops them.
const UNREAD_MAX: u64 = 1_000;

/// The planning folders of all projects.
#[derive(Clone)]
pub(crate) struct Planning(Arc<Inner>);

struct Inner {
    /// `<data-dir>/planning`.
    root: PathBuf,
    store: Repository,
    events: Events,
    watches: Arc<Watches>,
    closing: CancellationToken,
    places: Mutex<HashMap<Id, Arc<Place>>>,
    progress: Arc<ProgressCache>,
}

/// The planning of a project.
struct Place {
    project: Id,
    /// The file of the attribution, locked during a write or a deletion.
    file: Arc<Mutex<PathBuf>>,
    /// Held during a read; the attribution, once loaded.
    record: tokio::sync::Mutex<Option<Record>>,
    /// The running watch, if any.
    watch: Mutex<Weak<Attention>>,
    /// Cancelled when the project is gone.
    gone: CancellationToken,
}

/// Keeps a project's planning watched while it lives.
pub(crate) struct Attention {
    bell: Arc<Notify>,
    /// Ends the watch.
    end: CancellationToken,
    _end: DropGuard,
}

impl Attention {
    /// Wakes when files may have changed.
    pub(crate) fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.bell)
    }
}

impl Planning {
    /// Starts without a watch; ends with `closing`.
    pub(crate) fn new(
        root: PathBuf,
        store: Repository,
        events: Events,
        closing: CancellationToken,
    ) -> Self {
        let watches = Watches::start(closing.clone());
        Self(Arc::new(Inner {
            root,
            store,
            events,
            watches,
            closing,
            places: Mutex::default(),
            progress: Arc::default(),
        }))
    }

    /// Watches a project's planning while the returned guard lives. Publishes unwatched changes at
    /// once.
    pub(crate) fn attend(&self, project: Id, workspace: &Path) -> Arc<Attention> {
        let place = self.place(project);
        let mut watch = lock(&place.watch);
        if let Some(attention) = watch.upgrade() {
            return attention;
        }
        let end = place.gone.child_token();
        let attention = Arc::new(Attention {
            bell: Arc::new(Notify::new()),
            end: end.clone(),
            _end: end.clone().drop_guard(),
        });
        *watch = Arc::downgrade(&attention);
        let (bell, workspace) = (attention.bell(), workspace.to_owned());
        let following = self
            .clone()
            .follow(Arc::clone(&place), workspace, bell, end.clone());
        let closing = self.0.closing.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = following => {}
                () = end.cancelled() => {}
                () = closing.cancelled() => {}
            }
        });
        drop(watch);
        attention
    }

    /// The project moved: the watch of the old folder ends. The next call of [`Self::attend`]
    /// watches the new folder.
    pub(crate) fn leave(&self, project: Id) {
        let place = self.place(project);
        let left = std::mem::take(&mut *lock(&place.watch));
        if let Some(attention) = left.upgrade() {
            attention.end.cancel();
        }
    }

    /// Reads now and publishes changes; returns the attribution.
    ///
    /// # Errors
    /// When `.planning/` cannot be listed.
    pub(crate) async fn look(&self, project: Id, workspace: &Path) -> Result<Credits, FileError> {
        let place = self.place(project);
        self.take(&place, workspace, None).await
    }

    /// The progress of projects at the last reading. Missing or old progress is read soon, in the
    /// background: the next call shows the new progress.
    pub(crate) fn progress(&self, projects: Vec<(Id, PathBuf)>) -> HashMap<Id, Progress> {
        self.0.progress.show(projects, &self.0.closing)
    }

    /// The watched folders, for other readers.
    pub(crate) fn watches(&self) -> Arc<Watches> {
        Arc::clone(&self.0.watches)
    }

    /// The number of watched folders.
    pub(crate) fn watched(&self) -> usize {
        self.0.watches.planning_folders()
    }

    /// Forgets a deleted project and removes the project's file; returns whether the file is gone.
    pub(crate) fn forget(&self, project: Id) -> bool {
        self.0.progress.forget(project);
        let place = lock(&self.0.places).remove(&project);
        if let Some(place) = &place {
            place.gone.cancel();
        }
        // An earlier write ends first, and no write follows.
        let _unwritten = place.as_ref().map(|place| lock(&place.file));
        match fs::remove_file(self.file(project)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%project, %error, "could not delete the planning record of a deleted project");
                false
            }
            Ok(()) | Err(_) => true,
        }
    }

    fn file(&self, project: Id) -> PathBuf {
        self.0.root.join(format!("{project}.json"))
    }

    fn place(&self, project: Id) -> Arc<Place> {
        let mut places = lock(&self.0.places);
        let place = places.entry(project).or_insert_with(|| {
            Arc::new(Place {
                project,
                file: Arc::new(Mutex::new(self.file(project))),
                record: tokio::sync::Mutex::new(None),
                watch: Mutex::default(),
                gone: CancellationToken::new(),
            })
        });
        Arc::clone(place)
    }

    /// Reads again after each wake-up.
    async fn follow(
        self,
        place: Arc<Place>,
        workspace: PathBuf,
        bell: Arc<Notify>,
        end: CancellationToken,
    ) {
        let tree = Tree::new(Arc::clone(&self.0.watches), Arc::clone(&bell));
        // Shared with the look, because a look may hang.
        let tree = Arc::new(Mutex::new(tree));
        while !end.is_cancelled() {
            let retry = match self.take(&place, &workspace, Some(&tree)).await {
                Ok(_) => None,
                Err(error) => {
                    tracing::debug!(project = %place.project, %error, "cannot read the planning files");
                    Some(Instant::now() + RETRY)
                }
            };
            tokio::select! {
                () = bell.notified() => settle(&bell).await,
                () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => {}
            }
        }
    }

    /// Reads the files, updates the watches of `tree`, and takes the entries in.
    async fn take(
        &self,
        place: &Place,
        workspace: &Path,
        tree: Option<&Arc<Mutex<Tree>>>,
    ) -> Result<Credits, FileError> {
        let mut record = place.record.lock().await;
        let known = match record.take() {
            Some(known) => known,
            None => read_record(place).await?,
        };
        let known = record.insert(known);
        // Before reading, so that entries made meanwhile are not older than this time.
        let now = Timestamp::now();
        let (path, tree) = (workspace.to_owned(), tree.cloned());
        let looked = off_thread(workspace, move || examine(&path, tree.as_deref())).await?;
        let feed = self.0.events.current(place.project).await;
        self.credit(place, &feed, known, &looked, now).await;
        feed.publish(looked.kind);
        Ok(Credits::of(known))
    }

    /// Updates the attribution for new and deleted entries.
    async fn credit(
        &self,
        place: &Place,
        feed: &Feed,
        record: &mut Record,
        looked: &Look,
        now: Timestamp,
    ) {
        let differs = record.differs(&looked.found) || record.is_undecided();
        if !differs {
            record.refresh(&looked.found);
        }
        if differs || feed.newest().saturating_sub(record.seq) > UNREAD_MAX {
            self.catch_up(place.project, feed, record).await;
            record.take_in(&looked.found, now);
            record.looked(now);
            if let Err(error) = keep(place, record).await {
                tracing::warn!(project = %place.project, %error, "could not save the attribution of planning files; the next change saves it");
            }
        }
    }

    /// Reads from the events, from the last position on, which milestone was in work when.
    async fn catch_up(&self, project: Id, feed: &Feed, record: &mut Record) {
        loop {
            match feed.after(record.seq).await {
                Batch::Lines(lines) if lines.is_empty() => return,
                Batch::Lines(lines) => {
                    for line in lines {
                        record.seq = line.seq;
                        if matches!(line.name(), "delivery.state" | "milestone.status")
                            && let Ok(event) = serde_json::from_str::<Event>(line.json())
                        {
                            record.work.note(&event.kind, event.at);
                        }
                    }
                }
                Batch::Gone => {
                    record.seq = feed.newest();
                    let page = Page {
                        skip: 0,
                        limit: PAGE_MAX,
                    };
                    let status = Some(MilestoneStatus::InProgress);
                    match self.0.store.milestones(project, status, page).await {
                        Ok(listing) => {
                            let all = listing.items.into_iter();
                            let all: Vec<_> = all.map(|listed| listed.record).collect();
                            record.work = Work::of(&all);
                        }
                        Err(error) => {
                            tracing::warn!(%project, %error, "the milestone in work is unknown until the store answers");
                        }
                    }
                    return;
                }
            }
        }
    }
}

/// Reads a workspace; watches each folder before listing it.
fn examine(workspace: &Path, tree: Option<&Mutex<Tree>>) -> Result<Look, FileError> {
    // A temporarily missing workspace keeps its attribution.
    let workspace = Folder::open(workspace)?;
    let Some(tree) = tree else {
        return look::look(&workspace, |_| {});
    };
    let mut tree = lock(tree);
    tree.enter(&workspace.magic(), Part::Planning);
    let looked = look::look(&workspace, |folder| {
        tree.enter(&folder.magic(), Part::All);
    });
    tree.settle();
    looked
}

/// Reads the record from the data folder.
async fn read_record(place: &Place) -> Result<Record, FileError> {
    let file = lock(&place.file).clone();
    let read = tokio::task::spawn_blocking(move || Record::read(&file)).await;
    read.map_err(|error| FileError::Io {
        action: "read",
        path: lock(&place.file).clone(),
        source: io::Error::other(error),
    })
}

/// Writes the attribution of a project, unless the project is deleted.
async fn keep(place: &Place, record: &Record) -> io::Result<()> {
    let (record, file) = (record.clone(), Arc::clone(&place.file));
    let gone = place.gone.clone();
    let written = tokio::task::spawn_blocking(move || {
        let file = lock(&file);
        if gone.is_cancelled() {
            return Ok(());
        }
        record.write(&file)
    });
    written.await.map_err(io::Error::other)?
}

/// Waits until changes pause.
async fn settle(bell: &Notify) {
    let last = Instant::now() + STORM;
    loop {
        let quiet = (Instant::now() + QUIET).min(last);
        if timeout_at(quiet, bell.notified()).await.is_err() {
            return;
        }
        if Instant::now() >= last {
            return;
        }
    }
}

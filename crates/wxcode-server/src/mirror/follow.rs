//! Follows the current conversation of a project for as long as its agent lives.
//!
//! The system's reports of changes wake the follower; a look at an interval finds what was not
//! reported.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_files::{FileError, Folder, Links, off_thread};

use super::{
    Mirror,
    bound::{self, BOUND},
    file::{Budget, FileCopy, Reached},
    kept,
    locate::{self, Place},
    looks::{Look, Looks},
    shared,
};
use crate::{
    repository::Repository,
    watch::{Part, Tree},
};

/// Longest pause between two looks at a conversation, for changes that were not reported.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// Shortest pause before a look for a reported change.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);
/// Most bytes read in one step, off the serving threads.
pub(crate) const STEP_MAX: u64 = 32 << 20; // 32 MiB
/// Longest time of one step, but for its last line: well below the deadline for foreign files.
pub(crate) const STEP_TIME: Duration = Duration::from_secs(2);
/// Most older conversations that one look copies.
const OLDER_MAX: usize = 100;
/// All project folders are searched at each of these looks, while the transcript is not found.
const SEARCH_EVERY: u32 = 2;

/// Copies a project's current conversation.
pub(crate) struct Follower {
    mirror: Mirror,
    store: Repository,
    project: Id,
    config_dir: PathBuf,
    /// The current conversation.
    current: Option<Conversation>,
    /// Older conversations that were copied.
    older: HashSet<Uuid>,
    /// The removals of the project's copies before the last look for the current conversation.
    removals: u64,
    /// Wakes on changes of the conversation's files.
    bell: Arc<Notify>,
    /// Whether a problem was reported; further ones are not.
    is_reported: bool,
    /// The project's record at the last look.
    records: watch::Sender<Option<OutputProject>>,
}

impl Follower {
    pub(crate) fn new(mirror: Mirror, store: Repository, project: Id, config_dir: PathBuf) -> Self {
        Self {
            mirror,
            store,
            project,
            config_dir,
            current: None,
            older: HashSet::new(),
            removals: 0,
            bell: Arc::default(),
            is_reported: false,
            records: watch::Sender::new(None),
        }
    }

    /// The project's record at each look, for readers that spare the store.
    pub(crate) fn records(&self) -> watch::Receiver<Option<OutputProject>> {
        self.records.subscribe()
    }

    /// Copies until the agent has ended, and once more then; or until the server closes.
    pub(crate) async fn run(mut self, ended: impl Future<Output = ()>, closing: CancellationToken) {
        let looks = Looks::new(POLL, ended, closing);
        let mut looks = looks.woken_by(Arc::clone(&self.bell), PAUSE);
        while let Some(look) = looks.next().await {
            match look {
                Look::Due | Look::Last => self.look().await,
                Look::Woken => {
                    self.copy_news().await;
                }
            }
        }
    }

    /// Copies the news of the current conversation, and of one that has just been left.
    async fn look(&mut self) {
        self.removals = *self.mirror.lock(self.project).await;
        let record = self.store.project(self.project).await;
        if let Ok(Some(record)) = &record {
            self.records.send_replace(Some(record.clone()));
        }
        let record = match record {
            Ok(Some(record)) if !record.settings.is_mirrored() => {
                self.current = None;
                if self.mirror.project(self.project).exists() {
                    self.mirror.remove(self.project).await;
                }
                return;
            }
            Ok(Some(record)) => Some(record),
            Ok(None) => return,
            // The last known conversation goes on.
            Err(_) => None,
        };
        if let Some(record) = record {
            let id = record.claude_session_id;
            let place = id.map(|id| Place::of(&record, id, &self.config_dir));
            let is_left = match (&self.current, &place) {
                (Some(current), Some(place)) => current.place.id != place.id,
                (Some(_), None) => true,
                (None, _) => false,
            };
            if is_left {
                self.copy().await;
                if let Some(left) = self.current.take() {
                    self.older.insert(left.place.id);
                }
            }
            self.copy_older(&record).await;
            match (&mut self.current, place) {
                (Some(current), Some(place)) => current.place = place,
                (None, Some(place)) => {
                    self.current = Some(self.conversation(place));
                }
                (_, None) => {}
            }
        }
        self.copy().await;
    }

    /// Copies conversations that no look has seen as the current one: older ones without a copy, and
    /// those between two looks.
    async fn copy_older(&mut self, record: &OutputProject) {
        let history = record.claude_session_history.iter().rev();
        let others =
            history.filter(|entry| entry.spoke && Some(entry.id) != record.claude_session_id);
        let unseen = others.filter(|entry| self.older.insert(entry.id));
        let unseen: Vec<Uuid> = unseen.map(|entry| entry.id).take(OLDER_MAX).collect();
        let current = self.current.take();
        for (number, id) in unseen.into_iter().enumerate() {
            // The last one may have grown since its copy.
            if number > 0 && self.mirror.conversation(self.project, id).exists() {
                continue;
            }
            // Another node may have copied more of it.
            self.mirror.fetch(self.project, id, true).await;
            let place = Place::of(record, id, &self.config_dir);
            self.current = Some(self.conversation(place));
            if !self.copy().await {
                break;
            }
        }
        self.current = current;
    }

    fn conversation(&self, place: Place) -> Conversation {
        Conversation::new(place, self.mirror.clone(), self.project, &self.bell)
    }

    /// Copies the news of the conversation; then publishes them for other nodes. Returns whether
    /// its files could be read.
    async fn copy(&mut self) -> bool {
        let is_copied = self.copy_news().await;
        let Some(current) = &self.current else {
            return is_copied;
        };
        let pushed = self.mirror.push(self.project, current.place.id).await;
        if let Err(error) = pushed
            && !self.is_reported
        {
            self.is_reported = true;
            tracing::warn!(project = %self.project, %error, "cannot publish the copy of the conversation; trying again (further failures are not logged)");
        }
        is_copied
    }

    /// Copies the news of the conversation, unless the copies were removed since the last look for
    /// it; returns whether its files could be read.
    async fn copy_news(&mut self) -> bool {
        loop {
            let Some(mut current) = self.current.take() else {
                return true;
            };
            let again = self.conversation(current.place.clone());
            let alone = self.mirror.lock(self.project).await;
            if *alone != self.removals {
                return true;
            }
            let stepped = off_thread(&self.config_dir, move || {
                let more = current.step()?;
                Ok::<_, FileError>((current, more))
            })
            .await;
            drop(alone);
            match stepped {
                Ok((current, more)) => {
                    self.current = Some(current);
                    if !more {
                        return true;
                    }
                }
                Err(error) => {
                    self.current = Some(again);
                    if !self.is_reported {
                        self.is_reported = true;
                        tracing::warn!(project = %self.project, %error, "cannot copy the conversation; trying again (further failures are not logged)");
                    }
                    return false;
                }
            }
        }
    }
}

/// A conversation with its copy.
struct Conversation {
    place: Place,
    mirror: Mirror,
    project: Id,
    /// The folder of its copy.
    copy: PathBuf,
    /// The watches of its folders.
    tree: Tree,
    /// The states of its files, by their paths in the copy.
    files: HashMap<PathBuf, FileCopy>,
    /// Looks without a transcript.
    missed: u32,
    /// Whether the bound was reached and nothing can be dropped.
    is_full: bool,
}

impl Conversation {
    fn new(place: Place, mirror: Mirror, project: Id, bell: &Arc<Notify>) -> Self {
        Self {
            copy: mirror.conversation(project, place.id),
            tree: Tree::new(Arc::clone(&mirror.0.watches), Arc::clone(bell)),
            place,
            mirror,
            project,
            files: HashMap::new(),
            missed: 0,
            is_full: false,
        }
    }

    /// Copies the news of all files, at most [`STEP_MAX`] bytes; returns whether there is more.
    /// Blocks.
    fn step(&mut self) -> Result<bool, FileError> {
        let thorough = self.missed % SEARCH_EVERY == SEARCH_EVERY - 1;
        let Some(folder) = self.place.open(thorough)? else {
            self.missed = self.missed.wrapping_add(1);
            return Ok(false);
        };
        self.missed = 0;
        let mut budget = None;
        let files = locate::files(&folder, self.place.id);
        self.watch(&folder, files.iter().map(|(below, _)| below.as_path()));
        for (below, name) in files {
            let mut file = match folder.file(&below, Links::Beneath) {
                Err(error) if error.is_missing() => continue,
                file => file?.reader(u64::MAX).into_inner(),
            };
            let copy = self.copy.join(&name);
            let failed = |source| FileError::Io {
                action: "copy",
                path: folder.path().join(&below),
                source,
            };
            let state = self.files.entry(name).or_default();
            let metadata = file.metadata().map_err(failed)?;
            if self.is_full || state.is_fresh(&metadata) {
                continue;
            }
            let budget = budget.get_or_insert_with(|| Budget {
                bytes: STEP_MAX,
                until: Instant::now() + STEP_TIME,
                room: BOUND.saturating_sub(self.mirror.size(self.project)),
            });
            let stepped = state.step(&mut file, &copy, budget);
            self.mirror.changed(self.project);
            let reached = stepped.map_err(failed)?;
            let damage = std::mem::take(&mut state.damage);
            kept::note_damage(&self.copy, self.place.id, damage).map_err(failed)?;
            match reached {
                Reached::End => {}
                Reached::Budget => return Ok(true),
                Reached::Full => return self.make_room(),
            }
        }
        Ok(false)
    }

    /// Watches the folders of the conversation's files.
    fn watch<'a>(&mut self, folder: &Folder, files: impl Iterator<Item = &'a Path>) {
        let own = PathBuf::from(self.place.id.to_string());
        let mut side: Vec<&Path> = files.filter_map(Path::parent).collect();
        // The folder of the transcript itself has other conversations too.
        side.retain(|parent| !parent.as_os_str().is_empty());
        side.push(&own);
        side.sort_unstable();
        side.dedup();
        let part = Part::Conversation(self.place.id);
        if self.tree.enter(folder.path(), part) {
            for below in side {
                self.tree.enter(&folder.path().join(below), Part::Side);
            }
        }
        self.tree.settle();
    }

    /// Drops old tool results; returns whether copying can go on.
    fn make_room(&mut self) -> Result<bool, FileError> {
        let project = self.mirror.project(self.project);
        let failed = |action| {
            let path = project.clone();
            move |source| FileError::Io {
                action,
                path,
                source,
            }
        };
        let dropped = bound::drop_tool_results(&project).map_err(failed("shorten"))?;
        let paths = dropped.iter().map(|(path, ..)| path.clone());
        shared::note_rewritten(&project, paths).map_err(failed("note"))?;
        let bytes = dropped
            .iter()
            .map(|(_, before, after)| before - after)
            .sum();
        kept::note_dropped(&project, bytes).map_err(failed("note"))?;
        self.mirror.changed(self.project);
        for (path, before, after) in &dropped {
            let state = path
                .strip_prefix(&self.copy)
                .ok()
                .and_then(|name| self.files.get_mut(name));
            if let Some(state) = state.filter(|state| state.copied == *before) {
                state.shortened(*after);
            }
        }
        if dropped.is_empty() {
            self.is_full = true;
            tracing::warn!(folder = %project.display(), bytes = BOUND, "the copy of the conversations is full, and has no tool results left to drop; it grows no further");
        }
        Ok(!self.is_full)
    }
}

//! Follows the current conversation of a project for as long as its agent lives.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use wxcode_core::{id::Id, project::OutputProject};
use wxcode_files::{FileError, Links, off_thread};

use super::{
    Mirror,
    bound::{self, BOUND},
    file::{Budget, FileCopy, Reached},
    kept,
    locate::{self, Place},
    looks::Looks,
    shared,
};
use crate::repository::Repository;

/// Pause between two looks at a conversation.
pub(crate) const POLL: Duration = Duration::from_secs(2);
/// Most bytes read in one step, off the serving threads.
pub(crate) const STEP_MAX: u64 = 32 << 20; // 32 MiB
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
        let mut looks = Looks::new(POLL, ended, closing);
        while looks.next().await.is_some() {
            self.look().await;
        }
    }

    /// Copies the news of the current conversation, and of one that has just been left.
    async fn look(&mut self) {
        let removals = *self.mirror.lock(self.project).await;
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
                self.copy(removals).await;
                self.current = None;
            }
            match (&mut self.current, place) {
                (Some(current), Some(place)) => current.place = place,
                (None, Some(place)) => {
                    let copy = self.mirror.conversation(self.project, place.id);
                    let project = self.mirror.project(self.project);
                    self.current = Some(Conversation::new(place, copy, project));
                }
                (_, None) => {}
            }
        }
        self.copy(removals).await;
    }

    /// Copies the news of the conversation, unless the copies were removed since; then publishes
    /// them for other nodes.
    async fn copy(&mut self, removals: u64) {
        self.copy_news(removals).await;
        let Some(current) = &self.current else {
            return;
        };
        let pushed = self.mirror.push(self.project, current.place.id).await;
        if let Err(error) = pushed
            && !self.is_reported
        {
            self.is_reported = true;
            tracing::warn!(project = %self.project, %error, "cannot publish the copy of the conversation; trying again (further failures are not logged)");
        }
    }

    async fn copy_news(&mut self, removals: u64) {
        loop {
            let Some(mut current) = self.current.take() else {
                return;
            };
            let again = Conversation::new(
                current.place.clone(),
                current.copy.clone(),
                current.project.clone(),
            );
            let alone = self.mirror.lock(self.project).await;
            if *alone != removals {
                return;
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
                        return;
                    }
                }
                Err(error) => {
                    self.current = Some(again);
                    if !self.is_reported {
                        self.is_reported = true;
                        tracing::warn!(project = %self.project, %error, "cannot copy the conversation; trying again (further failures are not logged)");
                    }
                    return;
                }
            }
        }
    }
}

/// A conversation with its copy.
struct Conversation {
    place: Place,
    /// The folder of its copy.
    copy: PathBuf,
    /// The folder of the project's copies.
    project: PathBuf,
    /// The states of its files, by their paths in the copy.
    files: HashMap<PathBuf, FileCopy>,
    /// Looks without a transcript.
    missed: u32,
    /// Whether the bound was reached and nothing can be dropped.
    is_full: bool,
}

impl Conversation {
    fn new(place: Place, copy: PathBuf, project: PathBuf) -> Self {
        Self {
            place,
            copy,
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
        for (below, name) in locate::files(&folder, self.place.id) {
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
                room: BOUND.saturating_sub(bound::kept(&self.project)),
            });
            let reached = state.step(&mut file, &copy, budget).map_err(failed)?;
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

    /// Drops old tool results; returns whether copying can go on.
    fn make_room(&mut self) -> Result<bool, FileError> {
        let dropped = bound::drop_tool_results(&self.project).map_err(|source| FileError::Io {
            action: "shorten",
            path: self.project.clone(),
            source,
        })?;
        let paths = dropped.iter().map(|(path, ..)| path.clone());
        shared::note_rewritten(&self.project, paths).map_err(|source| FileError::Io {
            action: "note",
            path: self.project.clone(),
            source,
        })?;
        let bytes = dropped
            .iter()
            .map(|(_, before, after)| before - after)
            .sum();
        kept::note_dropped(&self.project, bytes).map_err(|source| FileError::Io {
            action: "note",
            path: self.project.clone(),
            source,
        })?;
        for (path, before, after) in &dropped {
            let state = path
                .strip_prefix(&self.copy)
                .ok()
                .and_then(|name| self.files.get_mut(name));
            if let Some(state) = state.filter(|state| state.copied == *before) {
                state.copied = *after;
            }
        }
        if dropped.is_empty() {
            self.is_full = true;
            tracing::warn!(folder = %self.project.display(), bytes = BOUND, "the copy of the conversations is full, and has no tool results left to drop; it grows no further");
        }
        Ok(!self.is_full)
    }
}

//! Copies conversations into the data folder as they grow, and writes lost transcripts anew.
//!
//! `<data-dir>/conversations/<project id>/<claude session id>/` holds the copy of one conversation:
//! `<claude session id>.jsonl`, and the files of subagents with their paths below the transcript's
//! own folder (`subagents/agent-….jsonl`). A copy is appended to, whole lines only.
//!
//! Invariant: a project's lock is held by each writer of its copies, and by each reader of several
//! files.
//!
//! Invariant: an entry of a transcript is copied once, by its `uuid`.

mod bound;
mod checksum;
mod conversation;
mod count;
mod deleted;
mod entry;
mod file;
mod follow;
mod kept;
mod locate;
mod looks;
mod rest;
mod restore;
mod shared;
mod size;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::SystemTime,
};

use tokio::sync::{OwnedMutexGuard, watch};
use uuid::Uuid;
use wxcode_core::{id::Id, project::OutputProject};

use crate::{Settings, repository::Repository, sync::lock, watch::Watches};
pub(crate) use checksum::damaged;
pub(crate) use count::dropped_bytes;
pub(crate) use follow::Follower;
pub(crate) use kept::Kept;
pub(crate) use locate::{Files, Place};
pub(crate) use looks::{Look, Looks};
pub(crate) use restore::{judge, restore};
use shared::source::Shared;
use size::{DEPTH_MAX, Sizes, size_below};

/// The folder in the data folder.
const FOLDER: &str = "conversations";
/// The folder of the copies of deleted projects, in the data folder.
const DELETED_FOLDER: &str = "deleted-conversations";
/// Most copies whose check is remembered.
const CHECKED_MAX: usize = 10_000;

/// The copies of all projects.
#[derive(Clone)]
pub(crate) struct Mirror(Arc<Inner>);

struct Inner {
    root: PathBuf,
    /// The folder of the copies of deleted projects.
    deleted: PathBuf,
    locks: Mutex<HashMap<Id, Lock>>,
    /// The shared store; `None` for an unshared one.
    shared: Option<Shared>,
    /// The last epochs of this node's leases.
    epochs: Mutex<HashMap<Id, u64>>,
    /// The number of followers of each project.
    followers: watch::Sender<HashMap<Id, usize>>,
    /// The sizes and times of checked copies.
    checked: Mutex<HashMap<PathBuf, (u64, SystemTime)>>,
    sizes: Sizes,
    /// Most bytes of all copies of a project.
    bound: u64,
    /// Why conversations are not copied, by project.
    troubles: Mutex<HashMap<Id, String>>,
    watches: Arc<Watches>,
}

/// A project's lock, with the number of removals of its copies.
type Lock = Arc<tokio::sync::Mutex<u64>>;

impl Mirror {
    pub(crate) fn new(settings: &Settings, store: Repository, watches: Arc<Watches>) -> Self {
        let shared = settings.shared.as_ref();
        Self(Arc::new(Inner {
            root: settings.data_dir.join(FOLDER),
            deleted: settings.data_dir.join(DELETED_FOLDER),
            locks: Mutex::default(),
            shared: shared.map(|shared| Shared {
                store,
                node: shared.node.clone(),
            }),
            epochs: Mutex::default(),
            followers: watch::Sender::default(),
            checked: Mutex::default(),
            sizes: Sizes::default(),
            bound: settings.copies_max,
            troubles: Mutex::default(),
            watches,
        }))
    }

    /// The folder of a project's copies.
    pub(crate) fn project(&self, project: Id) -> PathBuf {
        self.0.root.join(project.to_string())
    }

    /// The folder of a conversation's copy.
    pub(crate) fn conversation(&self, project: Id, id: Uuid) -> PathBuf {
        self.project(project).join(id.to_string())
    }

    /// The folder of the copy of a project's current conversation, unless the project has none.
    pub(crate) fn copy_of(&self, project: &OutputProject) -> Option<PathBuf> {
        let id = project.claude_session_id?;
        let is_mirrored = project.settings.is_mirrored();
        is_mirrored.then(|| self.conversation(project.id, id))
    }

    /// Blocks every other reader and writer of the project's copies while the guard lives.
    pub(crate) async fn lock(&self, project: Id) -> OwnedMutexGuard<u64> {
        self.lock_of(project).lock_owned().await
    }

    /// Checks the copy of a conversation before it is read in place of the transcript; a copy that
    /// was not changed since the last check is fine. Blocks.
    pub(crate) fn check(&self, project: Id, id: Uuid) -> io::Result<()> {
        let copy = self.conversation(project, id);
        let file = copy.join(format!("{id}.jsonl"));
        if state(&file).is_none() || self.is_checked(&file) {
            return Ok(());
        }
        let _alone = self.lock_of(project).blocking_lock_owned();
        let damage = checksum::verify(&file, None)?;
        count::note_damage(&copy, id, damage)?;
        self.changed(project);
        self.note_checked(file);
        Ok(())
    }

    /// Whether a copy was not changed since the last check.
    fn is_checked(&self, file: &Path) -> bool {
        let known = lock(&self.0.checked).get(file).copied();
        known.is_some() && known == state(file)
    }

    /// Remembers that a copy was checked.
    fn note_checked(&self, file: PathBuf) {
        if let Some(now) = state(&file) {
            let mut checked = lock(&self.0.checked);
            if checked.len() >= CHECKED_MAX {
                checked.clear();
            }
            checked.insert(file, now);
        }
    }

    fn lock_of(&self, project: Id) -> Lock {
        let mut locks = lock(&self.0.locks);
        Arc::clone(locks.entry(project).or_default())
    }

    /// Whether other nodes may have copies.
    pub(crate) fn is_shared(&self) -> bool {
        self.0.shared.is_some()
    }

    /// Removes the copies of a project.
    pub(crate) async fn remove(&self, project: Id) {
        if let Err(error) = self.remove_shared(project).await {
            tracing::warn!(%project, %error, "could not remove the copy of a conversation from the store");
        }
        let own = self.clone();
        let removed = tokio::task::spawn_blocking(move || {
            let mut removals = own.lock_of(project).blocking_lock_owned();
            *removals += 1;
            let removed = fs::remove_dir_all(own.project(project));
            own.changed(project);
            own.set_trouble(project, None);
            removed
        });
        match removed.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                let folder = self.project(project);
                tracing::warn!(%project, %error, "could not remove the copy of a conversation; remove {} by hand", folder.display());
            }
            // A panic was reported there.
            Ok(_) | Err(_) => {}
        }
    }
}

/// The size and the time of a file.
fn state(file: &Path) -> Option<(u64, SystemTime)> {
    let found = fs::metadata(file).ok()?;
    Some((found.len(), found.modified().ok()?))
}

/// The total size of all copies, in bytes; reads at most `left` entries.
pub(crate) fn size(data_dir: &Path, left: &mut usize) -> u64 {
    size_below(&data_dir.join(FOLDER), left, DEPTH_MAX + 2)
}

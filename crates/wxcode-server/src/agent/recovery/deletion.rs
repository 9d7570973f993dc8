//! Deletes a project, with a note on disk before the store forgets it, so that the next server can
//! finish.
//!
//! Below `<data-dir>/deleting/` are notes, `<project id>.json`, and folders of sessions, runs and
//! copied conversations on their way out. A project unknown to the store is no reason to remove
//! anything: the store may be another than before.
//!
//! Invariant: the remains of a project are removed only when the project's deletion was requested
//! and the store has forgotten the project.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use wxcode_core::id::Id;
use wxcode_holder::folder::{State, write_whole};
use wxcode_store::StoreError;

use crate::agent::{context::Context, metadata::Launch, process::Mode, recovery::scan::scan};

/// The folder in the data folder.
const FOLDER: &str = "deleting";
/// Tries of removing a folder, and the pause between the tries.
const REMOVALS: u32 = 20;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);
/// The version of the notes.
const VERSION: u32 = 1;

/// A note about the beginning of a project's deletion.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    version: u32,
    /// The store due to forget the project, by the store's name for users: another store's answer
    /// does not count.
    store: String,
}

impl Note {
    fn of(store: &str) -> Self {
        let store = store.to_owned();
        Self {
            version: VERSION,
            store,
        }
    }

    fn is_of(&self, store: &str) -> bool {
        self.version == VERSION && self.store == store
    }

    fn read(file: &Path) -> io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(file)?)?)
    }

    /// Writes the note durably.
    fn write(&self, data_dir: &Path, project: Id) -> io::Result<()> {
        let root = make(data_dir)?;
        let bytes = serde_json::to_vec(self)?;
        write_whole(&root, &format!("{project}.json"), &bytes)?;
        // The note's name must survive a power cut as well.
        fs::File::open(&root)?.sync_all()
    }
}

/// Deletes a project in the store and the project's files in the data folder; returns whether the
/// project existed. The folders of sessions and runs move aside, and disappear in the background.
/// The caller holds the slot's lock, and no agent of the project runs.
///
/// # Errors
/// When the store fails. If the store forgot the project all the same, the next call or the next
/// server finishes.
pub(in crate::agent) async fn delete(
    context: &Arc<Context>,
    project: Id,
) -> Result<bool, StoreError> {
    let settings = Arc::clone(&context.settings);
    // An earlier call may have missed the store's answer.
    let was_begun = matches!(Note::read(&file(&settings.data_dir, project)), Ok(note) if note.is_of(&settings.store));
    let is_missing = match context.store.project(project).await {
        // Deleting must work for an unreadable record.
        Err(StoreError::Corrupt(_)) => false,
        found => found?.is_none(),
    };
    if !was_begun && is_missing {
        context.slots.forget(project);
        return Ok(false);
    }
    let noted = move || Note::of(&settings.store).write(&settings.data_dir, project);
    let noted = tokio::task::spawn_blocking(noted).await;
    if let Err(error) = noted.unwrap_or_else(|panic| Err(io::Error::other(panic))) {
        // Deleting must work when the disk is full.
        tracing::warn!(%project, %error, "could not note the deletion of a project; if the server is killed now, the folders of its sessions remain");
    }
    let removed = context.store.remove_project(project).await?;
    context.slots.forget(project);
    let context = Arc::clone(context);
    let (cleared, is_clear) = tokio::sync::oneshot::channel();
    // Continues to the end even if the caller does not wait.
    tokio::task::spawn_blocking(move || {
        let doomed = clear(&context, project);
        let _caller_left = cleared.send(());
        doomed.iter().for_each(|dir| remove(dir));
    });
    // An error here is a panic there: the note remains, and the next server finishes.
    let _panicked = is_clear.await;
    Ok(removed)
}

/// Finishes deletions of an earlier server. Must run before adoption.
pub(in crate::agent) async fn finish_all(context: &Arc<Context>) {
    let root = context.settings.data_dir.join(FOLDER);
    let Found {
        notes,
        folders: mut doomed,
    } = match look(&root) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::warn!(folder = %root.display(), %error, "cannot read the folder of deletions in progress; the next start tries again");
            return;
        }
    };
    for (project, file) in notes {
        match Note::read(&file) {
            Ok(note) if note.is_of(&context.settings.store) => {}
            Ok(Note { store, .. }) => {
                tracing::warn!(%project, "the deletion of a project from the store {store} is incomplete; start a server with that store to finish it, or remove {}", file.display());
                continue;
            }
            Err(error) => {
                tracing::warn!(%project, %error, "the note of a deletion is damaged: remove {}", file.display());
                continue;
            }
        }
        match context.store.project(project).await {
            // The deletion did not happen, or the project was restored since.
            Ok(Some(_)) | Err(StoreError::Corrupt(_)) => {
                tracing::warn!(%project, "dropped the note of a deletion; the store still has the project, and its files stay");
                drop_note(&file);
            }
            Ok(None) => {
                let context = Arc::clone(context);
                let cleared = tokio::task::spawn_blocking(move || clear(&context, project));
                doomed.extend(cleared.await.unwrap_or_default());
                tracing::info!(%project, "finished the deletion of a project that an earlier server began");
            }
            Err(error) => {
                tracing::warn!(%error, "the store is unavailable; incomplete deletions wait for the next start");
                break;
            }
        }
    }
    if !doomed.is_empty() {
        tokio::task::spawn_blocking(move || doomed.iter().for_each(|dir| remove(dir)));
    }
}

/// Moves the files of a forgotten project out of their place, then removes the note; returns the
/// folders still to be removed. Blocks.
fn clear(context: &Context, project: Id) -> Vec<PathBuf> {
    let data_dir = &context.settings.data_dir;
    let mut all = context.events.forget(project)
        & context.planning.forget(project)
        & context.changes.forget(project);
    let mut doomed = Vec::new();
    if let Err(error) = context.mirror.retire(project) {
        tracing::warn!(%project, %error, "could not move the copy of a deleted project aside; removing it");
        doomed.push(context.mirror.project(project));
        all = false;
    }
    for mode in Mode::ALL {
        let Ok(found) = scan(&mode.root(data_dir)) else {
            all = false;
            continue;
        };
        for (id, dir, state) in found {
            if Launch::read(&dir).is_none_or(|launch| launch.metadata.project_id != project) {
                continue;
            }
            match state {
                State::Exited(..) => match put_aside(data_dir, &dir) {
                    Ok(dir) => doomed.push(dir),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    // The folder may be on another disk.
                    Err(_) => {
                        doomed.push(dir);
                        all = false;
                    }
                },
                State::Live(_) | State::Lost(_) | State::Unfinished => {
                    tracing::warn!(%id, ?state, "keeping the folder of an agent that has not ended, of a deleted project; the next start tries again");
                    all = false;
                }
            }
        }
    }
    if all {
        drop_note(&file(data_dir, project));
    }
    doomed
}

/// Removes the folder of an ended session or run. No reader ever sees a part of the folder in its
/// place. Blocks.
pub(in crate::agent) fn discard(data_dir: &Path, dir: &Path) {
    match put_aside(data_dir, dir) {
        Ok(aside) => remove(&aside),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(_) => remove(dir),
    }
}

/// Moves a folder to the folders on their way out; returns the new path.
fn put_aside(data_dir: &Path, dir: &Path) -> io::Result<PathBuf> {
    let name = dir.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let aside = make(data_dir)?.join(name);
    fs::rename(dir, &aside)?;
    Ok(aside)
}

/// Removes a folder on its way out. A process writing a last file there delays the removal, so the
/// function tries again.
fn remove(dir: &Path) {
    for tries in 1..=REMOVALS {
        match fs::remove_dir_all(dir) {
            Ok(()) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) if tries == REMOVALS => {
                tracing::warn!(dir = %dir.display(), %error, "could not remove the folder of an ended agent; delete it by hand");
            }
            Err(_) => std::thread::sleep(REMOVAL_PAUSE),
        }
    }
}

fn file(data_dir: &Path, project: Id) -> PathBuf {
    data_dir.join(FOLDER).join(format!("{project}.json"))
}

fn make(data_dir: &Path) -> io::Result<PathBuf> {
    let root = data_dir.join(FOLDER);
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&root);
    made.map(|()| root)
}

fn drop_note(file: &Path) {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(file = %file.display(), %error, "could not remove the note of a deletion; the next start tries again");
        }
        Ok(()) | Err(_) => {}
    }
}

/// The entries below the folder.
struct Found {
    notes: Vec<(Id, PathBuf)>,
    folders: Vec<PathBuf>,
}

fn look(root: &Path) -> io::Result<Found> {
    let (mut notes, mut folders) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        if entry.file_type()?.is_dir() {
            folders.push(path);
        } else if let Some(Ok(project)) = name.strip_suffix(".json").map(str::parse) {
            notes.push((project, path));
        } else if name.ends_with(".new") {
            // A note of a killed server; the store has not been asked.
            drop_note(&path);
        }
    }
    Ok(Found { notes, folders })
}

#[cfg(test)]
mod tests;

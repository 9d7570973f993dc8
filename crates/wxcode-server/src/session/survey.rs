//! Scans session and run directories at startup and repairs damaged ones.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use wxcode_core::id::Id;
use wxcode_holder::folder::{self, FolderError, State, read_spec};

use super::live::Note;

/// Time for all interrupted starts to be rolled back before their folders are read as they are.
const UNDONE_TIMEOUT: Duration = Duration::from_secs(5);

/// A session found in a folder.
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) dir: PathBuf,
    pub(super) note: Note,
    pub(super) at: Timestamp,
    pub(super) state: State,
}

/// Scans the sessions below `root`, in order of creation, running ones last. Repairs damaged
/// folders and logs those beyond repair.
///
/// # Errors
/// `root` cannot be read or made.
pub(super) async fn sessions(root: PathBuf) -> io::Result<Vec<Found>> {
    let looked = settled(root).await?;
    let mut found = Vec::with_capacity(looked.len());
    for (id, dir, state) in looked {
        let state = match state {
            Err(error) => mended(id, &dir, error).await,
            Ok(state) => Some(state),
        };
        let Some(state) = state else { continue };
        let Some((note, at)) = read_note(&dir) else {
            report_unreadable(id, &dir, &state);
            continue;
        };
        found.push(Found {
            id,
            dir,
            note,
            at,
            state,
        });
    }
    Ok(found)
}

/// The state of a folder after repairing a damaged or missing `holder.json`; `None` beyond repair.
async fn mended(id: Id, dir: &Path, error: FolderError) -> Option<State> {
    let mended = match error.is_repairable() {
        true => wxcode_holder::repair(dir).await,
        false => Err(error),
    };
    match mended {
        Ok(state) => {
            tracing::warn!(session = %id, ?state, "a session's folder was damaged and is mended");
            Some(state)
        }
        Err(error) => {
            tracing::warn!(session = %id, %error, "a session's folder is passed over");
            None
        }
    }
}

/// Without its spec the project of the session is unknown.
fn report_unreadable(id: Id, dir: &Path, state: &State) {
    let folder = dir.display();
    match state {
        State::Live(holder) => tracing::error!(
            session = %id,
            "the spec.json of a session that runs is damaged: restore it from a backup, or end the session with `kill {}` and remove {folder}",
            holder.pid
        ),
        _ => {
            tracing::warn!(session = %id, "the spec.json of a session is damaged, it is passed over: remove {folder}")
        }
    }
}

/// Scans the readable runs below `root`, in order of creation, running ones last.
///
/// # Errors
/// `root` cannot be read or made.
pub(super) async fn runs(root: PathBuf) -> io::Result<Vec<(Id, PathBuf, State)>> {
    Ok(readable(settled(root).await?))
}

/// The readable folders of sessions or runs below `root`, in order of creation, running ones last,
/// with their states.
pub(super) fn survey(root: &Path) -> io::Result<Vec<(Id, PathBuf, State)>> {
    Ok(readable(look(folders(root)?)))
}

fn readable(looked: Vec<Looked>) -> Vec<(Id, PathBuf, State)> {
    let all = looked.into_iter();
    all.filter_map(|(id, dir, state)| Some((id, dir, state.ok()?)))
        .collect()
}

/// The states of the folders below `root`, after waiting for interrupted starts and removing their
/// remains.
async fn settled(root: PathBuf) -> io::Result<Vec<Looked>> {
    let settle = move || {
        let folders = folders(&root)?;
        let_starts_end(&folders);
        let mut looked = look(folders);
        looked.retain(|(id, dir, state)| {
            let is_begun = !matches!(state, Ok(State::Unfinished));
            if !is_begun {
                break_off(*id, dir);
            }
            is_begun
        });
        Ok(looked)
    };
    tokio::task::spawn_blocking(settle)
        .await
        .map_err(io::Error::other)?
}

/// Waits for interrupted starts: their holders roll them back, and look like holders of a session
/// until then.
fn let_starts_end(folders: &[(Id, PathBuf)]) {
    let until = Instant::now() + UNDONE_TIMEOUT;
    for (id, dir) in folders {
        if !folder::is_started(dir, until) {
            tracing::warn!(session = %id, "the start of an agent was cut in two, and its holder does not undo it yet: it is stopped, or the machine is overloaded");
        }
    }
}

/// Removes the folder of an aborted start, in which no holder ever held a session.
fn break_off(id: Id, dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => tracing::info!(%id, "a start that was broken off is cleared away"),
        Err(error) => {
            tracing::warn!(%id, %error, "what a start left that was broken off stays: it can be removed by hand");
        }
    }
}

/// A folder, and its state.
type Looked = (Id, PathBuf, Result<State, FolderError>);

/// States of folders, in order of creation, running ones last.
fn look(folders: Vec<(Id, PathBuf)>) -> Vec<Looked> {
    let looked = folders.into_iter().map(|(id, path)| {
        let state = folder::inspect(&path);
        (id, path, state)
    });
    let mut found: Vec<Looked> = looked.collect();
    // A running one is its project's session, even if a clock set back says otherwise.
    found.sort_by_key(|(id, _, state)| (matches!(state, Ok(State::Live(_))), *id));
    found
}

/// The folders below `root` with an id as name.
pub(super) fn folders(root: &Path) -> io::Result<Vec<(Id, PathBuf)>> {
    fs::create_dir_all(root)?;
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(id) = name.and_then(|name| name.parse().ok()) {
            found.push((id, path));
        }
    }
    Ok(found)
}

/// The project of a session's folder, and its start.
pub(super) fn read_note(dir: &Path) -> Option<(Note, Timestamp)> {
    let spec = read_spec(dir).ok()?;
    Some((
        serde_json::from_value(spec.note).ok()?,
        spec.created_at.parse().ok()?,
    ))
}

//! What the folders of sessions and runs say, and putting right those that are not whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use wxcode_core::id::Id;
use wxcode_holder::folder::{self, FolderError, State, read_spec};

use super::live::Note;

/// How long all starts that were cut in two may take to be undone, before their folders are looked at as they are.
const UNDONE_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that a folder names.
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) dir: PathBuf,
    pub(super) note: Note,
    /// When it was started.
    pub(super) at: Timestamp,
    pub(super) state: State,
}

/// The sessions that the folders below `root` name, in the order of their making, those that run last. Damaged folders are mended; what
/// cannot be is told.
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

/// What a folder says whose `holder.json` is damaged or missing, once that is put right; `None` for one that cannot be.
async fn mended(id: Id, dir: &Path, error: FolderError) -> Option<State> {
    let mended = match error.is_mendable() {
        true => wxcode_holder::mend(dir).await,
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

/// Without its spec nobody knows whose session it is.
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

/// The runs that the folders below `root` name and that can be read, in the order of their making, those that run last.
///
/// # Errors
/// `root` cannot be read or made.
pub(super) async fn runs(root: PathBuf) -> io::Result<Vec<(Id, PathBuf, State)>> {
    Ok(readable(settled(root).await?))
}

/// The folders of sessions or runs below `root` that can be read, in the order of their making, those that run last, and what each says.
pub(super) fn survey(root: &Path) -> io::Result<Vec<(Id, PathBuf, State)>> {
    Ok(readable(look(folders(root)?)))
}

fn readable(looked: Vec<Looked>) -> Vec<(Id, PathBuf, State)> {
    let all = looked.into_iter();
    all.filter_map(|(id, dir, state)| Some((id, dir, state.ok()?)))
        .collect()
}

/// What the folders below `root` say when no start that the end of the server before broke off or cut in two is left there.
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

/// Waits for starts that were cut in two: their holders undo them, and until then look like ones that hold a session.
fn let_starts_end(folders: &[(Id, PathBuf)]) {
    let until = Instant::now() + UNDONE_TIMEOUT;
    for (id, dir) in folders {
        if !folder::is_started(dir, until) {
            tracing::warn!(session = %id, "the start of an agent was cut in two, and its holder does not undo it yet: it is stopped, or the machine is overloaded");
        }
    }
}

/// Removes the folder of a start that was broken off: no holder has ever held anything there.
fn break_off(id: Id, dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => tracing::info!(%id, "a start that was broken off is cleared away"),
        Err(error) => {
            tracing::warn!(%id, %error, "what a start left that was broken off stays: it can be removed by hand");
        }
    }
}

/// A folder, and what it says.
type Looked = (Id, PathBuf, Result<State, FolderError>);

/// What folders say, in the order of their making, those that run last.
fn look(folders: Vec<(Id, PathBuf)>) -> Vec<Looked> {
    let looked = folders.into_iter().map(|(id, path)| {
        let state = folder::inspect(&path);
        (id, path, state)
    });
    let mut found: Vec<Looked> = looked.collect();
    // One that runs is its project's session, whatever a clock that was set back says of when it was made.
    found.sort_by_key(|(id, _, state)| (matches!(state, Ok(State::Live(_))), *id));
    found
}

/// The folders below `root` that are named by an id.
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

/// Whose session a folder is of, and when it was started.
pub(super) fn read_note(dir: &Path) -> Option<(Note, Timestamp)> {
    let spec = read_spec(dir).ok()?;
    Some((
        serde_json::from_value(spec.note).ok()?,
        spec.created_at.parse().ok()?,
    ))
}

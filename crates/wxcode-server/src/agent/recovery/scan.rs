//! Scans session and run folders at startup and repairs damaged folders.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use wxcode_core::id::Id;
use wxcode_holder::folder::{self, FolderError, HolderFile, State};

use crate::agent::{
    metadata::Launch,
    process::{Launched, Mode},
};

/// Time for the rollback of all interrupted starts; afterwards the scan reads their folders as they
/// are.
const UNDONE_TIMEOUT: Duration = Duration::from_secs(5);

/// An agent found in a folder.
pub(in crate::agent) struct Found {
    pub(in crate::agent) id: Id,
    pub(in crate::agent) dir: PathBuf,
    pub(in crate::agent) launch: Launch,
    pub(in crate::agent) state: State,
}

impl Found {
    pub(in crate::agent) fn project_id(&self) -> Id {
        self.launch.metadata.project_id
    }

    /// The agent with its holder, as after a launch.
    pub(in crate::agent) fn launched(self, holder: HolderFile, is_latest: bool) -> Launched {
        let Launch {
            metadata,
            workspace,
            at,
        } = self.launch;
        Launched {
            id: self.id,
            dir: self.dir,
            metadata,
            holder,
            workspace,
            at,
            is_latest,
        }
    }
}

/// Scans the agents below `root`, in order of creation, running agents last. Repairs damaged
/// folders and logs folders beyond repair.
///
/// # Errors
/// `root` cannot be read or made.
pub(in crate::agent) async fn agents(root: PathBuf) -> io::Result<Vec<Found>> {
    let looked = settled(root).await?;
    let mut found = Vec::with_capacity(looked.len());
    for (id, dir, state) in looked {
        let state = match state {
            Err(error) => repaired(id, &dir, error).await,
            Ok(state) => Some(state),
        };
        let Some(state) = state else { continue };
        match Launch::read(&dir) {
            Some(launch) => found.push(Found {
                id,
                dir,
                launch,
                state,
            }),
            None => report_unreadable(id, &dir, &state),
        }
    }
    Ok(found)
}

/// The start and the id of each project's latest agent.
pub(in crate::agent) type Newest = HashMap<Id, (Timestamp, Id)>;

/// Finds each project's latest agent, a session or a run, by the folders.
///
/// # Errors
/// The folders cannot be read.
pub(in crate::agent) async fn newest(data_dir: PathBuf) -> io::Result<Newest> {
    let read = move || {
        let mut newest = Newest::new();
        for mode in Mode::ALL {
            for (id, dir) in folders(&mode.root(&data_dir))? {
                if let Some(Launch { metadata, at, .. }) = Launch::read(&dir) {
                    let newest = newest.entry(metadata.project_id).or_insert((at, id));
                    *newest = (*newest).max((at, id));
                }
            }
        }
        Ok(newest)
    };
    let read = tokio::task::spawn_blocking(read);
    read.await.map_err(io::Error::other)?
}

/// The state of a folder after repairing a damaged or missing `holder.json`; `None` beyond repair.
async fn repaired(id: Id, dir: &Path, error: FolderError) -> Option<State> {
    let repaired = match error.is_repairable() {
        true => wxcode_holder::repair(dir).await,
        false => Err(error),
    };
    match repaired {
        Ok(state) => {
            tracing::warn!(agent = %id, ?state, "repaired a damaged agent folder");
            Some(state)
        }
        Err(error) => {
            tracing::warn!(agent = %id, %error, "cannot repair an agent folder; ignoring it");
            None
        }
    }
}

/// Without the spec the agent's project is unknown.
fn report_unreadable(id: Id, dir: &Path, state: &State) {
    let folder = dir.display();
    match state {
        State::Live(holder) => tracing::error!(
            agent = %id,
            "the spec.json of a session that runs is damaged: restore it from a backup, or end the session with `kill {}` and remove {folder}",
            holder.pid
        ),
        _ => {
            tracing::warn!(agent = %id, "the spec.json of a session is damaged; ignoring the session: remove {folder}")
        }
    }
}

/// The readable folders of sessions or runs below `root`, in order of creation, running agents
/// last, with their states.
pub(in crate::agent) fn scan(root: &Path) -> io::Result<Vec<(Id, PathBuf, State)>> {
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
        await_starts(&folders);
        let mut looked = look(folders);
        looked.retain(|(id, dir, state)| {
            let is_begun = !matches!(state, Ok(State::Unfinished));
            if !is_begun {
                remove_aborted(*id, dir);
            }
            is_begun
        });
        Ok(looked)
    };
    tokio::task::spawn_blocking(settle)
        .await
        .map_err(io::Error::other)?
}

/// Waits for interrupted starts: until the rollback, their holders look like holders of a session.
fn await_starts(folders: &[(Id, PathBuf)]) {
    let until = Instant::now() + UNDONE_TIMEOUT;
    for (id, dir) in folders {
        if !folder::is_started(dir, until) {
            tracing::warn!(agent = %id, "the holder of an interrupted start has not rolled it back yet; the holder is stopped, or the machine is overloaded");
        }
    }
}

/// Removes the folder of an aborted start. No holder ever held a session there.
fn remove_aborted(id: Id, dir: &Path) {
    match fs::remove_dir_all(dir) {
        Ok(()) => tracing::info!(%id, "removed the directory of an aborted start"),
        Err(error) => {
            tracing::warn!(%id, %error, "could not remove the directory of an aborted start; delete it by hand");
        }
    }
}

/// A folder, and its state.
type Looked = (Id, PathBuf, Result<State, FolderError>);

/// States of folders, in order of creation, running agents last.
fn look(folders: Vec<(Id, PathBuf)>) -> Vec<Looked> {
    let looked = folders.into_iter().map(|(id, path)| {
        let state = folder::inspect(&path);
        (id, path, state)
    });
    let mut found: Vec<Looked> = looked.collect();
    // A running session is its project's session, even if a clock set back says otherwise.
    found.sort_by_key(|(id, _, state)| (matches!(state, Ok(State::Live(_))), *id));
    found
}

/// The folders below `root` with an id as name.
pub(in crate::agent) fn folders(root: &Path) -> io::Result<Vec<(Id, PathBuf)>> {
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

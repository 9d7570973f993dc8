//! The progress of many projects for a list. A list never waits for a file.
//!
//! A list shows the last reading. Missing and old entries are read one after the other in the
//! background, off the serving threads.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use wxcode_claude::planning::{self, Progress};
use wxcode_core::id::Id;
use wxcode_files::{FileError, off_thread};

use crate::sync::lock;

/// Age at which the server reads a listed project's progress again.
const FRESH: Duration = Duration::from_secs(30);
/// Most projects with a kept progress.
const KEPT_MAX: usize = 10_000;

#[derive(Default)]
pub(super) struct ProgressCache(Mutex<State>);

#[derive(Default)]
struct State {
    known: HashMap<Id, Known>,
    /// Projects to be read; a reader runs while there are some.
    wanted: HashMap<Id, PathBuf>,
    is_reading: bool,
}

struct Known {
    progress: Option<Progress>,
    at: Instant,
}

impl ProgressCache {
    /// The known progress of the projects; reads the rest in the background.
    pub(super) fn show(
        self: &Arc<Self>,
        projects: Vec<(Id, PathBuf)>,
        closing: &CancellationToken,
    ) -> HashMap<Id, Progress> {
        let mut state = self.lock();
        let mut shown = HashMap::new();
        for (id, workspace) in projects {
            let known = state.known.get(&id);
            if let Some(progress) = known.and_then(|known| known.progress) {
                shown.insert(id, progress);
            }
            let is_fresh = known.is_some_and(|known| known.at.elapsed() < FRESH);
            if !is_fresh && state.wanted.len() < KEPT_MAX {
                state.wanted.insert(id, workspace);
            }
        }
        if !state.is_reading && !state.wanted.is_empty() {
            state.is_reading = true;
            tokio::spawn(Arc::clone(self).read(closing.clone()));
        }
        shown
    }

    /// Forgets a deleted project.
    pub(super) fn forget(&self, project: Id) {
        let mut state = self.lock();
        state.known.remove(&project);
        state.wanted.remove(&project);
    }

    /// Reads the wanted projects, one after the other.
    async fn read(self: Arc<Self>, closing: CancellationToken) {
        while let Some((id, workspace)) = self.next() {
            let progress = tokio::select! {
                progress = progress_of(&workspace) => progress,
                () = closing.cancelled() => return,
            };
            let mut state = self.lock();
            // Deleted meanwhile.
            if state.wanted.remove(&id).is_some() && state.known.len() < KEPT_MAX {
                let at = Instant::now();
                state.known.insert(id, Known { progress, at });
            }
        }
    }

    /// A wanted project; without a wanted project, the reader ends.
    fn next(&self) -> Option<(Id, PathBuf)> {
        let mut state = self.lock();
        let next = state.wanted.iter().next();
        let next = next.map(|(id, workspace)| (*id, workspace.clone()));
        state.is_reading = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

/// The progress in a workspace; `None` for an unreadable workspace.
async fn progress_of(workspace: &Path) -> Option<Progress> {
    let path = workspace.to_owned();
    let read = move || Ok::<_, FileError>(planning::read(&path)?.progress);
    off_thread(workspace, read).await.ok()
}

//! Ending what the agents of a project left running when they ended by themselves, and agents that
//! nobody follows.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;
use wxcode_core::id::Id;
use wxcode_holder::folder::{self, State};

use super::{
    registry::{Sessions, stop},
    survey::{read_note, survey},
    watcher::gone,
};

/// How often it is looked whether an agent that nobody follows has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Sessions {
    /// Ends what earlier sessions of a project left running; whether nothing is left. No session of
    /// it runs that is
    /// followed.
    pub(super) async fn end_left(&self, project: Id) -> bool {
        let root = self.0.settings.data_dir.join("sessions");
        let sessions = root.clone();
        let found = tokio::task::spawn_blocking(move || live(&sessions, project)).await;
        for dir in found.unwrap_or_default() {
            tracing::warn!(dir = %dir.display(), "an agent runs that nobody follows; it is ended with its project's session");
            if !stop(&dir, ended(&dir)).await {
                return false;
            }
        }
        let ended = tokio::task::spawn_blocking(move || end(&root, project)).await;
        ended.unwrap_or(false)
    }
}

/// The folders of sessions of a project whose holders live.
fn live(root: &Path, project: Id) -> Vec<PathBuf> {
    let found = survey(root).unwrap_or_default().into_iter();
    let live = found.filter(|(_, dir, state)| {
        matches!(state, State::Live(_))
            && read_note(dir).is_some_and(|(note, _)| note.project_id == project)
    });
    live.map(|(_, dir, _)| dir).collect()
}

/// Waits until a session is over that nobody follows.
async fn ended(dir: &Path) {
    while gone(dir).await.is_none() {
        sleep(LOOK_EVERY).await;
    }
}

fn end(root: &Path, project: Id) -> bool {
    let Ok(found) = survey(root) else {
        return false;
    };
    let mut all = true;
    for (id, dir, state) in found {
        let own = matches!(state, State::Exited(..))
            && read_note(&dir).is_some_and(|(note, _)| note.project_id == project);
        if own {
            match folder::end_orphans(&dir) {
                Ok(gone) => all &= gone,
                Err(error) => {
                    tracing::warn!(session = %id, %error, "what a session left running cannot be found");
                }
            }
        }
    }
    all
}

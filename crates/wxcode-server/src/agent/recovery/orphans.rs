//! Ends orphans: processes left by ended agents, and agents without a monitor.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;
use wxcode_core::id::Id;
use wxcode_holder::folder::{self, State};

use crate::agent::{
    folder::{gone, stop},
    metadata::Launch,
    process::Mode,
    recovery::scan::scan,
};

/// Pause between two looks whether an agent without a monitor has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Ends the orphans of a project's earlier sessions; returns whether nothing is left. No monitored
/// session of the project runs.
pub(in crate::agent) async fn end(data_dir: &Path, project: Id) -> bool {
    let root = Mode::Interactive.root(data_dir);
    let sessions = root.clone();
    let found = tokio::task::spawn_blocking(move || live(&sessions, project)).await;
    for dir in found.unwrap_or_default() {
        tracing::warn!(dir = %dir.display(), "ending an agent without a monitor together with its project's session");
        if !stop(&dir, ended(&dir)).await {
            return false;
        }
    }
    let ended = tokio::task::spawn_blocking(move || end_left(&root, project)).await;
    ended.unwrap_or(false)
}

/// The folders of a project's sessions with living holders.
fn live(root: &Path, project: Id) -> Vec<PathBuf> {
    let found = scan(root).unwrap_or_default().into_iter();
    let live =
        found.filter(|(_, dir, state)| matches!(state, State::Live(_)) && is_of(dir, project));
    live.map(|(_, dir, _)| dir).collect()
}

/// Waits for the end of a session without a monitor.
async fn ended(dir: &Path) {
    while gone(dir).await.is_none() {
        sleep(LOOK_EVERY).await;
    }
}

fn end_left(root: &Path, project: Id) -> bool {
    let Ok(found) = scan(root) else {
        return false;
    };
    let mut all = true;
    for (id, dir, state) in found {
        let own = matches!(state, State::Exited(..)) && is_of(&dir, project);
        if own {
            match folder::end_orphans(&dir) {
                Ok(gone) => all &= gone,
                Err(error) => {
                    tracing::warn!(session = %id, %error, "cannot find the orphans of a session");
                }
            }
        }
    }
    all
}

fn is_of(dir: &Path, project: Id) -> bool {
    Launch::read(dir).is_some_and(|launch| launch.metadata.project_id == project)
}

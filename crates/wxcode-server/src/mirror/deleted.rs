//! Keeps the copies of deleted projects for a day.
//!
//! `<data-dir>/deleted-conversations/<project id>/` was moved there by the deletion; the time of the
//! folder is that of the deletion.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use wxcode_core::id::Id;

use super::Mirror;

/// Time that the copies of a deleted project are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Pause between two looks for copies to remove.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// Most folders of one look.
const FOLDERS_MAX: usize = 10_000;

impl Mirror {
    /// Moves the copies of a deleted project aside. A follower that read the project's record
    /// before copies nothing more. Blocks.
    pub(crate) fn retire(&self, project: Id) -> io::Result<()> {
        let mut removals = self.lock_of(project).blocking_lock_owned();
        *removals += 1;
        self.changed(project);
        self.set_trouble(project, None);
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(&self.0.deleted)?;
        let aside = self.0.deleted.join(project.to_string());
        match fs::rename(self.project(project), &aside) {
            // Other nodes may have copied it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_shared() => {
                builder.create(&aside)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            moved => moved?,
        }
        File::open(&aside)?.set_modified(SystemTime::now())
    }

    /// The projects with copies on this node, besides the known ones. Blocks.
    pub(crate) fn others(&self, known: &HashSet<Id>) -> Vec<Id> {
        let entries = fs::read_dir(&self.0.root).into_iter().flatten().flatten();
        let ids = entries
            .take(FOLDERS_MAX)
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| !known.contains(id)).collect()
    }

    /// Removes the copies of projects that were deleted a day ago, until the server closes.
    pub(crate) async fn remove_deleted(self, closing: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = closing.cancelled() => return,
            }
            let folder = self.0.deleted.clone();
            let due = tokio::task::spawn_blocking(move || due(&folder));
            for project in due.await.unwrap_or_default() {
                if let Err(error) = self.remove_shared(project).await {
                    tracing::warn!(%project, %error, "could not remove the copy of a deleted project from the store; trying again in an hour");
                    continue;
                }
                let folder = self.0.deleted.join(project.to_string());
                let removed = tokio::task::spawn_blocking(move || {
                    fs::remove_dir_all(&folder).map_err(|error| (folder, error))
                });
                if let Ok(Err((folder, error))) = removed.await {
                    tracing::warn!(%project, %error, "could not remove the copy of a deleted project; remove {} by hand", folder.display());
                }
            }
        }
    }
}

/// The projects that were deleted a day ago.
fn due(folder: &Path) -> Vec<Id> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let due = entries.take(FOLDERS_MAX).filter_map(|entry| {
        let project: Id = entry.file_name().to_str()?.parse().ok()?;
        let at = entry.metadata().ok()?.modified().ok()?;
        // A clock that was set back keeps it longer.
        let age = at.elapsed().ok()?;
        (age >= KEPT).then_some(project)
    });
    due.collect()
}

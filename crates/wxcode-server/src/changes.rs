//! The changes of a milestone in its workspace: trees of git, before and now.
//!
//! A tree holds the whole work tree: committed, staged, changed and untracked files, without
//! ignored files. wxcode writes a tree through an index and a repository of its own in the data
//! folder. This repository borrows the objects of the user's repository. So the user's repository
//! is only read: its index, references and objects stay as they are. wxcode does not use the user's
//! configuration, so none of the configured hooks, filters, `textconv` and `fsmonitor` programs
//! runs.

mod error;
mod file;
mod git;
mod snapshot;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::timeout};
use utoipa::ToSchema;
use wxcode_core::id::Id;
use wxcode_holder::folder::write_whole;

use self::git::Git;
pub(crate) use self::{error::ChangesError, file::ChangedFile};
use crate::Settings;

/// Time for the base of a milestone; the milestone's command waits for the base.
pub(crate) const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time for an answer.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Trees and comparisons at a time.
pub(crate) const AT_ONCE: usize = 2;

/// The tree at a milestone's beginning.
#[derive(Debug, Serialize, Deserialize)]
struct Base {
    version: u32,
    /// The object id of the tree.
    tree: String,
    /// The repository of wxcode with the tree, by the repository's hash function.
    format: String,
}

/// The changes since a milestone began.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MilestoneChanges)]
pub(crate) struct Changes {
    /// The git tree of the workspace when the milestone began, uncommitted work included. The tree
    /// is in no repository of the user.
    base: String,
    /// The changed files, up to 5,000, by path.
    files: Vec<ChangedFile>,
    /// The differences in git's form, up to 2 MiB; bytes other than UTF-8 are replaced.
    patch: String,
    /// Something is missing: files beyond the bounds, or the rest of the patch.
    truncated: bool,
}

/// Keeps the bases of milestones, and compares.
#[derive(Clone)]
pub(crate) struct ChangeLog(Arc<Inner>);

struct Inner {
    /// `<data-dir>/changes`.
    root: PathBuf,
    git: Git,
    turns: Semaphore,
}

impl ChangeLog {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self(Arc::new(Inner {
            root: settings.data_dir.join("changes"),
            git: Git::new(&settings.environment),
            turns: Semaphore::new(AT_ONCE),
        }))
    }

    /// Keeps the present tree of a workspace as the base of a milestone before the milestone's
    /// beginning. A failure costs the changes, never the milestone.
    pub(crate) async fn begin(&self, project: Id, milestone: Id, workspace: &Path) {
        let keep = self.keep(project, milestone, workspace);
        let kept = match timeout(BEGIN_TIMEOUT, keep).await {
            Ok(kept) => kept,
            Err(_) => Err(ChangesError::Late(BEGIN_TIMEOUT)),
        };
        if let Err(error) = kept {
            // An earlier base would show the changes of another milestone.
            let _ = fs::remove_file(self.base_path(project, milestone));
            tracing::warn!(%milestone, %error, "the changes of a milestone cannot be shown");
        }
    }

    async fn keep(&self, project: Id, milestone: Id, workspace: &Path) -> Result<(), ChangesError> {
        let _turn = self.0.turns.acquire().await;
        let taken = snapshot::take(&self.0.git, &self.dir(project), workspace).await?;
        let base = Base {
            version: 1,
            tree: taken.tree,
            format: taken.format,
        };
        let name = format!("{milestone}.json");
        let json = serde_json::to_vec(&base).map_err(io::Error::from);
        json.and_then(|json| {
            write_whole(&self.dir(project), &name, &json).map_err(io::Error::other)
        })
        .map_err(|source| ChangesError::Write {
            path: self.dir(project),
            source,
        })
    }

    /// The changes of a workspace since a milestone began.
    ///
    /// # Errors
    /// When the workspace is in no repository, the milestone has no base, or git fails.
    pub(crate) async fn since(
        &self,
        project: Id,
        milestone: Id,
        workspace: &Path,
    ) -> Result<Changes, ChangesError> {
        let compare = self.compare(project, milestone, workspace);
        let compared = timeout(ANSWER_TIMEOUT, compare).await;
        compared.map_err(|_| ChangesError::Late(ANSWER_TIMEOUT))?
    }

    async fn compare(
        &self,
        project: Id,
        milestone: Id,
        workspace: &Path,
    ) -> Result<Changes, ChangesError> {
        if snapshot::repository(&self.0.git, workspace)
            .await?
            .is_none()
        {
            return Err(ChangesError::NoRepository(workspace.to_owned()));
        }
        let read = fs::read(self.base_path(project, milestone)).ok();
        let base = read.and_then(|bytes| serde_json::from_slice::<Base>(&bytes).ok());
        let base = base.ok_or(ChangesError::NoBase)?;
        let _turn = self.0.turns.acquire().await;
        let now = snapshot::take(&self.0.git, &self.dir(project), workspace).await?;
        if now.format != base.format {
            return Err(ChangesError::NoBase);
        }
        let trees = [base.tree.as_str(), now.tree.as_str()];
        let (files, has_all) = now.files(&self.0.git, workspace, trees).await?;
        let (patch, is_whole) = now.patch(&self.0.git, workspace, trees).await?;
        Ok(Changes {
            truncated: !has_all || !is_whole || now.skipped > 0,
            base: base.tree,
            files,
            patch,
        })
    }

    /// Deletes the trees of a deleted project; returns whether the trees are gone.
    pub(crate) fn forget(&self, project: Id) -> bool {
        match fs::remove_dir_all(self.dir(project)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%project, %error, "could not delete the trees of a deleted project");
                false
            }
            Ok(()) | Err(_) => true,
        }
    }

    fn dir(&self, project: Id) -> PathBuf {
        self.0.root.join(project.to_string())
    }

    fn base_path(&self, project: Id, milestone: Id) -> PathBuf {
        self.dir(project).join(format!("{milestone}.json"))
    }
}

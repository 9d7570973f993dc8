//! Why changes cannot be shown.

use std::{io, path::PathBuf, time::Duration};

use wxcode_files::FileError;

/// Why changes cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangesError {
    #[error("the workspace {} is in no git work tree, so its changes are not known: make it one with `git init`", .0.display())]
    NoRepository(PathBuf),
    #[error(
        "the milestone did not begin here, or before its changes were recorded: nothing is known to compare with"
    )]
    NoBase,
    #[error("{0}")]
    File(#[from] FileError),
    #[error("git {command} failed: {reason}; the workspace may have a file that cannot be read")]
    Git { command: String, reason: String },
    #[error("git cannot be run: {0}; install git on the server's PATH")]
    NoGit(io::Error),
    #[error(
        "the workspace has too many changed or untracked files to compare: add build results to .gitignore, or commit"
    )]
    TooMany,
    #[error("git did not answer within {} s: try again when the machine is less busy", .0.as_secs())]
    Late(Duration),
    #[error("cannot write in {}: {source}; check its permissions and the free space", path.display())]
    Write { path: PathBuf, source: io::Error },
}

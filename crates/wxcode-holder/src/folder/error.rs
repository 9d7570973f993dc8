//! Why a folder cannot be read or written.

use std::{io, path::PathBuf};

use super::name::HOLDER;

/// The version of the files.
pub const VERSION: u32 = 1;

/// Why a folder cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file is not there.
    #[error("{0} is missing; the session was never written, or its folder was removed")]
    Missing(PathBuf),
    /// A file could not be read or written.
    #[error("{path}: {error}; check the permissions and the free space of the data directory")]
    Io { path: PathBuf, error: io::Error },
    /// A file has invalid content.
    #[error(
        "{path} is damaged ({error}); move the folder of the session away to continue without it"
    )]
    Damaged {
        path: PathBuf,
        error: serde_json::Error,
    },
    /// A file of a newer build.
    #[error("{path} has version {version}, this build knows {VERSION}; use the newer wxcode")]
    Newer { path: PathBuf, version: u32 },
}

impl FolderError {
    /// Whether [`repair`](crate::repair) can repair the folder: the record of a running session is
    /// damaged or missing.
    pub fn is_repairable(&self) -> bool {
        match self {
            Self::Missing(path) | Self::Damaged { path, .. } => path.ends_with(HOLDER),
            Self::Io { .. } | Self::Newer { .. } => false,
        }
    }
}

impl From<FolderError> for io::Error {
    /// For a caller with its own words for the file.
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::Io { error, .. } => error,
            other => Self::other(other),
        }
    }
}

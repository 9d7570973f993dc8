//! Reasons to refuse a file as the store.

use std::{io, path::PathBuf};

use crate::StoreError;

/// The reason to refuse a file as the store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its folder is unreachable.
    #[error("cannot open {}: {source}; check that the folder exists and that this user may write in it", path.display())]
    Io {
        path: PathBuf,
        /// The system's message.
        source: io::Error,
    },
    /// The file would be on a network file system, where its journal cannot work.
    #[error("{} is on {kind}, where an SQLite file gets damaged: choose a local folder, or use a shared store", path.display())]
    Network {
        path: PathBuf,
        /// The file system's name.
        kind: &'static str,
    },
    /// A newer wxcode wrote the file.
    #[error(
        "{} has schema version {found}, this wxcode knows up to {known}: run the newer wxcode that wrote it, or restore an older copy",
        path.display()
    )]
    Newer {
        path: PathBuf,
        /// The file's version.
        found: i32,
        /// The newest version known to this build.
        known: i32,
    },
    /// The file belongs to another program.
    #[error("{} is a database of another program: choose another path", .0.display())]
    Foreign(PathBuf),
    /// The database engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

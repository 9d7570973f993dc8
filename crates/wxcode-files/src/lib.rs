//! Opens files under the control of others: those of workspaces, Claude Code and the command line.
//!
//! Such a file may be a FIFO, a device, a link, huge, or on a hanging file system. A [`Folder`] is
//! an open folder; its methods open everything beneath it, first without side effects, and read
//! only regular files. [`off_thread`] keeps a hanging file system away from the serving threads.
//!
//! **Invariant:** no other code of the server opens a file outside of its data folder.

mod beneath;
mod error;
mod folder;
mod pool;

use std::path::Path;

pub use beneath::Links;
pub use error::{FileError, Kind};
pub use folder::{Folder, RegularFile};
pub use pool::{
    DEADLINE, IDLE_MAX, IDLE_TIME, JOBS_MAX, JOBS_PER_PLACE_MAX, Pool, THREADS_MAX, off_thread,
    wait,
};

/// Reads a regular file, following links; `max` is in bytes.
///
/// # Errors
/// The path is no regular file, is larger than `max`, or cannot be read.
pub fn read(path: &Path, max: u64) -> Result<Vec<u8>, FileError> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name() else {
        return Err(FileError::Kind {
            path: path.to_owned(),
            found: Kind::Folder,
            wanted: Kind::Regular,
        });
    };
    Folder::open(parent)?
        .file(Path::new(name), Links::Follow)?
        .read(max)
}

//! Opens files that others control: those of workspaces, of Claude Code and of the command line.
//!
//! Such a file may be a FIFO, a device, a link, huge, or on a file system that does not answer. A
//! [`Folder`] is an open folder; everything is opened beneath it, first without side effects, and
//! only a regular file is opened for reading. [`off_thread`] keeps a file system that hangs away
//! from the threads that serve.
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
pub use pool::{DEADLINE, JOBS_MAX, JOBS_PER_PLACE_MAX, Pool, THREADS_MAX, off_thread, wait};

/// Reads a regular file, following links; `max` is in bytes.
///
/// # Errors
/// [`FileError`], where it is none, is larger than `max`, or cannot be read.
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

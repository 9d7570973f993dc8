//! The files of a session's folder: read whole, written next to their place and moved there.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

use super::error::FolderError;

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> FolderError + '_ {
    move |error| FolderError::Io {
        path: path.to_owned(),
        error,
    }
}

/// Creates a folder for the owner alone.
pub(super) fn make_private(dir: &Path) -> Result<(), FolderError> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .and_then(|()| fs::set_permissions(dir, fs::Permissions::from_mode(0o700)))
        .map_err(io_error(dir))
}

/// Reads a file; `None` without one.
pub(super) fn read_json<T: DeserializeOwned>(
    dir: &Path,
    name: &str,
) -> Result<Option<T>, FolderError> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| FolderError::Damaged { path, error }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FolderError::Io { path, error }),
    }
}

/// Writes a JSON file, whole or not at all.
pub(crate) fn write_json(
    dir: &Path,
    name: &str,
    value: &impl Serialize,
) -> Result<(), FolderError> {
    let json = serde_json::to_vec_pretty(value).map_err(|error| FolderError::Damaged {
        path: dir.join(name),
        error,
    })?;
    write_whole(dir, name, &json)
}

/// Writes a file, 0600, whole or not at all, also through a power cut: next to its place, synced,
/// and then moved there. On failure the earlier file stays.
///
/// # Errors
/// When the folder does not exist, or the disk does not take the file.
pub fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), FolderError> {
    let path = dir.join(name);
    // The process id separates two writers; the last writer to move its file wins.
    let draft = dir.join(format!(".{name}.{}.new", std::process::id()));
    let write = || {
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&draft, &path)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&draft);
        FolderError::Io { path, error }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        write_whole(dir.path(), "a", b"first, and longer").unwrap();
        write_whole(dir.path(), "a", b"second").unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"second");
        let mode = fs::metadata(dir.path().join("a")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        fs::create_dir(dir.path().join("b")).unwrap();
        let error = write_whole(dir.path(), "b", b"x").unwrap_err();
        assert!(error.to_string().contains("free space"), "{error}");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            2,
            "no draft is left"
        );
        assert!(write_whole(&dir.path().join("none"), "a", b"x").is_err());
    }
}

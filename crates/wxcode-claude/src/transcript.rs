//! Whether a conversation can be resumed: its transcript on disk.

use std::{
    io,
    path::{Path, PathBuf},
};

use uuid::Uuid;

/// What is on disk of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transcript {
    /// There is no file.
    Missing,
    /// There is a file, without a message in it: it can neither be resumed nor its id be used again.
    Empty(PathBuf),
    /// There is a file with messages: it can be resumed.
    Spoken(PathBuf),
}

/// Claude Code's configuration folder: `CLAUDE_CONFIG_DIR`, or `.claude` in the home folder.
#[must_use]
pub fn config_dir(claude_config_dir: Option<&Path>, home: &Path) -> PathBuf {
    claude_config_dir
        .filter(|dir| !dir.as_os_str().is_empty())
        .map_or_else(|| home.join(".claude"), Path::to_path_buf)
}

/// Looks for the transcript of `id` in every project folder of `config_dir`.
///
/// # Errors
/// When a folder or file exists and cannot be read: then nothing is known, and nothing may be decided.
pub fn find(config_dir: &Path, id: Uuid) -> io::Result<Transcript> {
    let _ = (config_dir, id);
    Err(io::ErrorKind::Unsupported.into())
}

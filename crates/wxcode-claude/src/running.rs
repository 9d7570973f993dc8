//! What a running Claude Code process says of itself in its configuration folder.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use uuid::Uuid;

/// Largest file that is read, in bytes; measured ones have less than one kilobyte.
const FILE_MAX: u64 = 64 << 10; // 64 KiB

/// What `sessions/<pid>.json` holds. What a version does not write is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The current conversation of the process.
    pub session_id: Uuid,
    /// The working folder.
    pub cwd: Option<PathBuf>,
    /// What the process does.
    pub status: Status,
    /// What it waits for, in Claude Code's words, for example `permission prompt`.
    pub waiting_for: Option<String>,
    /// Claude Code's version.
    pub version: Option<String>,
}

/// What a running process does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The prompt is free.
    Idle,
    /// A turn is in progress.
    Busy,
    /// A dialog waits for the user.
    Waiting,
    /// Another word, or none.
    Other(Option<String>),
}

/// Reads what the process `pid` says of itself; `None` when there is no such file or it is not
/// (yet) whole.
///
/// # Errors
/// When the file exists and cannot be read.
pub fn read(config_dir: &Path, pid: u32) -> io::Result<Option<Running>> {
    let path = config_dir.join("sessions").join(format!("{pid}.json"));
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(FILE_MAX).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> Option<Running> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        session_id: Uuid,
        cwd: Option<PathBuf>,
        status: Option<String>,
        waiting_for: Option<String>,
        version: Option<String>,
    }
    let document: Document = serde_json::from_slice(bytes).ok()?;
    let status = match document.status.as_deref() {
        Some("idle") => Status::Idle,
        Some("busy") => Status::Busy,
        Some("waiting") => Status::Waiting,
        _ => Status::Other(document.status),
    };
    Some(Running {
        session_id: document.session_id,
        cwd: document.cwd,
        status,
        waiting_for: document.waiting_for,
        version: document.version,
    })
}

//! Metadata of an agent in the agent's folder, for a later server.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wxcode_core::id::Id;
use wxcode_holder::folder::{read_spec, write_whole};

use crate::disk::on_disk;

/// The file's name.
const FILE: &str = "metadata.json";
/// The version of files written by this build.
const VERSION: u32 = 1;

/// Metadata in the spec, fixed at the launch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::agent) struct Metadata {
    pub(in crate::agent) project_id: Id,
    /// The conversation at the start.
    pub(in crate::agent) claude_session_id: Uuid,
    /// Whether the conversation was resumed.
    pub(in crate::agent) resumed: bool,
    /// Why the previous conversation was lost.
    #[serde(default)]
    pub(in crate::agent) lost: Option<String>,
    /// Claude's configuration folder as the agent sees it.
    pub(in crate::agent) config_dir: PathBuf,
    /// The prompt of a run.
    #[serde(default)]
    pub(in crate::agent) prompt: Option<String>,
}

/// The launch of an agent, read from the agent's folder.
pub(in crate::agent) struct Launch {
    pub(in crate::agent) metadata: Metadata,
    pub(in crate::agent) workspace: PathBuf,
    pub(in crate::agent) at: Timestamp,
}

impl Launch {
    /// Reads the spec; `None` without a whole spec.
    pub(in crate::agent) fn read(dir: &Path) -> Option<Self> {
        let spec = read_spec(dir).ok()?;
        Some(Self {
            metadata: serde_json::from_value(spec.note).ok()?,
            workspace: spec.cwd,
            at: spec.created_at.parse().ok()?,
        })
    }
}

/// Metadata found out while the agent runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::agent) struct LiveMetadata {
    version: u32,
    /// The depth of the agent's hooks, in generations below the agent's process.
    #[serde(default)]
    pub(in crate::agent) hook_depth: Option<u8>,
    /// The version of Claude Code.
    #[serde(default)]
    pub(in crate::agent) claude_version: Option<String>,
    /// The permission mode and the model in effect.
    #[serde(default)]
    pub(in crate::agent) permission_mode: Option<String>,
    #[serde(default)]
    pub(in crate::agent) model: Option<String>,
}

impl Default for LiveMetadata {
    fn default() -> Self {
        Self {
            version: VERSION,
            hook_depth: None,
            claude_version: None,
            permission_mode: None,
            model: None,
        }
    }
}

impl LiveMetadata {
    /// Reads the file; the default without a whole file.
    pub(in crate::agent) fn read(dir: &Path) -> Self {
        on_disk(|| fs::read(dir.join(FILE)))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(in crate::agent) fn write(&self, dir: &Path) -> io::Result<()> {
        let json = serde_json::to_vec(self)?;
        on_disk(|| write_whole(dir, FILE, &json)).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_defaults_when_missing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(LiveMetadata::read(dir.path()), LiveMetadata::default());
        let live_metadata = LiveMetadata {
            hook_depth: Some(2),
            claude_version: Some("2.1.329".into()),
            permission_mode: Some("auto".into()),
            model: Some("a model".into()),
            ..LiveMetadata::default()
        };
        live_metadata.write(dir.path()).unwrap();
        assert_eq!(LiveMetadata::read(dir.path()), live_metadata);
        fs::write(dir.path().join(FILE), "{\"version\":1,\"hook_").unwrap();
        assert_eq!(LiveMetadata::read(dir.path()), LiveMetadata::default());
    }
}

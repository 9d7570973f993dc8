//! Copies of conversations in a store: files of bytes that grow.
//!
//! A piece of a file is first staged, which no reader sees, and then published by one conditional
//! change. So a file is whole at each moment, and a writer with an older epoch changes nothing.

use async_trait::async_trait;
use uuid::Uuid;
use wxcode_core::id::Id;

use crate::{Result, StoreError};

/// Most bytes of one staged piece.
pub const PIECE_MAX: usize = 4 << 20; // 4 MiB
/// Most bytes of one answer, but for its last piece.
pub const READ_MAX: usize = 8 << 20; // 8 MiB
/// Longest name of a file, in bytes.
pub const NAME_MAX: usize = 400;

/// A file of a conversation's copy, as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFile {
    pub conversation: Uuid,
    /// Its path below the folder of the conversation's copy.
    pub name: String,
    /// Rises when the file is written anew.
    pub version: u64,
    /// The size in bytes.
    pub len: u64,
    /// The epoch of the lease of the last writer.
    pub epoch: u64,
}

impl CopyFile {
    /// The same file with more bytes.
    #[must_use]
    pub fn longer(&self, bytes: usize) -> Self {
        Self {
            len: self.len + bytes as u64,
            ..self.clone()
        }
    }

    /// Checks the name: plain, relative, bounded.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for another one.
    pub fn check(&self) -> Result<()> {
        let is_plain = |part: &str| {
            !part.is_empty() && part != "." && part != ".." && !part.contains(['\0', '\\'])
        };
        if self.name.len() <= NAME_MAX && self.name.split('/').all(is_plain) {
            return Ok(());
        }
        Err(StoreError::Refused(format!(
            "a copy's file has the name {:?}: a relative path of at most {NAME_MAX} bytes is expected",
            self.name
        )))
    }
}

/// Operations on copies of conversations. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait CopyStore: Send + Sync + 'static {
    /// The published files of a project's copies, by conversation and name.
    async fn copies(&self, project: Id) -> Result<Vec<CopyFile>>;
    /// Reads a published file from an offset on: one or more pieces, none at its end. A file that
    /// is damaged or was replaced is [`StoreError::Corrupt`].
    async fn read_copy(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>>;
    /// Stages at most [`PIECE_MAX`] bytes after the first `file.len` bytes of a version, for the
    /// writer with `file.epoch`. A repeated call changes nothing.
    async fn stage_copy(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()>;
    /// Publishes the staged bytes, if the published file is still `old` (`None`: not there) and no
    /// newer epoch wrote it. Returns whether it is published; a repeated call counts as published.
    async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool>;
    /// Removes the copies of a project, published and staged.
    async fn remove_copies(&self, project: Id) -> Result<()>;
}

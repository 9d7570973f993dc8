//! Reads an open regular file, within a bound.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::whole;
use crate::FileError;

/// An open regular file.
#[derive(Debug)]
pub struct RegularFile {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) metadata: Metadata,
}

impl RegularFile {
    /// The size in bytes at the time of opening.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.metadata.len()
    }

    /// Whether the file had no bytes at the time of opening.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time of the last change.
    #[must_use]
    pub fn modified(&self) -> Option<SystemTime> {
        self.metadata.modified().ok()
    }

    /// The path, as requested.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all bytes.
    ///
    /// # Errors
    /// There are more than `max` bytes, or they cannot be read.
    pub fn read(self, max: u64) -> Result<Vec<u8>, FileError> {
        let (len, path) = (self.len(), self.path.clone());
        if len > max {
            return Err(FileError::TooLarge { path, len, max });
        }
        // The file may grow, and some file systems report no sizes.
        let bytes = self.beginning(max.saturating_add(1))?;
        let read = bytes.len() as u64;
        if read > max {
            return Err(FileError::TooLarge {
                path,
                len: read,
                max,
            });
        }
        Ok(bytes)
    }

    /// Reads the first `max` bytes, or all.
    ///
    /// # Errors
    /// The bytes cannot be read.
    pub fn beginning(self, max: u64) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        self.file
            .take(max)
            .read_to_end(&mut bytes)
            .map_err(|error| whole(&self.path, "read", error))?;
        Ok(bytes)
    }

    /// A reader of at most `max` bytes.
    #[must_use]
    pub fn reader(self, max: u64) -> io::Take<File> {
        self.file.take(max)
    }
}

//! The identity of a session: the folder, the spec, and the record of the processes.

use std::path::{Path, PathBuf};

use wxcode_protocol::holder::PROTOCOL;

use crate::folder::{BUILD, FolderError, HOLDER, HolderFile, Spec, write_json};

/// A session's folder, spec and record.
pub(super) struct Session {
    dir: PathBuf,
    spec: Spec,
    file: HolderFile,
    /// The number of earlier programs of the session.
    upgrades: u32,
}

impl Session {
    pub(super) fn new(dir: &Path, spec: Spec, file: HolderFile) -> Self {
        Self {
            dir: dir.to_owned(),
            spec,
            file,
            upgrades: 0,
        }
    }

    /// Continues a session after `upgrades` earlier programs; records this build in the folder.
    ///
    /// # Errors
    /// The record cannot be written; the session continues all the same.
    pub(super) fn continued(&mut self, upgrades: u32) -> Result<(), FolderError> {
        self.upgrades = upgrades;
        self.file.build = BUILD.to_owned();
        (self.file.protocol_min, self.file.protocol_max) = (PROTOCOL, PROTOCOL);
        write_json(&self.dir, HOLDER, &self.file)
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn file(&self) -> &HolderFile {
        &self.file
    }

    pub(super) fn upgrades(&self) -> u32 {
        self.upgrades
    }
}

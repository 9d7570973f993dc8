//! Copies of conversations, measured; their changes have no events.

use wxcode_core::id::Id;
use wxcode_store::{CopyFile, Result};

use super::Repository;

impl Repository {
    pub(crate) async fn copies(&self, project: Id) -> Result<Vec<CopyFile>> {
        self.run("copies", self.0.store.copies(project)).await
    }

    pub(crate) async fn read_copy(
        &self,
        project: Id,
        file: &CopyFile,
        offset: u64,
    ) -> Result<Vec<u8>> {
        let reading = self.0.store.read_copy(project, file, offset);
        self.run("read_copy", reading).await
    }

    pub(crate) async fn stage_copy(
        &self,
        project: Id,
        file: &CopyFile,
        bytes: &[u8],
    ) -> Result<()> {
        let staging = self.0.store.stage_copy(project, file, bytes);
        self.run("stage_copy", staging).await
    }

    pub(crate) async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let publishing = self.0.store.publish_copy(project, old, new);
        self.run("publish_copy", publishing).await
    }

    pub(crate) async fn remove_copies(&self, project: Id) -> Result<()> {
        self.run("remove_copies", self.0.store.remove_copies(project))
            .await
    }
}

//! The promises about copies of conversations.

use async_trait::async_trait;
use wxcode_core::id::Id;

use crate::{CopyFile, CopyStore, Result, sqlite::store::SqliteStore};

#[async_trait]
impl CopyStore for SqliteStore {
    async fn copies(&self, project: Id) -> Result<Vec<CopyFile>> {
        self.with_copies(move |copies| copies.list(project)).await
    }

    async fn read_copy(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>> {
        let file = file.clone();
        self.with_copies(move |copies| copies.read(project, &file, offset))
            .await
    }

    async fn stage_copy(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()> {
        let (file, bytes) = (file.clone(), bytes.to_vec());
        self.with_copies(move |copies| copies.stage(project, &file, &bytes))
            .await
    }

    async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let (old, new) = (old.cloned(), new.clone());
        self.with_copies(move |copies| copies.publish(project, old.as_ref(), &new))
            .await
    }

    async fn remove_copies(&self, project: Id) -> Result<()> {
        self.with_copies(move |copies| copies.remove(project)).await
    }
}

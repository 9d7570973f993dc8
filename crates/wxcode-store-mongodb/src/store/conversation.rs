//! The promises about copies of conversations.

use std::sync::Arc;

use async_trait::async_trait;
use wxcode_core::id::Id;
use wxcode_store::{CopyFile, CopyStore, Result};

use super::MongoStore;
use crate::conversation;

#[async_trait]
impl CopyStore for MongoStore {
    async fn copies(&self, project: Id) -> Result<Vec<CopyFile>> {
        self.run(move |records, _| async move { conversation::list(&records, project).await })
            .await
    }

    async fn read_copy(&self, project: Id, file: &CopyFile, offset: u64) -> Result<Vec<u8>> {
        let file = file.clone();
        self.run(move |records, _| {
            let file = file.clone();
            async move { conversation::read_from(&records, project, &file, offset).await }
        })
        .await
    }

    async fn stage_copy(&self, project: Id, file: &CopyFile, bytes: &[u8]) -> Result<()> {
        file.check()?;
        let (file, bytes) = (file.clone(), Arc::<[u8]>::from(bytes));
        self.run(move |records, _| {
            let (file, bytes) = (file.clone(), Arc::clone(&bytes));
            async move { conversation::stage(&records, project, &file, &bytes).await }
        })
        .await
    }

    async fn publish_copy(
        &self,
        project: Id,
        old: Option<&CopyFile>,
        new: &CopyFile,
    ) -> Result<bool> {
        let (old, new) = (old.cloned(), new.clone());
        self.run(move |records, _| {
            let (old, new) = (old.clone(), new.clone());
            async move { conversation::publish(&records, project, old.as_ref(), &new).await }
        })
        .await
    }

    async fn remove_copies(&self, project: Id) -> Result<()> {
        self.run(move |records, _| async move { conversation::remove(&records, project).await })
            .await
    }
}

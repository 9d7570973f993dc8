//! The promises about credentials and the audit.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, LastUse},
    id::Id,
};
use wxcode_store::{AccessStore, Result};

use super::MongoStore;
use crate::access;

#[async_trait]
impl AccessStore for MongoStore {
    async fn add_credential(&self, credential: &Credential) -> Result<bool> {
        let credential = credential.clone();
        self.run(move |records, _| {
            let credential = credential.clone();
            async move { access::add(&records, &credential).await }
        })
        .await
    }

    async fn credential(&self, id: Id) -> Result<Option<Credential>> {
        self.run(move |records, _| async move { access::get(&records, id).await })
            .await
    }

    async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        self.run(move |records, _| async move { access::list(&records, kind, project).await })
            .await
    }

    async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let last_use = last_use.clone();
        self.run(move |records, _| {
            let last_use = last_use.clone();
            async move { access::note_use(&records, id, &last_use, expires_at).await }
        })
        .await
    }

    async fn remove_credential(&self, id: Id) -> Result<bool> {
        self.run(move |records, attempt| async move {
            access::remove(&records, id, attempt.is_again).await
        })
        .await
    }

    async fn remove_expired(&self, before: Timestamp) -> Result<u64> {
        self.run(move |records, _| async move { access::remove_expired(&records, before).await })
            .await
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.run(move |records, _| {
            let entry = entry.clone();
            async move { access::add_audit(&records, &entry).await }
        })
        .await
    }

    async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.run(move |records, _| async move { access::audit(&records, before, limit).await })
            .await
    }
}

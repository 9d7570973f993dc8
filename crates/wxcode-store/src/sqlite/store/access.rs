//! The promises about credentials and the audit.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, LastUse},
    id::Id,
};

use crate::{
    AccessStore, Result,
    sqlite::{access, store::SqliteStore},
};

#[async_trait]
impl AccessStore for SqliteStore {
    async fn add_credential(&self, credential: &Credential) -> Result<bool> {
        let credential = credential.clone();
        self.writer
            .run(move |tx| access::add(tx, &credential))
            .await
    }

    async fn credential(&self, id: Id) -> Result<Option<Credential>> {
        self.readers.run(move |tx| access::get(tx, id)).await
    }

    async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        self.readers
            .run(move |tx| access::list(tx, kind, project))
            .await
    }

    async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let last_use = last_use.clone();
        self.writer
            .run(move |tx| access::note_use(tx, id, &last_use, expires_at))
            .await
    }

    async fn remove_credential(&self, id: Id) -> Result<bool> {
        self.writer.run(move |tx| access::remove(tx, id)).await
    }

    async fn remove_expired(&self, before: Timestamp) -> Result<u64> {
        self.writer
            .run(move |tx| access::remove_expired(tx, before))
            .await
    }

    async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        let entry = entry.clone();
        self.writer
            .run(move |tx| access::add_audit(tx, &entry))
            .await
    }

    async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.readers
            .run(move |tx| access::audit(tx, before, limit))
            .await
    }
}

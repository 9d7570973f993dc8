//! Credentials and the audit, measured; their changes have no events.

use jiff::Timestamp;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, LastUse},
    id::Id,
};
use wxcode_store::Result;

use super::Repository;

impl Repository {
    pub(crate) async fn add_credential(&self, credential: &Credential) -> Result<bool> {
        let adding = self.0.store.add_credential(credential);
        self.run("add_credential", adding).await
    }

    pub(crate) async fn credential(&self, id: Id) -> Result<Option<Credential>> {
        self.run("credential", self.0.store.credential(id)).await
    }

    pub(crate) async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>> {
        let listing = self.0.store.credentials(kind, project);
        self.run("credentials", listing).await
    }

    pub(crate) async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool> {
        let noting = self.0.store.use_credential(id, last_use, expires_at);
        self.run("use_credential", noting).await
    }

    pub(crate) async fn remove_credential(&self, id: Id) -> Result<bool> {
        let removing = self.0.store.remove_credential(id);
        self.run("remove_credential", removing).await
    }

    pub(crate) async fn remove_expired(&self, before: Timestamp) -> Result<u64> {
        let removing = self.0.store.remove_expired(before);
        self.run("remove_expired", removing).await
    }

    pub(crate) async fn add_audit(&self, entry: &AuditEntry) -> Result<()> {
        self.run("add_audit", self.0.store.add_audit(entry)).await
    }

    pub(crate) async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>> {
        self.run("audit", self.0.store.audit(before, limit)).await
    }
}

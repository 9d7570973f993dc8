//! Credentials and the audit in a store.

use async_trait::async_trait;
use jiff::Timestamp;
use wxcode_core::{
    access::{AuditEntry, Credential, CredentialKind, LastUse},
    id::Id,
};

use crate::Result;

/// Most credentials of a kind in a list.
pub const CREDENTIALS_MAX: u64 = 10_000;
/// Most entries of the audit; the oldest go first.
pub const AUDIT_MAX: u64 = 100_000;

/// Operations on credentials and the audit. See [`crate::Store`] for the promises of all
/// operations.
#[async_trait]
pub trait AccessStore: Send + Sync + 'static {
    /// Adds a credential; false if another token has the name. The same credential again is no
    /// change.
    async fn add_credential(&self, credential: &Credential) -> Result<bool>;
    /// A credential, also an expired credential.
    async fn credential(&self, id: Id) -> Result<Option<Credential>>;
    /// The credentials of a kind, of a single project or of all, oldest first, at most
    /// [`CREDENTIALS_MAX`].
    async fn credentials(
        &self,
        kind: CredentialKind,
        project: Option<Id>,
    ) -> Result<Vec<Credential>>;
    /// Records the last use, and sets the expiry; false without the credential.
    async fn use_credential(
        &self,
        id: Id,
        last_use: &LastUse,
        expires_at: Option<Timestamp>,
    ) -> Result<bool>;
    /// Removes a credential; false if there was no credential. Removing a project removes the
    /// project's credentials.
    async fn remove_credential(&self, id: Id) -> Result<bool>;
    /// Removes the credentials that expired before this time; returns their number.
    async fn remove_expired(&self, before: Timestamp) -> Result<u64>;
    /// Appends to the audit, which keeps at least the newest [`AUDIT_MAX`] entries.
    async fn add_audit(&self, entry: &AuditEntry) -> Result<()>;
    /// Entries older than the entry with the id, or the newest entries; newest first, at most
    /// `limit`.
    async fn audit(&self, before: Option<Id>, limit: u64) -> Result<Vec<AuditEntry>>;
}

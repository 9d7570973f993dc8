//! Changes of any process that a store tells of, so that nobody has to look for them.

use async_trait::async_trait;
use wxcode_core::id::Id;

use crate::Result;

/// A change by another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// Changes may have passed unseen: look at everything.
    Any,
    /// A project has a new delivery.
    Delivery(Id),
    /// A credential was removed, or has other rights.
    Credential,
    /// A node came, or its record was removed.
    Node,
}

/// Changes that a store tells of. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait ChangeStore: Send + Sync + 'static {
    /// Tells of changes by other processes until the store fails. Begins with [`Change::Any`].
    /// Returns at once on a store that tells of none: then its users look by themselves.
    ///
    /// # Errors
    /// The store cannot be reached any more.
    async fn follow_changes(&self, tell: &(dyn Fn(Change) + Send + Sync)) -> Result<()> {
        let _ = tell;
        Ok(())
    }
}

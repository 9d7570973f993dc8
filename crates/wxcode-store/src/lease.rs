//! Leases in a store.

use async_trait::async_trait;
use wxcode_core::{id::Id, lease::Lease};

use crate::Result;

/// The answer to replacing a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// This call replaced the lease.
    Won,
    /// The lease was another lease, named here; nothing changed.
    Lost(Option<Lease>),
    /// The project does not exist.
    NoProject,
}

/// Operations on leases. See [`crate::Store`] for the promises of all operations.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// A project's lease; `None` before the first lease, and without the project.
    async fn lease(&self, project: Id) -> Result<Option<Lease>>;
    /// Takes, renews or releases a project's lease: replaces `old` by `new` if the stored lease has
    /// the epoch and the renewal count of `old` ([`Lease::is_same`]); `None` expects no lease.
    /// [`wxcode_core::lease`] decides on `new`; `new` must differ from `old`. Nothing else of the
    /// project changes.
    async fn swap_lease(&self, project: Id, old: Option<&Lease>, new: &Lease) -> Result<Swapped>;
}

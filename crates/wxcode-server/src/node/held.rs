//! The held leases of other nodes.

use std::{collections::HashSet, sync::Arc};

use tokio::time::Instant;
use uuid::Uuid;
use wxcode_core::{id::Id, lease::Node};

/// A project of another node, the node, and whether its lease expired.
pub(super) type Elsewhere = (Id, Node, bool);

/// The held leases of other nodes.
pub(super) struct Held {
    pub(super) leases: Arc<Vec<Elsewhere>>,
    /// The nodes whose leases were left out.
    pub(super) but: HashSet<Uuid>,
    /// When they were read.
    pub(super) at: Instant,
}

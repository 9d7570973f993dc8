//! The other nodes, as last seen.

use std::collections::HashMap;

use tokio::time::Instant;
use uuid::Uuid;
use wxcode_core::node::NodeRecord;

/// The records of all nodes, as last read.
#[derive(Default)]
pub(super) struct Peers {
    pub(super) records: Vec<NodeRecord>,
    pub(super) read: Option<Instant>,
    /// Each node's last number of heartbeats, and when it was new.
    pub(super) beats: HashMap<Uuid, (u64, Instant)>,
    /// Peers that refused a connection, and when.
    pub(super) refused: HashMap<Uuid, Instant>,
    /// Peers that left a question unanswered, and when.
    pub(super) unanswered: HashMap<Uuid, Instant>,
    /// Sessions that started on peers by this node, since the last change of their heartbeat.
    pub(super) starts: HashMap<Uuid, u64>,
    /// The number of this node's heartbeats.
    pub(super) own_beat: u64,
}

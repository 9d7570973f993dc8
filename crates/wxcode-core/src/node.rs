//! The nodes of a store, as they register themselves.

use jiff::Timestamp;
use uuid::Uuid;

/// A node's record. The node alone writes it, as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRecord {
    /// The id of its data folder.
    pub id: Uuid,
    /// Its name for people.
    pub name: String,
    /// The address for its peers, such as `http://127.0.0.1:8052`.
    pub address: String,
    /// The SHA-256 of its certificate, if it speaks TLS itself: peers take no other one.
    pub fingerprint: Option<String>,
    pub version: String,
    /// Its live sessions and runs.
    pub sessions: u64,
    /// Most live sessions; `None`: any number.
    pub capacity: Option<u64>,
    /// Whether it takes no new sessions.
    pub draining: bool,
    /// The number of its heartbeats. Another node knows by a new number that this node lives; no
    /// clock is compared.
    pub beat: u64,
    /// The time of the last heartbeat by the node's own clock, to be shown.
    pub seen_at: Timestamp,
}

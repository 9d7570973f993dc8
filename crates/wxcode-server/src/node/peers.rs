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
    /// Sessions that this node started on peers, and that their records may not count yet.
    pub(super) starts: HashMap<Uuid, Starts>,
    /// The number of this node's heartbeats.
    pub(super) own_beat: u64,
}

/// The sessions started on a peer that its record may not count yet.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// Before the last look at the record.
    earlier: u64,
    /// Since the last look at the record.
    later: u64,
}

impl Starts {
    pub(super) const fn count(&self) -> u64 {
        self.earlier + self.later
    }

    pub(super) const fn add(&mut self) {
        self.later += 1;
    }

    /// The record was looked at. A new heartbeat counts what began before the previous look, and may
    /// be older than the rest.
    pub(super) const fn looked(&mut self, has_beaten: bool) {
        let before = if has_beaten { 0 } else { self.earlier };
        *self = Self {
            earlier: before + self.later,
            later: 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_counts_until_a_record_includes_it() {
        let mut starts = Starts::default();
        starts.add();
        starts.looked(false);
        starts.add();
        assert_eq!(starts.count(), 2);
        starts.looked(true);
        assert_eq!(
            starts.count(),
            1,
            "the later one may be missing in the record"
        );
        starts.looked(true);
        assert_eq!(starts.count(), 0);
    }
}

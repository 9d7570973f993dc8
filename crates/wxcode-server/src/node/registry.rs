//! The records of nodes: this one's heartbeat, and the liveness of the others.
//!
//! Invariant: a node lives for this one while the number of its heartbeats changes. Clocks of two
//! nodes are never compared.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use wxcode_core::{node::NodeRecord, time::to_millis};
use wxcode_store::Result;

use super::{
    Nodes,
    peers::{Peers, Starts},
};
use crate::{listen::Tls, sync::lock};

/// Pause between two heartbeats.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(10);
/// A node without a new heartbeat for this long is silent.
const SILENT: Duration = Duration::from_secs(35);
/// A silent node's record is removed after this time.
const FORGOTTEN: Duration = Duration::from_secs(24 * 3_600);
/// Records are read again for a request after this time.
const FRESH: Duration = Duration::from_secs(1);
/// A peer that refused a connection is not tried again for this time.
const REFUSED: Duration = Duration::from_secs(2);
/// A peer that left a question unanswered counts as silent for this time, except as the owner of a
/// project that a request changes.
const UNANSWERED: Duration = Duration::from_secs(2);

impl Nodes {
    /// Registers this node, and renews its record until the server ends.
    pub(crate) async fn keep_registered(&self) {
        loop {
            if let Err(error) = self.register().await {
                tracing::debug!(%error, "could not renew the record of this node");
            } else if let Err(error) = self.read().await {
                tracing::debug!(%error, "could not read the records of the nodes");
            }
            self.forget_gone().await;
            let next = Instant::now() + HEARTBEAT;
            loop {
                tokio::select! {
                    () = sleep_until(next) => break,
                    () = self.0.closing.cancelled() => return,
                    () = self.0.store.told_node() => {
                        if let Err(error) = self.read().await {
                            tracing::debug!(%error, "could not read the records of the nodes");
                        }
                    }
                }
            }
        }
    }

    /// Writes this node's record with a new heartbeat.
    pub(crate) async fn register(&self) -> Result<()> {
        // Known before the first forwarded request, also if the store is away then.
        self.key().await?;
        let beat = {
            let mut peers = lock(&self.0.peers);
            peers.own_beat += 1;
            peers.own_beat
        };
        let record = self.own_record(beat);
        self.0.store.put_node(&record).await
    }

    fn own_record(&self, beat: u64) -> NodeRecord {
        let inner = &self.0;
        NodeRecord {
            id: inner.own.id,
            name: inner.own.name.clone(),
            address: inner.address.clone(),
            fingerprint: inner.tls.as_ref().map(Tls::fingerprint),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sessions: inner.sessions.live(),
            capacity: inner.capacity,
            draining: inner.sessions.is_draining(),
            beat,
            seen_at: to_millis(Timestamp::now()),
        }
    }

    /// All nodes, with this one as it is now.
    pub(crate) async fn all(&self) -> Result<Vec<NodeRecord>> {
        self.read().await?;
        let peers = lock(&self.0.peers);
        let own = self.own_record(peers.own_beat);
        let mut all = peers.records.clone();
        match all.iter_mut().find(|record| record.id == own.id) {
            Some(record) => *record = own,
            None => all.push(own),
        }
        Ok(all)
    }

    async fn read(&self) -> Result<()> {
        let records = self.0.store.nodes().await?;
        let now = Instant::now();
        let mut peers = lock(&self.0.peers);
        let mut beaten = Vec::new();
        for record in &records {
            let seen = peers.beats.entry(record.id).or_insert((record.beat, now));
            if seen.0 != record.beat {
                *seen = (record.beat, now);
                beaten.push(record.id);
            }
        }
        for record in &records {
            let fingerprint = record.fingerprint.as_deref();
            self.0.pins.expect(&record.address, fingerprint);
        }
        for (id, starts) in &mut peers.starts {
            starts.looked(beaten.contains(id));
        }
        peers.starts.retain(|_, starts| starts.count() > 0);
        peers.records = records;
        peers.read = Some(now);
        Ok(())
    }

    /// Removes the records of nodes that are gone for good.
    async fn forget_gone(&self) {
        let gone: Vec<(Uuid, u64)> = {
            let mut peers = lock(&self.0.peers);
            let is_gone = |since: Instant| since.elapsed() >= FORGOTTEN;
            let beats = peers.beats.iter();
            let gone: Vec<(Uuid, u64)> = beats
                .filter(|(id, (_, since))| **id != self.0.own.id && is_gone(*since))
                .map(|(id, (beat, _))| (*id, *beat))
                .collect();
            for (id, _) in &gone {
                peers.beats.remove(id);
            }
            gone
        };
        for (id, beat) in gone {
            if let Err(error) = self.0.store.remove_node(id, beat).await {
                tracing::debug!(%error, node = %id, "could not remove the record of a node");
            }
        }
    }

    /// The record of a node, at most [`HEARTBEAT`] old unless the store is away. A node without a
    /// known record may have registered a moment ago, so its record is always looked up.
    pub(super) async fn record(&self, id: Uuid) -> Option<NodeRecord> {
        let find = |peers: &Peers| peers.records.iter().find(|record| record.id == id).cloned();
        let (known, read) = {
            let peers = lock(&self.0.peers);
            (find(&peers), peers.read)
        };
        if known.is_some() && read.is_some_and(|read| read.elapsed() < HEARTBEAT) {
            return known;
        }
        if let Err(error) = self.read().await {
            tracing::debug!(%error, "cannot read the records of the nodes");
        }
        find(&lock(&self.0.peers))
    }

    /// The records of all other nodes, at most [`FRESH`] old unless the store is away.
    pub(crate) async fn peers(&self) -> Vec<NodeRecord> {
        self.peers_within(FRESH).await
    }

    /// The records of all other nodes, at most this old unless the store is away.
    pub(super) async fn peers_within(&self, age: Duration) -> Vec<NodeRecord> {
        let read = lock(&self.0.peers).read;
        if read.is_none_or(|read| read.elapsed() >= age)
            && let Err(error) = self.read().await
        {
            tracing::debug!(%error, "cannot read the records of the nodes");
        }
        let peers = lock(&self.0.peers);
        let others = peers.records.iter();
        let others = others.filter(|record| record.id != self.0.own.id);
        let counted = others.map(|record| NodeRecord {
            sessions: record.sessions + peers.starts.get(&record.id).map_or(0, Starts::count),
            ..record.clone()
        });
        counted.collect()
    }

    /// Whether a peer may answer at once: it may live, and left no question unanswered lately.
    pub(crate) fn may_answer(&self, id: Uuid) -> bool {
        let unanswered = lock(&self.0.peers).unanswered.get(&id).copied();
        self.may_live(id) && unanswered.is_none_or(|at| at.elapsed() >= UNANSWERED)
    }

    /// Whether a peer may live: it beats, and did not just refuse a connection. A busy node lives,
    /// and answers late.
    pub(crate) fn may_live(&self, id: Uuid) -> bool {
        let peers = lock(&self.0.peers);
        let beats = peers.beats.get(&id);
        let is_silent = beats.is_some_and(|(_, since)| since.elapsed() >= SILENT);
        let refused = peers.refused.get(&id);
        !is_silent && refused.is_none_or(|at| at.elapsed() >= REFUSED)
    }

    /// Counts a session that starts on a peer, until the peer's record says so.
    pub(super) fn count_start(&self, id: Uuid) {
        let mut peers = lock(&self.0.peers);
        peers.starts.entry(id).or_default().add();
    }

    /// Notes that a peer left a question unanswered.
    pub(crate) fn left_unanswered(&self, id: Uuid) {
        lock(&self.0.peers).unanswered.insert(id, Instant::now());
    }

    /// Notes that a peer refused a connection.
    pub(crate) fn refused_connection(&self, id: Uuid) {
        lock(&self.0.peers).refused.insert(id, Instant::now());
    }
}

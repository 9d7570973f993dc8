//! Feeds a connection: from the ring buffer, the screen, the sizes and the journal.

use std::time::{Duration, Instant};

use super::{
    holder::Holder,
    log,
    peer::{Cursor, Peer, Phase},
    replay::Next,
};
use crate::journal;
use wxcode_protocol::holder::frame::{MAX_OUTPUT, MAX_SNAPSHOT};
use wxcode_protocol::holder::{Event, write_output};
use wxcode_terminal::Screen;

/// Shortest time between two snapshots for one connection.
pub(super) const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(100);
/// Longest wait of a snapshot for the end of a synchronized update, so that it shows no half frame.
pub(super) const OPEN_UPDATE: Duration = Duration::from_millis(50);
/// Most messages for one connection in one turn.
const MAX_TURN: usize = 256;

impl Holder {
    /// Gives a connection what it lacks, until it has all or its socket takes no more. Whether
    /// there is more to do
    /// for it at once.
    pub(super) fn serve(&mut self, peer: &mut Peer) -> bool {
        let lacks = self.give(peer);
        // Nothing wakes for a request that has come already and may be taken again.
        lacks || (peer.held_back && peer.listens())
    }

    /// Whether it lacks more that its socket would take.
    fn give(&mut self, peer: &mut Peer) -> bool {
        if peer.idle_until.is_some_and(|until| Instant::now() < until)
            && matches!(peer.phase, Phase::Open)
            && !self.queue_next(peer)
        {
            return false;
        }
        peer.idle_until = None;
        for _ in 0..MAX_TURN {
            peer.flush();
            if peer.blocked || !matches!(peer.phase, Phase::Open) {
                return false;
            }
            if !self.queue_next(peer) {
                return false;
            }
        }
        true
    }

    /// Queues the next message of a connection with an empty queue; returns whether there was one.
    fn queue_next(&mut self, peer: &mut Peer) -> bool {
        let before = peer.queued();
        let queued = self.queue_any(peer);
        peer.is_unasked_since(before);
        queued
    }

    fn queue_any(&mut self, peer: &mut Peer) -> bool {
        if self.queue_output(peer) || self.queue_event(peer) {
            return true;
        }
        let caught_up = match peer.output {
            Cursor::Off => true,
            Cursor::At(offset) => offset == self.ring.end(),
            Cursor::Behind => false,
        };
        match &self.exit {
            Some(exit) if caught_up && !peer.told_exit => {
                peer.told_exit = true;
                peer.tell(&Event::Exited(exit.clone()));
                true
            }
            _ => false,
        }
    }

    fn queue_output(&mut self, peer: &mut Peer) -> bool {
        let Cursor::At(offset) = peer.output else {
            return peer.output == Cursor::Behind && self.queue_snapshot(peer);
        };
        if peer.replay.is_some() {
            match self.held_since(offset) {
                Some(change) => {
                    peer.replay = None;
                    peer.change = change;
                }
                None => return self.queue_replay(peer, offset),
            }
        }
        let Ok(change) = self.sizes.get(peer.change) else {
            peer.output = Cursor::Behind;
            return self.queue_snapshot(peer);
        };
        let mut max = MAX_OUTPUT;
        if let Some(change) = change {
            if change.offset <= offset {
                peer.change += 1;
                let size = change.size;
                peer.tell(&Event::Resized { offset, size });
                return true;
            }
            max = max.min(usize::try_from(change.offset - offset).unwrap_or(max));
        }
        match self.ring.read(offset, max) {
            None => {
                peer.output = Cursor::Behind;
                self.queue_snapshot(peer)
            }
            Some([]) => false,
            Some(bytes) => {
                peer.output = Cursor::At(offset + bytes.len() as u64);
                write_output(peer.out(), offset, bytes);
                true
            }
        }
    }

    /// The number of the first change of size at or after an offset, if all later ones are in
    /// memory.
    pub(super) fn held_since(&self, offset: u64) -> Option<u64> {
        let held = self.ring.start() <= offset;
        held.then(|| self.sizes.since(offset)).flatten()
    }

    fn queue_replay(&mut self, peer: &mut Peer, offset: u64) -> bool {
        let next = peer.replay.as_mut().map(|log| log.next(&self.dir, offset));
        match next.unwrap_or(Next::Lost) {
            Next::Output(bytes) => {
                peer.output = Cursor::At(offset + bytes.len() as u64);
                write_output(peer.out(), offset, &bytes);
            }
            Next::Resized(size) => peer.tell(&Event::Resized { offset, size }),
            Next::Nothing => {}
            Next::Lost => {
                peer.replay = None;
                peer.output = Cursor::Behind;
                return self.queue_snapshot(peer);
            }
        }
        true
    }

    fn queue_snapshot(&mut self, peer: &mut Peer) -> bool {
        let now = Instant::now();
        if peer.snapshot_at.is_some_and(|at| now < at) {
            return false;
        }
        if self.screen.modes().synchronized {
            let until = *peer.update_until.get_or_insert(now + OPEN_UPDATE);
            if now < until {
                return false;
            }
        }
        peer.update_until = None;
        let bytes = self.screen.snapshot_with_history(peer.history.0);
        peer.history.0 = peer.history.1;
        if bytes.len() > MAX_SNAPSHOT - 12 {
            log("a screen too large for a snapshot");
            peer.reject("the screen is too large for a snapshot; make the terminal smaller");
            return true;
        }
        let offset = self.ring.end();
        peer.snapshot_at = Some(now + BETWEEN_SNAPSHOTS);
        peer.output = Cursor::At(offset);
        peer.change = self.sizes.next();
        peer.tell(&Event::Snapshot {
            offset,
            size: self.screen.size(),
            bytes: bytes.into(),
        });
        true
    }

    fn queue_event(&mut self, peer: &mut Peer) -> bool {
        let Some(cursor) = &mut peer.hooks else {
            return false;
        };
        match self.journal.next(cursor) {
            Ok(Some(record)) => {
                peer.tell(&Event::Hook {
                    seq: record.seq,
                    pid: record.pid,
                    lineage: record.lineage,
                    payload: record.payload,
                });
                return true;
            }
            Ok(None) => {}
            Err(error) => {
                log(&format!("hook payloads cannot be read: {error}"));
                *cursor = journal::Cursor::from(self.journal.next_seq());
            }
        }
        // On an output stream the changes of size keep its order.
        if peer.output == Cursor::Off {
            match self.sizes.get(peer.change) {
                Ok(Some(change)) => {
                    peer.change += 1;
                    peer.tell(&Event::Resized {
                        offset: change.offset,
                        size: change.size,
                    });
                    return true;
                }
                Ok(None) => {}
                Err(_) => peer.change = self.sizes.next().saturating_sub(1),
            }
        }
        if std::mem::take(&mut peer.quiet) {
            peer.tell(&Event::Quiet {
                offset: self.ring.end(),
                modes: self.screen.modes(),
            });
            return true;
        }
        false
    }
}

//! Feeds a connection: from the ring buffer, the screen, the sizes and the journal.

use std::time::{Duration, Instant};
use wxcode_protocol::Output;

use super::{
    peer::{Cursor, Peer, Phase},
    replay::{Next, Replay},
};
use crate::{
    journal,
    process::{holder::Holder, own_log::log},
};
use wxcode_protocol::holder::frame::{MAX_OUTPUT, MAX_SNAPSHOT};
use wxcode_protocol::holder::{Event, write_output};
use wxcode_terminal::Screen;

/// Shortest time between two snapshots for a connection.
pub(crate) const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(100);
/// Shortest time between two reports about the agent's status for a connection; a hook payload
/// after the report does not wait for this time.
pub(crate) const BETWEEN_REPORTS: Duration = Duration::from_millis(50);
/// Longest wait of a snapshot for the end of a synchronized update. The wait avoids half a frame in
/// the snapshot.
pub(crate) const OPEN_UPDATE: Duration = Duration::from_millis(50);
/// Most bytes of output before a requested snapshot; the snapshot replaces more output than this.
const BEFORE_REDRAW: u64 = 256 << 10; // 256 KiB
/// Most messages for a connection in a turn.
const MAX_TURN: usize = 256;

/// Sends output from an offset on, or a snapshot, with at most `history` bytes of history.
pub(crate) fn attach(holder: &Holder, peer: &mut Peer, since: Option<u64>, history: u32) {
    peer.history = (history as usize, history as usize);
    let output = &holder.output;
    peer.replay = None;
    peer.redraw = false;
    peer.output = Cursor::Behind;
    let Some(at) = since.filter(|at| *at <= output.end()) else {
        return;
    };
    if let Some(change) = output.held_since(at) {
        peer.change = change;
        peer.output = Cursor::At(at);
    } else if let Some(replay) = Replay::open(holder.session.dir(), at) {
        peer.replay = Some(replay);
        peer.output = Cursor::At(at);
    }
}

/// Sends a snapshot next. A connection that keeps up receives the output before the snapshot as
/// well: a copy to the clipboard is in no snapshot.
pub(crate) fn redraw(peer: &mut Peer, history: u32) {
    peer.history.0 = history as usize;
    match peer.output {
        Cursor::At(_) if peer.replay.is_none() => peer.redraw = true,
        _ => {
            peer.replay = None;
            peer.output = Cursor::Behind;
        }
    }
}

/// Sends the output, events and snapshots that a connection has not received, until nothing is left
/// or the socket takes no more. Returns whether the function can send more immediately.
pub(crate) fn serve(holder: &mut Holder, peer: &mut Peer) -> bool {
    let more = give(holder, peer);
    // No poll wakes the loop for an earlier request that waited for room.
    more || (peer.held_back && peer.listens())
}

/// Returns whether the turn ended before the output did.
fn give(holder: &mut Holder, peer: &mut Peer) -> bool {
    if peer.idle_until.is_some_and(|until| Instant::now() < until)
        && matches!(peer.phase, Phase::Open)
        && !queue_next(holder, peer)
    {
        return false;
    }
    peer.idle_until = None;
    for _ in 0..MAX_TURN {
        peer.flush();
        if peer.blocked || peer.is_cut || !matches!(peer.phase, Phase::Open) {
            return false;
        }
        if !queue_next(holder, peer) {
            return false;
        }
    }
    true
}

/// Queues the next message of a connection with an empty queue; returns whether there was a
/// message.
fn queue_next(holder: &mut Holder, peer: &mut Peer) -> bool {
    let before = peer.queued();
    let queued = queue_any(holder, peer);
    peer.mark_unasked_since(before);
    queued
}

fn queue_any(holder: &mut Holder, peer: &mut Peer) -> bool {
    if queue_output(holder, peer) || queue_event(holder, peer) {
        return true;
    }
    let caught_up = match peer.output {
        Cursor::Off => true,
        Cursor::At(offset) => offset == holder.output.end(),
        Cursor::Behind => false,
    };
    match holder.life.exit() {
        Some(exit) if caught_up && !peer.exit_sent => {
            peer.exit_sent = true;
            peer.send(&Event::Output(Output::Exited(exit.clone())));
            true
        }
        _ => false,
    }
}

fn queue_output(holder: &mut Holder, peer: &mut Peer) -> bool {
    let Cursor::At(offset) = peer.output else {
        return peer.output == Cursor::Behind && queue_snapshot(holder, peer);
    };
    if peer.redraw {
        let before = holder.output.end().saturating_sub(offset);
        if before > BEFORE_REDRAW {
            peer.output = Cursor::Behind;
            return queue_snapshot(holder, peer);
        }
        if before == 0 && queue_snapshot(holder, peer) {
            return true;
        }
    }
    if peer.replay.is_some() {
        match holder.output.held_since(offset) {
            Some(change) => {
                peer.replay = None;
                peer.change = change;
            }
            None => return queue_replay(holder, peer, offset),
        }
    }
    let Ok(change) = holder.output.sizes().get(peer.change) else {
        peer.output = Cursor::Behind;
        return queue_snapshot(holder, peer);
    };
    let mut max = MAX_OUTPUT;
    if let Some(change) = change {
        if change.offset <= offset {
            peer.change += 1;
            let size = change.size;
            peer.send(&Event::Output(Output::Resized { offset, size }));
            return true;
        }
        max = max.min(usize::try_from(change.offset - offset).unwrap_or(max));
    }
    match holder.output.ring().read(offset, max) {
        None => {
            peer.output = Cursor::Behind;
            queue_snapshot(holder, peer)
        }
        Some([]) => false,
        Some(bytes) => {
            peer.output = Cursor::At(offset + bytes.len() as u64);
            write_output(peer.out(), offset, bytes);
            true
        }
    }
}

fn queue_replay(holder: &mut Holder, peer: &mut Peer, offset: u64) -> bool {
    let next = peer
        .replay
        .as_mut()
        .map(|log| log.next(holder.session.dir(), offset));
    match next.unwrap_or(Next::Lost) {
        Next::Output(bytes) => {
            peer.output = Cursor::At(offset + bytes.len() as u64);
            write_output(peer.out(), offset, &bytes);
        }
        Next::Resized(size) => peer.send(&Event::Output(Output::Resized { offset, size })),
        Next::Nothing => {}
        Next::Lost => {
            peer.replay = None;
            peer.output = Cursor::Behind;
            return queue_snapshot(holder, peer);
        }
    }
    true
}

fn queue_snapshot(holder: &mut Holder, peer: &mut Peer) -> bool {
    let now = Instant::now();
    if peer.snapshot_at.is_some_and(|at| now < at) {
        return false;
    }
    if holder.output.screen().modes().synchronized {
        let until = *peer.update_until.get_or_insert(now + OPEN_UPDATE);
        if now < until {
            return false;
        }
    }
    peer.update_until = None;
    let bytes = holder.output.screen().snapshot_with_history(peer.history.0);
    peer.history.0 = peer.history.1;
    if bytes.len() > MAX_SNAPSHOT - 12 {
        log("a screen too large for a snapshot");
        peer.reject("the screen is too large for a snapshot; make the terminal smaller");
        return true;
    }
    let offset = holder.output.end();
    peer.snapshot_at = Some(now + BETWEEN_SNAPSHOTS);
    peer.output = Cursor::At(offset);
    peer.redraw = false;
    peer.change = holder.output.sizes().next();
    peer.send(&Event::Output(Output::Snapshot {
        offset,
        size: holder.output.screen().size(),
        bytes: bytes.into(),
    }));
    true
}

/// Queues the newest report about the agent's status, in its order among the hook payloads.
fn queue_report(holder: &Holder, peer: &mut Peer) -> bool {
    let Some(report) = holder.output.report() else {
        return false;
    };
    // Hook payloads are numbered from 1.
    let Some(next) = peer.hooks.map(|cursor| cursor.seq().max(1)) else {
        return false;
    };
    peer.report_due = None;
    if report.number <= peer.report || next < report.next_hook_seq {
        return false;
    }
    let now = Instant::now();
    if next >= holder.journal.next_seq()
        && let Some(at) = peer.report_at.filter(|at| now < *at)
    {
        peer.report_due = Some(at);
        return false;
    }
    peer.report = report.number;
    peer.report_at = Some(now + BETWEEN_REPORTS);
    peer.send(&Event::Status {
        number: report.number,
        next_hook_seq: report.next_hook_seq,
        offset: report.offset,
        status: report.status.clone(),
    });
    true
}

fn queue_event(holder: &mut Holder, peer: &mut Peer) -> bool {
    if peer.hooks.is_none() {
        return false;
    }
    if queue_report(holder, peer) {
        return true;
    }
    let Some(cursor) = &mut peer.hooks else {
        return false;
    };
    match holder.journal.next(cursor) {
        Ok(Some(record)) => {
            peer.send(&Event::Hook {
                seq: record.seq,
                pid: record.pid,
                ancestry: record.ancestry,
                payload: record.payload,
            });
            return true;
        }
        Ok(None) => {}
        Err(error) => {
            log(&format!("hook payloads cannot be read: {error}"));
            *cursor = journal::Cursor::from(holder.journal.next_seq());
        }
    }
    // On an output stream the changes of size keep their order in the output.
    if peer.output == Cursor::Off {
        match holder.output.sizes().get(peer.change) {
            Ok(Some(change)) => {
                peer.change += 1;
                peer.send(&Event::Output(Output::Resized {
                    offset: change.offset,
                    size: change.size,
                }));
                return true;
            }
            Ok(None) => {}
            Err(_) => peer.change = holder.output.sizes().next().saturating_sub(1),
        }
    }
    if std::mem::take(&mut peer.quiet) {
        peer.send(&Event::Quiet {
            offset: holder.output.end(),
            modes: holder.output.screen().modes(),
        });
        return true;
    }
    false
}

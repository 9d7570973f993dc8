//! A connection: its socket, its queues in both directions, and its subscriptions.

use std::{
    io,
    time::{Duration, Instant},
};
use wxcode_protocol::Output;

use bytes::{Buf, Bytes, BytesMut};
use rustix::{
    fd::OwnedFd,
    net::{RecvFlags, SendFlags, recv, send},
};

use super::replay::Replay;
use crate::{journal, process::input::numbers::Name};
use wxcode_protocol::holder::Event;
use wxcode_protocol::holder::frame::{self, Decoder, TooLong, Type};

/// Time for a connection's first message.
pub(crate) const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// Most bytes of unread answers; beyond them, the connection's requests wait. Unrequested messages
/// do not count, and are queued singly. So a connection can send a large request while a large hook
/// waits for the connection.
pub(crate) const MAX_QUEUED: usize = 256 << 10; // 256 KiB
/// Largest queue kept for reuse, in bytes.
const KEPT: usize = 64 << 10; // 64 KiB
/// Delay of an input's acknowledgement, so that the acknowledgement goes out with the echo of a
/// key: the other side then wakes once instead of twice.
const ACK_DELAY: Duration = Duration::from_millis(5);
/// Most bytes read from a connection in a turn.
const MAX_READ: usize = 256 << 10; // 256 KiB

/// The phase of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No message yet; the holder closes the connection at this time.
    New(Instant),
    /// A client after its welcome.
    Open,
    /// To be closed once the queue is written.
    Closing,
    /// To be closed now.
    Dead,
}

/// A client's position in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    /// No output was requested.
    Off,
    /// The offset of the connection's next byte.
    At(u64),
    /// The connection needs a snapshot.
    Behind,
}

/// A connection.
pub(crate) struct Peer {
    pub(crate) id: u64,
    pub(crate) socket: OwnedFd,
    pub(crate) pid: i32,
    pub(crate) phase: Phase,
    decoder: Decoder,
    out: BytesMut,
    /// The bytes of `out` that [`MAX_QUEUED`] leaves out.
    unasked: usize,
    /// A whole received request waits until the client has taken the earlier answers.
    pub(crate) held_back: bool,
    /// The socket took no more; try when the socket reports room.
    pub(crate) blocked: bool,
    pub(crate) output: Cursor,
    /// The source of output older than the ring buffer.
    pub(crate) replay: Option<Replay>,
    /// A snapshot is to follow the output at hand.
    pub(crate) redraw: bool,
    /// The earliest time of the next snapshot.
    pub(crate) snapshot_at: Option<Instant>,
    /// A snapshot waits for the end of a synchronized update, until this time at most.
    pub(crate) update_until: Option<Instant>,
    /// Most bytes of history in the next snapshot, and in later snapshots.
    pub(crate) history: (usize, usize),
    /// The client's name.
    pub(crate) name: Option<Name>,
    /// The number of the connection's next change of size.
    pub(crate) change: u64,
    /// The connection's position in the hook payloads; `None` without a subscription.
    pub(crate) hooks: Option<journal::Cursor>,
    /// The number of the newest received report about the agent's status; 0 for none.
    pub(crate) report: u64,
    /// The earliest time of the next such report.
    pub(crate) report_at: Option<Instant>,
    /// A newer report waits until this time.
    pub(crate) report_due: Option<Instant>,
    /// A report of a quiet agent is due.
    pub(crate) quiet: bool,
    pub(crate) exit_sent: bool,
    /// The queue may wait for more messages, until this time at most.
    pub(crate) idle_until: Option<Instant>,
    /// The other end is closed; this end closes once everything received is processed.
    pub(crate) eof: bool,
    /// A write failed, because the other end is closed: its last requests may wait in the socket.
    pub(crate) is_cut: bool,
}

impl Peer {
    pub(crate) fn new(id: u64, socket: OwnedFd, pid: i32) -> Self {
        Self {
            id,
            socket,
            pid,
            phase: Phase::New(Instant::now() + HELLO_TIMEOUT),
            decoder: Decoder::default(),
            out: BytesMut::new(),
            unasked: 0,
            held_back: false,
            blocked: false,
            output: Cursor::Off,
            replay: None,
            redraw: false,
            snapshot_at: None,
            update_until: None,
            history: (0, 0),
            name: None,
            change: 0,
            hooks: None,
            report: 0,
            report_at: None,
            report_due: None,
            quiet: false,
            exit_sent: false,
            idle_until: None,
            eof: false,
            is_cut: false,
        }
    }

    /// Whether the holder takes requests from the connection now.
    pub(crate) fn listens(&self) -> bool {
        let asked = self.out.len() - self.unasked;
        matches!(self.phase, Phase::New(_) | Phase::Open) && asked <= MAX_QUEUED
    }

    /// Marks the messages queued after the first `before` bytes as no answers.
    pub(crate) fn mark_unasked_since(&mut self, before: usize) {
        self.unasked += self.out.len() - before;
    }

    /// How many bytes are queued.
    pub(crate) fn queued(&self) -> usize {
        self.out.len()
    }

    /// The time of the connection's next delayed message.
    pub(crate) fn due(&self) -> Option<Instant> {
        let waits = (self.redraw || self.output == Cursor::Behind) && !self.blocked;
        let snapshot = self.snapshot_at.max(self.update_until);
        let snapshot = snapshot.filter(|_| waits);
        let times = snapshot.into_iter().chain(self.idle_until);
        times.chain(self.report_due).min()
    }

    /// Queues a message.
    pub(crate) fn send(&mut self, event: &Event) {
        event.encode(&mut self.out);
    }

    /// Queues a message that may wait for further messages.
    pub(crate) fn send_delayed(&mut self, event: &Event) {
        if self.out.is_empty() {
            self.idle_until = Some(Instant::now() + ACK_DELAY);
        }
        self.send(event);
    }

    /// The queue, for appending frames.
    pub(crate) fn out(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    /// Whether the queue is written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// Queues the reason, and closes the connection after writing the reason.
    pub(crate) fn reject(&mut self, reason: &str) {
        let message = reason.to_owned();
        self.send(&Event::Output(Output::not_done(message)));
        self.phase = Phase::Closing;
    }

    /// Queues a frame with a JSON payload.
    pub(crate) fn send_json(&mut self, kind: Type, value: &impl serde::Serialize) {
        frame::write_json(&mut self.out, kind, value);
    }

    /// Reads arrived bytes through `scratch`.
    pub(crate) fn read(&mut self, scratch: &mut [u8]) {
        let mut taken = 0;
        while taken < MAX_READ {
            match recv(&self.socket, &mut *scratch, RecvFlags::DONTWAIT).map(|(n, _)| n) {
                Ok(0) => {
                    self.eof = true;
                    return;
                }
                Ok(n) => {
                    let n = n.min(scratch.len());
                    self.decoder.buffer().extend_from_slice(&scratch[..n]);
                    taken += n;
                    if n < scratch.len() {
                        return;
                    }
                }
                Err(rustix::io::Errno::AGAIN) => return,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    self.eof = true;
                    return;
                }
            }
        }
    }

    /// The next complete message.
    pub(crate) fn next_frame(&mut self) -> Result<Option<(Type, Bytes)>, TooLong> {
        if self.is_cut || self.eof {
            self.discard();
        }
        self.held_back = !self.listens();
        match self.held_back {
            false => self.decoder.next_frame(),
            true => Ok(None),
        }
    }

    /// Drops the queue: nobody takes it.
    fn discard(&mut self) {
        self.out = BytesMut::new();
        self.unasked = 0;
        self.blocked = false;
    }

    /// Writes the queue, as far as there is room in the socket.
    pub(crate) fn flush(&mut self) {
        if self.is_cut {
            return self.discard();
        }
        while !self.out.is_empty() {
            match send(
                &self.socket,
                &self.out,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            ) {
                Ok(n) => {
                    self.out.advance(n);
                    self.unasked = self.unasked.saturating_sub(n);
                }
                Err(rustix::io::Errno::AGAIN) => {
                    self.blocked = true;
                    return;
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    self.is_cut = true;
                    return self.discard();
                }
            }
        }
        self.blocked = false;
        if self.output == Cursor::Off || self.out.capacity() > KEPT {
            self.out = BytesMut::new(); // an idle connection holds no buffer
        }
        if self.phase == Phase::Closing {
            self.phase = Phase::Dead;
        }
    }
}

/// Queues a message for a connection, if the connection is still there.
pub(crate) fn send_to(peers: &mut [Peer], id: u64, event: &Event) {
    if let Some(peer) = peers.iter_mut().find(|peer| peer.id == id) {
        peer.send(event);
    }
}

/// The process at the other end, if of the same user or root.
pub(crate) fn admitted(socket: &OwnedFd) -> io::Result<Option<i32>> {
    let peer = rustix::net::sockopt::socket_peercred(socket)?;
    let own = rustix::process::geteuid();
    let known = peer.uid == own || peer.uid.is_root();
    Ok(known.then(|| peer.pid.as_raw_nonzero().get()))
}

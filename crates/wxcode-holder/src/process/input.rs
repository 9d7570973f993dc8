//! Input for the agent: taken from connections, and typed when the agent reads.
//!
//! Invariants: a delivery's key is typed at most once among the holder's newest 65,536 keys, and a
//! named client's input number at most once, on any connection and for any server. A client's input
//! is typed in order; only Ctrl+C overtakes input that waits for the agent or for the end of a
//! lock.

mod keys;
pub(super) mod lock;
pub(super) mod numbers;
mod paste;
mod queue;

use std::time::Instant;
use wxcode_protocol::Output;

use bytes::Bytes;
use rustix::{io::Errno, process::Signal};
use wxcode_protocol::holder::{Event, frame::MAX_KEY};

use crate::{
    process::io::{
        peer::{Peer, Phase, send_to},
        pty::Pty,
    },
    state,
};
use keys::Keys;
use lock::InputLock;
use numbers::{Name, Numbers};
use queue::{Origin, Queue};

/// Most bytes typed in a turn, so that the holder also reads output in between.
const SHARE: usize = 64 << 10; // 64 KiB

const ENDED: &str = "the agent has ended; start the session again";
const FULL: &str =
    "too much input waits for the agent to read; send it again when it has read some";
const BAD_KEY: &str = "the delivery's key is longer than 256 bytes; give it a shorter one";
const TAKEN: &str = "another connection has the input lock; try again when it is released";
const TAKEN_OVER: &str = "another connection uses this client's name; attach again, each client with a name of its own, then send it again";
const TYPING: &str = "other input is being typed; try again in a moment";
const UNREAD: &str = "the agent has not read all typed input; try again in a moment";
const EXPIRED: &str = "the input lock has expired";
const INTERRUPTED: &str = "another client pressed Ctrl+C";
const UNLOCKED: &str = "this connection does not have the input lock; acquire it first";

/// Waiting input, and the names, numbers and keys of input so far.
#[derive(Default)]
pub(super) struct Input {
    queue: Queue,
    lock: Option<InputLock>,
    /// The newest input number of each client.
    numbers: Numbers,
    /// The keys of the newest deliveries.
    keys: Keys,
    /// The PTY took no more input; try when the PTY reports room.
    pty_full: bool,
    /// The agent has ended: nothing more is taken.
    closed: bool,
}

impl Input {
    /// Continues another program's input.
    pub(super) fn continued(
        typing: &state::Typing,
        bytes: Vec<u8>,
        clients: &[state::Client],
        keys: Vec<String>,
    ) -> Self {
        Self {
            queue: Queue::continued(typing, bytes),
            numbers: Numbers::continued(clients),
            ..Self::with_keys(keys)
        }
    }

    /// No input, but the keys of earlier deliveries.
    pub(super) fn with_keys(keys: Vec<String>) -> Self {
        Self {
            keys: Keys::continued(keys),
            ..Self::default()
        }
    }

    /// The waiting input and its bytes, for handing over; `None` while a connection has the lock or
    /// input within a lock waits.
    pub(super) fn waiting(&self) -> Option<(state::Typing, Vec<u8>)> {
        self.queue.waiting().filter(|_| self.lock.is_none())
    }

    /// All clients, the longest silent one first.
    pub(super) fn clients(&self) -> Vec<state::Client> {
        self.numbers.clients()
    }

    /// The keys of the newest deliveries, the oldest first.
    pub(super) fn keys(&self) -> Vec<String> {
        self.keys.list()
    }

    /// The number of waiting bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.queue.bytes()
    }

    /// Whether input waits for the PTY to report room.
    pub(super) fn waits_for_room(&self) -> bool {
        self.pty_full && self.queue.next().is_some()
    }

    /// Whether input can be typed at once.
    pub(super) fn can_type(&self) -> bool {
        !self.closed && !self.pty_full && self.queue.next().is_some()
    }

    /// The end of the lock.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lock.map(InputLock::until)
    }

    /// The agent has ended: refuses further input.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Remembers a client by its name; returns the newest number taken from the client, 0 for none.
    /// An earlier connection of this name types nothing more.
    pub(super) fn identify(&mut self, peer: &mut Peer, name: Name) -> u64 {
        peer.name = Some(name);
        self.numbers.identify(name, peer.id)
    }

    /// Takes the screen's replies, to be typed before the next whole message.
    pub(super) fn reply(&mut self, replies: &mut Vec<u8>) {
        if !replies.is_empty() {
            self.queue.reply(replies);
        }
    }

    /// Takes input of a connection; a repeated number of a named client is only acknowledged.
    pub(super) fn take(&mut self, peer: &mut Peer, seq: u64, bytes: Bytes) {
        let client = peer.id;
        if peer
            .name
            .is_some_and(|name| self.numbers.is_taken_over(name, client))
        {
            return peer.send(&refused(Origin::Input { client, seq }, TAKEN_OVER));
        }
        let new = peer.name.is_none_or(|name| seq > self.numbers.newest(name));
        if !new {
            return peer.send(&Event::Output(Output::InputTaken { seq }));
        }
        let offered = match self.closed {
            false => self.queue.offer(Origin::Input { client, seq }, bytes),
            true => return peer.send(&refused(Origin::Input { client, seq }, ENDED)),
        };
        match (offered, peer.name) {
            (Ok(()), Some(name)) => self.numbers.take(name, seq),
            (Ok(()), None) => {}
            (Err(origin), _) => peer.send(&refused(origin, FULL)),
        }
    }

    /// Takes input within a lock.
    pub(super) fn take_locked(&mut self, peer: &mut Peer, lock: u64, seq: u64, bytes: Bytes) {
        let client = peer.id;
        let origin = Origin::Input { client, seq };
        let offered = match self.has_lock(peer, lock) {
            true => self.queue.offer_locked(origin, bytes),
            false => Err(origin),
        };
        if let Err(origin) = offered {
            peer.send(&refused(origin, UNLOCKED));
        }
    }

    /// Takes a delivery, within a lock or without a lock. The holder only acknowledges a known key.
    pub(super) fn deliver(
        &mut self,
        peer: &mut Peer,
        lock: Option<u64>,
        key: String,
        bytes: Bytes,
    ) {
        if self.keys.contains(&key) {
            return peer.send(&Event::Delivered { key, fresh: false });
        }
        let reason = if self.closed {
            ENDED
        } else if lock.is_some_and(|lock| !self.has_lock(peer, lock)) {
            UNLOCKED
        } else if key.len() > MAX_KEY {
            BAD_KEY
        } else {
            let client = peer.id;
            let origin = Origin::Delivery {
                client,
                key: key.clone(),
            };
            let offered = match lock {
                Some(_) => self.queue.offer_locked(origin, bytes),
                None => self.queue.offer(origin, bytes),
            };
            if offered.is_ok() {
                self.keys.insert(key);
                return;
            }
            FULL
        };
        let reason = reason.to_owned();
        peer.send(&Event::DeliverRefused { key, reason });
    }

    /// Grants the lock to a connection, unless another connection has the lock or a message is half
    /// typed.
    pub(super) fn acquire_lock(&mut self, pty: &Pty, peer: &mut Peer, number: u64, for_ms: u32) {
        let theirs = self.lock.is_some_and(|lock| lock.client() != peer.id);
        let renewed = self.lock.is_some() && !theirs;
        let refused = match () {
            () if theirs => Some(TAKEN),
            () if self.closed => Some(ENDED),
            () if pty.is_unread() => Some(UNREAD),
            () if !renewed && !self.queue.hold() => Some(TYPING),
            () => None,
        };
        if let Some(reason) = refused {
            let reason = reason.to_owned();
            return peer.send(&Event::Unlocked {
                lock: number,
                reason,
            });
        }
        self.lock = Some(InputLock::new(peer.id, number, for_ms));
        peer.send(&Event::Locked { lock: number });
    }

    /// Releases a lock of this connection.
    pub(super) fn release_lock(&mut self, peer: &mut Peer, number: u64) {
        if self.lock.is_some_and(|lock| lock.is(peer.id, number)) {
            self.lock = None;
            for event in self.end_lock() {
                peer.send(&event);
            }
        }
    }

    /// Ends the lock when the time is up, the connection is gone, or a client presses Ctrl+C.
    /// Ctrl+C precedes all waiting input.
    pub(super) fn end_lock_when_due(&mut self, pty: &Pty, peers: &mut [Peer]) {
        let Some(lock) = self.lock else { return };
        let owner = peers.iter().find(|peer| peer.id == lock.client());
        let interrupted = self.queue.has_interrupt();
        let gone = owner.is_none_or(|owner| owner.phase != Phase::Open);
        if !gone && !interrupted && Instant::now() < lock.until() {
            return;
        }
        self.lock = None;
        for event in self.end_lock() {
            send_to(peers, lock.client(), &event);
        }
        let reason = if interrupted { INTERRUPTED } else { EXPIRED }.to_owned();
        let unlocked = Event::Unlocked {
            lock: lock.number(),
            reason,
        };
        send_to(peers, lock.client(), &unlocked);
        if interrupted {
            self.interrupt(pty, peers);
        }
    }

    fn has_lock(&self, peer: &Peer, number: u64) -> bool {
        self.lock
            .is_some_and(|lock| lock.is(peer.id, number) && Instant::now() < lock.until())
    }

    /// Releases the waiting input. Messages within the lock came too late, and their keys are
    /// unused again: returns the refusals.
    fn end_lock(&mut self) -> Vec<Event> {
        let late = self.queue.release();
        for origin in &late {
            if let Origin::Delivery { key, .. } = origin {
                self.keys.remove(key);
            }
        }
        late.into_iter()
            .map(|origin| refused(origin, UNLOCKED))
            .collect()
    }

    /// While the agent does not read, Ctrl+C becomes the terminal's own result: a signal, or the
    /// next key.
    pub(super) fn interrupt_if_full(&mut self, pty: &Pty, peers: &mut [Peer]) {
        if self.pty_full {
            self.interrupt(pty, peers);
        }
    }

    fn interrupt(&mut self, pty: &Pty, peers: &mut [Peer]) {
        if !pty.makes_signals() {
            return self.queue.let_interrupts_overtake();
        }
        for origin in self.queue.take_interrupts() {
            let signalled = pty.signal(Signal::INT);
            if let Origin::Input { client, seq } = origin {
                let event = match signalled {
                    Ok(()) => Event::Output(Output::InputTaken { seq }),
                    Err(error) => Event::Output(Output::InputRefused {
                        seq,
                        reason: format!("no foreground process takes a Ctrl+C: {error}; try again"),
                    }),
                };
                send_to(peers, client, &event);
            }
        }
    }

    /// Types waiting input, as far as the agent reads; `room` says whether the PTY reported room.
    pub(super) fn type_waiting(&mut self, pty: &Pty, room: bool, peers: &mut [Peer]) {
        if self.pty_full && !room {
            return;
        }
        let mut typed = 0;
        self.pty_full = false;
        while typed < SHARE {
            let Some(bytes) = self.queue.next() else {
                return;
            };
            let bytes = &bytes[..bytes.len().min(SHARE)];
            let n = match bytes {
                [] => 0,
                bytes => match rustix::io::write(pty.master(), bytes) {
                    Ok(n) => n,
                    Err(Errno::AGAIN) => {
                        self.pty_full = true;
                        return;
                    }
                    Err(Errno::INTR) => continue,
                    Err(_) => return self.refuse_all(peers),
                },
            };
            typed += n;
            match self.queue.typed(n) {
                Some(Origin::Input { client, seq }) => {
                    if let Some(peer) = peers.iter_mut().find(|peer| peer.id == client) {
                        peer.send_delayed(&Event::Output(Output::InputTaken { seq }));
                    }
                }
                Some(Origin::Delivery { client, key }) => {
                    send_to(peers, client, &Event::Delivered { key, fresh: true });
                }
                None => {}
            }
        }
    }

    /// Drops the waiting input, and sends refusals to its connections.
    pub(super) fn refuse_all(&mut self, peers: &mut [Peer]) {
        for origin in self.queue.drain() {
            let client = origin.client();
            send_to(peers, client, &refused(origin, ENDED));
        }
    }
}

fn refused(origin: Origin, reason: &str) -> Event {
    let reason = reason.to_owned();
    match origin {
        Origin::Input { seq, .. } => Event::Output(Output::InputRefused { seq, reason }),
        Origin::Delivery { key, .. } => Event::DeliverRefused { key, reason },
    }
}

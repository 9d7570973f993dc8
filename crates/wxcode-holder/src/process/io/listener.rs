//! The socket on which clients and hooks connect.

use std::time::{Duration, Instant};

use rustix::{
    fd::OwnedFd,
    io::Errno,
    net::{SocketFlags, accept_with},
};

use super::peer::{Peer, admitted};

/// Most connections at a time; further connections wait for acceptance.
const MAX_PEERS: usize = 512;
/// Pause after the system could not accept a connection, for lack of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The listening socket, until the end of the session is recorded.
pub(crate) struct Listener {
    socket: Option<OwnedFd>,
    /// The number of the next connection.
    next_id: u64,
    connections: u32,
    /// No connection is accepted before this time.
    paused_until: Option<Instant>,
}

impl Listener {
    /// Listens on a socket; the first connection gets the number `next_id`.
    pub(crate) fn new(socket: OwnedFd, next_id: u64) -> Self {
        Self {
            socket: Some(socket),
            next_id,
            connections: 0,
            paused_until: None,
        }
    }

    /// The socket, until [`Listener::close`].
    pub(crate) fn socket(&self) -> Option<&OwnedFd> {
        self.socket.as_ref()
    }

    /// The socket, while there is room for another connection besides `peers`.
    pub(crate) fn awaits(&self, peers: &[Peer]) -> Option<&OwnedFd> {
        let takes = peers.len() < MAX_PEERS && self.paused_until.is_none();
        self.socket.as_ref().filter(|_| takes)
    }

    /// The end of a pause.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.paused_until
    }

    /// Ends the pause when its time is up.
    pub(crate) fn continue_when_due(&mut self, now: Instant) {
        self.paused_until = self.paused_until.filter(|until| now < *until);
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The number of connections at the end of the last turn, and connections accepted since.
    pub(crate) fn connections(&self) -> u32 {
        self.connections
    }

    /// Accepts waiting connections of this user and of root.
    pub(crate) fn accept(&mut self, peers: &mut Vec<Peer>) {
        let Some(socket) = &self.socket else {
            return;
        };
        while peers.len() < MAX_PEERS {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            match accept_with(socket, flags) {
                Ok(accepted) => {
                    if let Ok(Some(pid)) = admitted(&accepted) {
                        peers.push(Peer::new(self.next_id, accepted, pid));
                        self.next_id += 1;
                    }
                }
                Err(Errno::AGAIN) => break,
                // The connection ended while it waited.
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                // The connection keeps waiting, so the socket stays readable.
                Err(_) => {
                    self.paused_until = Some(Instant::now() + ACCEPT_PAUSE);
                    break;
                }
            }
        }
        self.count(peers);
    }

    /// Counts the connections.
    pub(crate) fn count(&mut self, peers: &[Peer]) {
        self.connections = peers.len() as u32;
    }

    /// Stops listening: from now on a new client finds only the folder.
    pub(crate) fn close(&mut self) {
        self.socket = None;
    }
}

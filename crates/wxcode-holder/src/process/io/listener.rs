//! The socket on which clients and hooks connect.

use rustix::{
    fd::OwnedFd,
    net::{SocketFlags, accept_with},
};

use super::peer::{Peer, admitted};

/// Most connections at a time; further ones wait to be accepted.
const MAX_PEERS: usize = 512;

/// The listening socket, until the end of the session is recorded.
pub(crate) struct Listener {
    socket: Option<OwnedFd>,
    /// The number of the next connection.
    next_id: u64,
    connections: u32,
}

impl Listener {
    /// Listens on a socket; the first connection gets the number `next_id`.
    pub(crate) fn new(socket: OwnedFd, next_id: u64) -> Self {
        Self {
            socket: Some(socket),
            next_id,
            connections: 0,
        }
    }

    /// The socket, until [`Listener::close`].
    pub(crate) fn socket(&self) -> Option<&OwnedFd> {
        self.socket.as_ref()
    }

    /// The socket, while it takes another connection besides `peers`.
    pub(crate) fn awaits(&self, peers: &[Peer]) -> Option<&OwnedFd> {
        self.socket.as_ref().filter(|_| peers.len() < MAX_PEERS)
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// The number of connections at the end of the last turn, and those accepted since.
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
            let Ok(accepted) = accept_with(socket, flags) else {
                return;
            };
            if let Ok(Some(pid)) = admitted(&accepted) {
                peers.push(Peer::new(self.next_id, accepted, pid));
                self.next_id += 1;
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

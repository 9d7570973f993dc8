//! The input lock: while a connection has the lock, all other input waits.
//!
//! Invariants: a lock has a latest end. Input sent within a lock is typed within the lock or
//! refused.

use std::time::{Duration, Instant};

use wxcode_protocol::holder::frame::MAX_LOCK_MS;

/// An input lock of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InputLock {
    client: u64,
    number: u64,
    until: Instant,
}

impl InputLock {
    /// A lock from now on, for at most [`MAX_LOCK_MS`].
    pub(crate) fn new(client: u64, number: u64, for_ms: u32) -> Self {
        let length = Duration::from_millis(for_ms.min(MAX_LOCK_MS).into());
        Self {
            client,
            number,
            until: Instant::now() + length,
        }
    }

    /// The connection that has the lock.
    pub(crate) fn client(self) -> u64 {
        self.client
    }

    /// The lock's number, chosen by the client.
    pub(crate) fn number(self) -> u64 {
        self.number
    }

    /// Whether the connection and the number are the lock's.
    pub(crate) fn is(self, client: u64, number: u64) -> bool {
        (self.client, self.number) == (client, number)
    }

    /// The lock's latest end.
    pub(crate) fn until(self) -> Instant {
        self.until
    }
}

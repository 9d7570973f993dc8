//! Bounds of the connections between nodes.

use std::time::Duration;

/// Time for a connection to a peer.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Idle time of a connection to a peer, below the time after which the peer closes it.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(60);
/// Most idle connections to one peer.
pub(super) const IDLE_PER_PEER: usize = 32;
/// Most forwarded requests at the same time, sockets and streams among them.
pub(super) const AT_ONCE: usize = 4_096;

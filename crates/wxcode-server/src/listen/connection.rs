//! The state of one connection, and its deadline.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::admission::Permit;
use crate::{access::Peer, metric::Cut, sync::lock};

/// Time for the head of a request, from its first byte; for the first request, from the connection
/// on.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Idle time of an authenticated connection between two requests. Proxies close their own idle
/// connections after 60 s; the longer time keeps them from sending a request into a closing one.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Time in which a client without authentication must take some of its answer.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection of a client.
pub(crate) struct Connection {
    permit: Permit,
    /// The process of a connection to the socket of the data folder.
    peer: Option<Peer>,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    phase: Phase,
    is_authenticated: bool,
    /// Since when the client takes nothing.
    stalled: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// Waits for the head of a request.
    Head {
        until: Instant,
        /// Whether its first byte came, or is due.
        begun: bool,
    },
    /// A request is answered.
    Request,
    /// Another protocol continues here, with bounds of its own.
    Upgraded,
}

impl Connection {
    pub(super) fn new(permit: Permit, peer: Option<Peer>) -> Arc<Self> {
        Arc::new(Self {
            permit,
            peer,
            state: Mutex::new(State {
                phase: Phase::Head {
                    until: Instant::now() + HEAD_TIMEOUT,
                    begun: true,
                },
                is_authenticated: false,
                stalled: None,
            }),
            changed: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The client's process, on the socket of the data folder.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// The client's address; of a process, loopback.
    pub(crate) fn address(&self) -> IpAddr {
        self.permit.address()
    }

    /// Marks the connection as authenticated: from now on no other connection displaces it.
    pub(crate) fn authenticate(&self) {
        let mut state = self.state();
        if !state.is_authenticated {
            state.is_authenticated = true;
            drop(state);
            self.permit.authenticate();
        }
    }

    /// Ready when the connection must make room for another one.
    pub(crate) async fn evicted(&self) {
        self.permit.evicted().await;
    }

    /// The head of a request was read.
    pub(super) fn request_began(&self) {
        self.state().phase = Phase::Request;
    }

    /// The answer was handed over.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        let time = match state.is_authenticated {
            true => KEEP_ALIVE,
            false => HEAD_TIMEOUT,
        };
        state.phase = Phase::Head {
            until: Instant::now() + time,
            begun: false,
        };
        drop(state);
        self.changed.notify_one();
    }

    pub(super) fn upgraded(&self) {
        self.state().phase = Phase::Upgraded;
    }

    /// Bytes of the client were read.
    pub(super) fn read(&self) {
        if let Phase::Head { until, begun } = &mut self.state().phase
            && !*begun
        {
            *begun = true;
            *until = (*until).min(Instant::now() + HEAD_TIMEOUT);
            self.changed.notify_one();
        }
    }

    /// The client took bytes, or has no room for any.
    pub(super) fn wrote(&self, took: bool) {
        let mut state = self.state();
        match (took, state.stalled) {
            (true, Some(_)) => state.stalled = None,
            (false, None) => {
                state.stalled = Some(Instant::now());
                drop(state);
                self.changed.notify_one();
            }
            (true, None) | (false, Some(_)) => {}
        }
    }

    fn deadline(&self) -> Option<(Instant, Cut)> {
        let state = self.state();
        let head = match state.phase {
            Phase::Head { until, begun: true } => Some((until, Cut::Head)),
            Phase::Head {
                until,
                begun: false,
            } => Some((until, Cut::Idle)),
            Phase::Request | Phase::Upgraded => None,
        };
        let stalled = state.stalled.filter(|_| !state.is_authenticated);
        let stalled = stalled.map(|since| (since + STALL_TIMEOUT, Cut::Stalled));
        head.into_iter()
            .chain(stalled)
            .min_by_key(|(until, _)| *until)
    }

    /// Ready with the reason when the connection must be closed.
    pub(super) async fn expired(&self) -> Cut {
        let timed = async {
            loop {
                let Some((until, why)) = self.deadline() else {
                    self.changed.notified().await;
                    continue;
                };
                if until <= Instant::now() {
                    break why;
                }
                tokio::select! {
                    () = sleep_until(until) => {}
                    () = self.changed.notified() => {}
                }
            }
        };
        tokio::select! {
            why = timed => why,
            () = self.evicted() => Cut::Evicted,
        }
    }
}

//! Input lock: while one connection has it, the input of the others waits.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    holder::Holder,
    inputs::Origin,
    peer::{Peer, Phase},
    requests::tell,
};
use wxcode_protocol::holder::Event;
use wxcode_protocol::holder::frame::MAX_CLAIM_MS;

const TAKEN: &str = "another connection has the keyboard; try again when it has given it back";
const TYPING: &str = "something is being typed; try again in a moment";
const UNREAD: &str = "the agent has not read all that was typed; try again in a moment";
const OVER: &str = "the time of the claim is over";
const INTERRUPTED: &str = "somebody pressed Ctrl+C";
/// Why input within a lock was not typed.
pub(super) const UNCLAIMED: &str = "this connection does not have the keyboard; claim it first";

/// An input lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    client: u64,
    number: u64,
    until: Instant,
}

impl Claim {
    /// Its latest end.
    pub(super) const fn until(self) -> Instant {
        self.until
    }
}

impl Holder {
    /// Grants the lock to a connection, unless another one has it or a message is half typed.
    pub(super) fn claim(&mut self, peer: &mut Peer, number: u64, for_ms: u32) {
        let theirs = self.claim.is_some_and(|claim| claim.client != peer.id);
        let renewed = self.claim.is_some() && !theirs;
        let refused = match () {
            () if theirs => Some(TAKEN),
            () if !self.takes_input() => Some("the agent has ended; start the session again"),
            () if self.pty.is_unread() => Some(UNREAD),
            () if !renewed && !self.inputs.hold() => Some(TYPING),
            () => None,
        };
        if let Some(reason) = refused {
            let reason = reason.to_owned();
            return peer.tell(&Event::Unclaimed {
                claim: number,
                reason,
            });
        }
        let length = Duration::from_millis(for_ms.min(MAX_CLAIM_MS).into());
        self.claim = Some(Claim {
            client: peer.id,
            number,
            until: Instant::now() + length,
        });
        peer.tell(&Event::Claimed { claim: number });
    }

    /// Whether this connection has this lock.
    pub(super) fn has_claim(&self, peer: &Peer, number: u64) -> bool {
        self.claim.is_some_and(|claim| {
            (claim.client, claim.number) == (peer.id, number) && Instant::now() < claim.until
        })
    }

    /// Releases this lock.
    pub(super) fn release(&mut self, peer: &mut Peer, number: u64) {
        if self
            .claim
            .is_some_and(|claim| (claim.client, claim.number) == (peer.id, number))
        {
            self.claim = None;
            for origin in self.inputs.let_go() {
                self.refuse_unclaimed(origin, |event| peer.tell(&event));
            }
        }
    }

    /// Types within a lock.
    pub(super) fn claimed_input(&mut self, peer: &mut Peer, number: u64, seq: u64, bytes: Bytes) {
        let origin = Origin::Input {
            client: peer.id,
            seq,
        };
        let offered = self
            .has_claim(peer, number)
            .then(|| self.inputs.offer_claimed(origin, bytes));
        if !matches!(offered, Some(Ok(()))) {
            let reason = UNCLAIMED.to_owned();
            peer.tell(&Event::InputRefused { seq, reason });
        }
    }

    /// Ends the lock when its time is up, its connection is gone, or a client presses Ctrl+C, which
    /// precedes all waiting input.
    pub(super) fn end_claim_when_due(&mut self, peers: &mut [Peer]) {
        let Some(claim) = self.claim else { return };
        let owner = peers.iter().find(|peer| peer.id == claim.client);
        let interrupted = self.inputs.has_interrupt();
        let gone = owner.is_none_or(|owner| owner.phase != Phase::Open);
        if !gone && !interrupted && Instant::now() < claim.until {
            return;
        }
        self.claim = None;
        for origin in self.inputs.let_go() {
            self.refuse_unclaimed(origin, |event| tell(peers, claim.client, &event));
        }
        let reason = if interrupted { INTERRUPTED } else { OVER }.to_owned();
        tell(
            peers,
            claim.client,
            &Event::Unclaimed {
                claim: claim.number,
                reason,
            },
        );
        if interrupted {
            self.interrupt(peers);
        }
    }

    /// Reports that a message within a lock came too late; its key, if any, is unused again.
    fn refuse_unclaimed(&mut self, origin: Origin, told: impl FnOnce(Event)) {
        let reason = UNCLAIMED.to_owned();
        told(match origin {
            Origin::Input { seq, .. } => Event::InputRefused { seq, reason },
            Origin::Delivery { key, .. } => {
                self.keys.remove(&key);
                Event::DeliverRefused { key, reason }
            }
        });
    }
}

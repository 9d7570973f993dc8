//! Leases: the right of one server, among several on the same store, to run a project's agent.
//!
//! Servers share no clock and trust none. A record names the owner and counts the renewals. Before
//! taking another node's lease, a node must have seen the record without a renewal for longer than
//! the term, by the node's own monotonic clock. The owner counts the same term from the request of
//! its last renewal. As long as clocks run about equally fast, the owner's term ends before any
//! other node may take the lease, with any wall clocks and any delays of messages.
//!
//! Invariant: an owner is decided by compare-and-set on two numbers and by observations on the
//! node's own monotonic clock. No record contains a time.

use std::time::Duration;

use uuid::Uuid;

use crate::time::Moment;

/// A server as seen by other servers on the same store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The id of the server's data folder.
    pub id: Uuid,
    /// The name for people.
    pub name: String,
}

/// A project's lease as recorded. Replacing a record requires the record's epoch and beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The owner, or the last one when the lease is free.
    pub node: Option<Node>,
    /// The number of the owner; an owner with an older epoch has lost the lease.
    pub epoch: u64,
    /// The number of renewals within the epoch.
    pub beat: u64,
    /// The term without a renewal, set by the owner for all; zero after the lease was given back.
    pub term: Duration,
}

impl Lease {
    /// The owner; `None` for a free lease.
    #[must_use]
    pub fn owner(&self) -> Option<&Node> {
        self.node.as_ref().filter(|_| !self.term.is_zero())
    }

    /// A free lease of this node: the project is at home there, and any node may take it.
    #[must_use]
    pub const fn at_home(node: Node) -> Self {
        Self {
            node: Some(node),
            epoch: 0,
            beat: 0,
            term: Duration::ZERO,
        }
    }

    /// Whether both are the same record for a compare-and-set.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.epoch, self.beat) == (other.epoch, other.beat)
    }

    /// How long another node must see the record unchanged before taking the lease: the term, and
    /// a sixteenth for clocks of unequal speed. A node that looks each sixteenth
    /// ([`look_every`]) takes the lease within the term and an eighth after its last renewal.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.term.saturating_add(look_every(self.term))
    }
}

/// The pause between two looks at the leases with this term.
#[must_use]
pub fn look_every(term: Duration) -> Duration {
    term / 16
}

/// How long a record has been observed unchanged.
#[derive(Debug, Default)]
pub struct Sight(Option<(Lease, Moment)>);

impl Sight {
    /// Takes a read of the record, with the moments of request and answer on the reader's own
    /// clock. Returns how long the record is known to be unchanged.
    pub fn look(&mut self, read: &Lease, asked: Moment, answered: Moment) -> Duration {
        match &self.0 {
            Some((seen, since)) if seen.is_same(read) => asked.since(*since),
            _ => {
                self.0 = Some((read.clone(), answered));
                Duration::ZERO
            }
        }
    }
}

/// The options of a node without the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Replace the read record by this record; success gives the node the lease.
    Take(Lease),
    /// Another node has the lease.
    Held {
        by: Node,
        /// Time without a renewal until the node may take the lease.
        left: Duration,
    },
}

/// Decides about a lease read by `node` and known unchanged for this time. A node may take its own
/// lease at any time, under a new epoch. The new epoch ends the earlier hold.
#[must_use]
pub fn claim(read: Option<&Lease>, node: &Node, unchanged: Duration, term: Duration) -> Claim {
    if let Some(lease) = read
        && let Some(by) = lease.owner().filter(|by| by.id != node.id)
        && unchanged < lease.patience()
    {
        return Claim::Held {
            by: by.clone(),
            left: lease.patience() - unchanged,
        };
    }
    Claim::Take(Lease {
        node: Some(node.clone()),
        epoch: read.map_or(0, |lease| lease.epoch).saturating_add(1),
        beat: 0,
        term,
    })
}

/// A lease held by the server's own node.
#[derive(Debug)]
pub struct Tenure {
    lease: Lease,
    /// The request of the last successful renewal.
    asked: Moment,
}

/// Why a renewal failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An earlier renewal of the node succeeded unnoticed: renew again.
    Behind,
    /// The lease is free: take it again.
    Free,
    /// Another node took the lease: the agent must end.
    Gone(Node),
}

impl Tenure {
    /// Records that the node took the lease with a request at this moment.
    #[must_use]
    pub const fn new(lease: Lease, asked: Moment) -> Self {
        Self { lease, asked }
    }

    /// The record as known to the node.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The record of the next renewal.
    #[must_use]
    pub fn next(&self) -> Lease {
        Lease {
            beat: self.lease.beat.saturating_add(1),
            ..self.lease.clone()
        }
    }

    /// The record for giving the lease back.
    #[must_use]
    pub fn given_back(&self) -> Lease {
        Lease {
            term: Duration::ZERO,
            ..self.next()
        }
    }

    /// The moment of the next renewal.
    #[must_use]
    pub fn due(&self) -> Moment {
        self.asked + self.lease.term / 5
    }

    /// Whether no other node can have the lease.
    #[must_use]
    pub fn is_sure(&self, now: Moment) -> bool {
        now < self.asked + self.lease.term
    }

    /// Records a successful renewal with a request at this moment.
    pub fn renewed(&mut self, next: Lease, asked: Moment) {
        *self = Self::new(next, asked);
    }

    /// Judges a renewal after finding another record. An expired term does not end an agent; only
    /// another owner does.
    pub fn refused(&mut self, found: Option<&Lease>) -> Refusal {
        let Some(owner) = found.and_then(Lease::owner) else {
            return Refusal::Free;
        };
        match found {
            Some(found) if found.epoch == self.lease.epoch && found.node == self.lease.node => {
                self.lease.beat = found.beat;
                Refusal::Behind
            }
            _ => Refusal::Gone(owner.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> Node {
        Node {
            id: Uuid::new_v4(),
            name: name.to_owned(),
        }
    }

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn at(count: u64) -> Moment {
        Moment::new(millis(count))
    }

    fn taken(read: Option<&Lease>, node: &Node, unchanged_ms: u64) -> Lease {
        match claim(read, node, millis(unchanged_ms), millis(800)) {
            Claim::Take(lease) => lease,
            Claim::Held { .. } => panic!("it is held"),
        }
    }

    #[test]
    fn acquiring_a_free_or_own_lease_bumps_the_epoch() {
        let (a, b) = (node("a"), node("b"));
        let first = taken(None, &a, 0);
        assert_eq!((first.epoch, first.beat), (1, 0));
        assert_eq!(taken(Some(&first), &a, 0).epoch, 2);
        let free = Tenure::new(first, at(0)).given_back();
        assert_eq!(taken(Some(&free), &b, 0).epoch, 2);
    }

    #[test]
    fn a_silent_lease_is_taken_after_its_term() {
        let (a, b) = (node("a"), node("b"));
        let held = taken(None, &a, 0);
        // The owner's term counts, not the taker's.
        for unchanged_ms in [0, 849] {
            let left = millis(850 - unchanged_ms);
            let refused = claim(Some(&held), &b, millis(unchanged_ms), millis(1));
            assert_eq!(
                refused,
                Claim::Held {
                    by: a.clone(),
                    left
                }
            );
        }
        assert_eq!(taken(Some(&held), &b, 850).node, Some(b));
    }

    #[test]
    fn a_renewal_restarts_the_observation() {
        let a = node("a");
        let mut tenure = Tenure::new(taken(None, &a, 0), at(0));
        let mut sight = Sight::default();
        assert_eq!(sight.look(tenure.lease(), at(10), at(30)), millis(0));
        assert_eq!(sight.look(tenure.lease(), at(100), at(130)), millis(70));
        tenure.renewed(tenure.next(), at(90));
        assert_eq!(sight.look(tenure.lease(), at(140), at(150)), millis(0));
        assert_eq!((tenure.due(), tenure.lease().beat), (at(250), 1));
        assert!(tenure.is_sure(at(889)) && !tenure.is_sure(at(890)));
    }

    #[test]
    fn only_another_owner_ends_a_lease() {
        let (a, b) = (node("a"), node("b"));
        let mut tenure = Tenure::new(taken(None, &a, 0), at(0));
        let unheard = tenure.next();
        assert_eq!(tenure.refused(Some(&unheard)), Refusal::Behind);
        assert_eq!(tenure.lease(), &unheard);
        let free = tenure.given_back();
        assert_eq!(tenure.refused(Some(&free)), Refusal::Free);
        assert_eq!(tenure.refused(None), Refusal::Free);
        let theirs = taken(Some(&unheard), &b, 900);
        assert_eq!(tenure.refused(Some(&theirs)), Refusal::Gone(b));
        // As after a copy of the data folder to another machine.
        let twin = taken(Some(&unheard), &a, 0);
        assert_eq!(tenure.refused(Some(&twin)), Refusal::Gone(a));
    }
}

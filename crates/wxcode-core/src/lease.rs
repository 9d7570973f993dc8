//! Leases: which of several servers on one store may run a project's agent.
//!
//! No clock is shared, and none is believed. A record says who has the lease and counts its renewals; whoever wants one
//! that another has must have seen it without a renewal for longer than its term, by a clock of its own that never goes
//! back. The owner counts the same term from before it asked for its last renewal. So as long as clocks run about equally
//! fast, the owner's term is over before anybody takes the lease, whatever the clocks say and however long messages take.

use uuid::Uuid;

/// A server, as others on the same store know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its data folder's own id.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
}

/// A project's lease as it is recorded. A record is replaced only by whoever names its epoch and its beat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who has it; `None`: it was given back.
    pub node: Option<Node>,
    /// Numbers the times that it was taken: whoever took it under an earlier number has it no longer.
    pub epoch: u64,
    /// Numbers the renewals within the epoch.
    pub beat: u64,
    /// How long it lasts without a renewal, in milliseconds; the owner says so, for all.
    pub term_ms: u64,
}

impl Lease {
    /// Whether this is the same record as the other: what replaces one, replaces the other.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (self.epoch, self.beat) == (other.epoch, other.beat)
    }

    /// How long it must have been seen unchanged before another node may take it, in milliseconds: its term, and an
    /// eighth for clocks that do not run equally fast.
    #[must_use]
    pub const fn patience_ms(&self) -> u64 {
        self.term_ms.saturating_add(self.term_ms / 8)
    }
}

/// How long a record has been seen unchanged.
#[derive(Debug, Default)]
pub struct Sight(Option<(Lease, u64)>);

impl Sight {
    /// A record was read, by a question that was asked and answered at these times of the reader's own monotonic clock, in
    /// milliseconds; for how long it is known to have been as it is.
    pub fn look(&mut self, read: &Lease, asked_ms: u64, answered_ms: u64) -> u64 {
        match &self.0 {
            Some((seen, since)) if seen.is_same(read) => asked_ms.saturating_sub(*since),
            _ => {
                self.0 = Some((read.clone(), answered_ms));
                0
            }
        }
    }
}

/// What a node that wants a lease may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Put this in place of what was read: if that succeeds, it has the lease.
    Take(Lease),
    /// Another node has it.
    Held {
        /// Which.
        by: Node,
        /// How long it must go on without a renewal until it may be taken, in milliseconds.
        left_ms: u64,
    },
}

/// What `node` may do about a lease that it read and has known unchanged for so long. Its own it may take at any time,
/// under a new epoch, which ends whatever it knew of it before.
#[must_use]
pub fn claim(read: Option<&Lease>, node: &Node, unchanged_ms: u64, term_ms: u64) -> Claim {
    if let Some(lease) = read
        && let Some(by) = lease.node.as_ref().filter(|by| by.id != node.id)
        && unchanged_ms < lease.patience_ms()
    {
        return Claim::Held {
            by: by.clone(),
            left_ms: lease.patience_ms() - unchanged_ms,
        };
    }
    Claim::Take(Lease {
        node: Some(node.clone()),
        epoch: read.map_or(0, |lease| lease.epoch).saturating_add(1),
        beat: 0,
        term_ms,
    })
}

/// A lease that this node took.
#[derive(Debug)]
pub struct Tenure {
    lease: Lease,
    /// When the last renewal that succeeded was asked for.
    asked_ms: u64,
}

/// Why a renewal did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// An earlier renewal of this node's own came through without its knowing: renew again.
    Behind,
    /// Nobody has it: take it again.
    Free,
    /// It was taken: the agent must end.
    Gone(Node),
}

impl Tenure {
    /// It was taken, by a question that was asked then.
    #[must_use]
    pub const fn new(lease: Lease, asked_ms: u64) -> Self {
        Self { lease, asked_ms }
    }

    /// The record as this node knows it.
    #[must_use]
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// What renews it.
    #[must_use]
    pub fn next(&self) -> Lease {
        Lease {
            beat: self.lease.beat.saturating_add(1),
            ..self.lease.clone()
        }
    }

    /// What gives it back.
    #[must_use]
    pub fn given_back(&self) -> Lease {
        Lease {
            node: None,
            ..self.next()
        }
    }

    /// When it is to be renewed, in milliseconds.
    #[must_use]
    pub const fn due_ms(&self) -> u64 {
        self.asked_ms.saturating_add(self.lease.term_ms / 5)
    }

    /// Whether nobody else can have it.
    #[must_use]
    pub const fn is_sure(&self, now_ms: u64) -> bool {
        now_ms < self.asked_ms.saturating_add(self.lease.term_ms)
    }

    /// A renewal that was asked for then succeeded.
    pub fn renewed(&mut self, next: Lease, asked_ms: u64) {
        *self = Self::new(next, asked_ms);
    }

    /// A renewal found another record. A term that is over is no reason to end an agent, only somebody else's claim is.
    pub fn refused(&mut self, found: Option<&Lease>) -> Refusal {
        match found {
            Some(found) if found.epoch == self.lease.epoch && found.node == self.lease.node => {
                self.lease.beat = found.beat;
                Refusal::Behind
            }
            Some(Lease {
                node: Some(node), ..
            }) => Refusal::Gone(node.clone()),
            _ => Refusal::Free,
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

    fn taken(read: Option<&Lease>, node: &Node, unchanged_ms: u64) -> Lease {
        match claim(read, node, unchanged_ms, 800) {
            Claim::Take(lease) => lease,
            Claim::Held { .. } => panic!("it is held"),
        }
    }

    #[test]
    fn what_nobody_has_or_the_node_itself_is_taken_under_a_new_epoch() {
        let (a, b) = (node("a"), node("b"));
        let first = taken(None, &a, 0);
        assert_eq!((first.epoch, first.beat), (1, 0));
        assert_eq!(taken(Some(&first), &a, 0).epoch, 2);
        let free = Tenure::new(first, 0).given_back();
        assert_eq!(taken(Some(&free), &b, 0).epoch, 2);
    }

    #[test]
    fn what_another_has_is_taken_when_it_was_not_renewed_for_its_term_and_an_eighth() {
        let (a, b) = (node("a"), node("b"));
        let held = taken(None, &a, 0);
        // The owner's term counts, not the taker's.
        for unchanged_ms in [0, 899] {
            let left_ms = 900 - unchanged_ms;
            let refused = claim(Some(&held), &b, unchanged_ms, 1);
            assert_eq!(
                refused,
                Claim::Held {
                    by: a.clone(),
                    left_ms
                }
            );
        }
        assert_eq!(taken(Some(&held), &b, 900).node, Some(b));
    }

    #[test]
    fn a_renewal_begins_the_sight_anew() {
        let a = node("a");
        let mut tenure = Tenure::new(taken(None, &a, 0), 0);
        let mut sight = Sight::default();
        assert_eq!(sight.look(tenure.lease(), 10, 30), 0);
        assert_eq!(sight.look(tenure.lease(), 100, 130), 70);
        tenure.renewed(tenure.next(), 90);
        assert_eq!(sight.look(tenure.lease(), 140, 150), 0);
        assert_eq!((tenure.due_ms(), tenure.lease().beat), (250, 1));
        assert!(tenure.is_sure(889) && !tenure.is_sure(890));
    }

    #[test]
    fn only_somebody_elses_claim_ends_a_tenure() {
        let (a, b) = (node("a"), node("b"));
        let mut tenure = Tenure::new(taken(None, &a, 0), 0);
        let unheard = tenure.next();
        assert_eq!(tenure.refused(Some(&unheard)), Refusal::Behind);
        assert_eq!(tenure.lease(), &unheard);
        let free = tenure.given_back();
        assert_eq!(tenure.refused(Some(&free)), Refusal::Free);
        assert_eq!(tenure.refused(None), Refusal::Free);
        let theirs = taken(Some(&unheard), &b, 900);
        assert_eq!(tenure.refused(Some(&theirs)), Refusal::Gone(b));
        // As where the data folder was copied to another machine.
        let twin = taken(Some(&unheard), &a, 0);
        assert_eq!(tenure.refused(Some(&twin)), Refusal::Gone(a));
    }
}

//! Nodes that compete for a lease: their clocks, their requests on the way, and the record.

use std::time::Duration;

use uuid::Uuid;
use wxcode_core::{
    lease::{Claim, Lease, Node, Refusal, Sight, Tenure, claim},
    time::Moment,
};

/// Competing nodes.
pub(crate) const NODES: usize = 2;

/// The next step of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Happens {
    /// Time passes everywhere.
    Pass(u64),
    /// The node's next step: a message arrives, or the node sends another.
    Go,
    /// The node asks for the record.
    Ask,
    /// The question arrives.
    Read,
    /// The answer arrives, and the node asks for the lease if permitted.
    Learn,
    /// The node asks for a renewal.
    Renew,
    /// The node gives the lease back.
    GiveBack,
    /// The node's request for replacing the record arrives.
    Replace,
    /// The answer arrives.
    Answer,
    /// The request, or the answer, is lost.
    Lose,
    /// The node dies and starts again.
    Crash,
    /// The node sends a write of its session, under the epoch of its lease.
    Write,
    /// The oldest write of the node arrives: late, when the node slept in between.
    Arrive,
}

/// A write of a session on its way: a rotation, a step of a delivery, a milestone's status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) epoch: u64,
    /// Whether the owner knew that it had the lease.
    pub(crate) was_sure: bool,
}

/// A request to replace the record.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) old: Option<Lease>,
    pub(crate) new: Lease,
    pub(crate) asked_ms: u64,
    /// The outcome, once arrived.
    pub(crate) outcome: Option<Result<(), Option<Lease>>>,
}

pub(crate) struct Server {
    pub(crate) node: Node,
    /// The offset of the node's clock.
    pub(crate) offset: u64,
    pub(crate) term_ms: u64,
    pub(crate) sight: Sight,
    pub(crate) asked_ms: Option<u64>,
    pub(crate) read: Option<Option<Lease>>,
    pub(crate) request: Option<Request>,
    pub(crate) tenure: Option<Tenure>,
    /// The writes on their way. They survive the node: a request may arrive after its sender's
    /// death.
    pub(crate) sent: Vec<Sent>,
}

#[derive(Default)]
pub(crate) struct World {
    /// The epochs of the writes that counted, in order.
    pub(crate) written: Vec<u64>,
    /// Writes that were refused.
    pub(crate) refused: usize,
    pub(crate) now: u64,
    pub(crate) record: Option<Lease>,
    pub(crate) servers: Vec<Server>,
    /// The number of changes of owner.
    pub(crate) moves: usize,
}

impl World {
    pub(crate) fn new(offsets: [u64; NODES], terms: [u64; NODES]) -> Self {
        let servers = offsets
            .into_iter()
            .zip(terms)
            .map(|(offset, term_ms)| Server {
                node: Node {
                    id: Uuid::new_v4(),
                    name: offset.to_string(),
                },
                offset,
                term_ms,
                sight: Sight::default(),
                asked_ms: None,
                read: None,
                request: None,
                tenure: None,
                sent: Vec::new(),
            });
        Self {
            servers: servers.collect(),
            ..Self::default()
        }
    }

    /// The database: one conditional update.
    pub(crate) fn replace(
        &mut self,
        old: Option<&Lease>,
        new: &Lease,
    ) -> Result<(), Option<Lease>> {
        let is_same = match (&self.record, old) {
            (None, None) => true,
            (Some(recorded), Some(old)) => recorded.is_same(old),
            _ => false,
        };
        if !is_same {
            return Err(self.record.clone());
        }
        if let Some(recorded) = &self.record {
            assert!((new.epoch, new.beat) > (recorded.epoch, recorded.beat));
            if recorded.owner() != new.owner() && new.owner().is_some() {
                assert_eq!(
                    new.epoch,
                    recorded.epoch + 1,
                    "another owner, another epoch"
                );
                self.moves += 1;
            }
        }
        self.record = Some(new.clone());
        Ok(())
    }

    pub(crate) fn happen(&mut self, number: usize, what: Happens) {
        if let Happens::Pass(ms) = what {
            self.now += ms;
            return;
        }
        let recorded = self.record.clone();
        let server = &mut self.servers[number];
        let now = self.now + server.offset;
        let what = match (what, &server.request) {
            (Happens::Go, Some(Request { outcome: None, .. })) => Happens::Replace,
            (Happens::Go, Some(_)) => Happens::Answer,
            (Happens::Go, None) if server.tenure.is_some() => Happens::Renew,
            (Happens::Go, None) if server.asked_ms.is_none() => Happens::Ask,
            (Happens::Go, None) if server.read.is_none() => Happens::Read,
            (Happens::Go, None) => Happens::Learn,
            (other, _) => other,
        };
        match what {
            Happens::Ask => {
                server.asked_ms = Some(now);
                server.read = None;
            }
            Happens::Read => server.read = server.asked_ms.map(|_| recorded),
            Happens::Learn => {
                let (Some(asked_ms), Some(read)) = (server.asked_ms.take(), server.read.take())
                else {
                    return;
                };
                if server.tenure.is_some() || server.request.is_some() {
                    return;
                }
                let unchanged = read.as_ref().map_or(Duration::ZERO, |read| {
                    server.sight.look(read, moment(asked_ms), moment(now))
                });
                let claimed = claim(
                    read.as_ref(),
                    &server.node,
                    unchanged,
                    Duration::from_millis(server.term_ms),
                );
                if let Claim::Take(new) = claimed {
                    server.request = Some(Request {
                        old: read,
                        new,
                        asked_ms: now,
                        outcome: None,
                    });
                }
            }
            Happens::Renew | Happens::GiveBack => {
                let Some(tenure) = server.tenure.as_ref().filter(|_| server.request.is_none())
                else {
                    return;
                };
                let new = match what {
                    Happens::Renew => tenure.next(),
                    _ => tenure.given_back(),
                };
                let old = Some(tenure.lease().clone());
                if new.owner().is_none() {
                    server.tenure = None;
                }
                server.request = Some(Request {
                    old,
                    new,
                    asked_ms: now,
                    outcome: None,
                });
            }
            Happens::Replace => {
                let Some(request) = server
                    .request
                    .clone()
                    .filter(|request| request.outcome.is_none())
                else {
                    return;
                };
                let outcome = self.replace(request.old.as_ref(), &request.new);
                if let Some(request) = &mut self.servers[number].request {
                    request.outcome = Some(outcome);
                }
            }
            Happens::Answer => {
                let answered = server.request.take_if(|request| request.outcome.is_some());
                let Some(Request {
                    new,
                    asked_ms,
                    outcome: Some(outcome),
                    ..
                }) = answered
                else {
                    return;
                };
                match (outcome, &mut server.tenure) {
                    (Ok(()), None) if new.owner().is_some() => {
                        server.tenure = Some(Tenure::new(new, moment(asked_ms)))
                    }
                    (Ok(()), Some(tenure)) => tenure.renewed(new, moment(asked_ms)),
                    (Err(found), Some(tenure)) => {
                        if tenure.refused(found.as_ref()) != Refusal::Behind {
                            server.tenure = None;
                        }
                    }
                    (Ok(()) | Err(_), None) => {}
                }
            }
            Happens::Lose => server.request = None,
            Happens::Crash => {
                server.sight = Sight::default();
                server.asked_ms = None;
                server.request = None;
                server.tenure = None;
            }
            Happens::Write => {
                if let Some(tenure) = &server.tenure {
                    server.sent.push(Sent {
                        epoch: tenure.lease().epoch,
                        was_sure: tenure.is_sure(moment(now)),
                    });
                }
            }
            Happens::Arrive => {
                if !server.sent.is_empty() {
                    let sent = server.sent.remove(0);
                    self.write(sent);
                }
            }
            Happens::Pass(_) | Happens::Go => {}
        }
    }

    /// The database: a write has the condition that the epoch is not beyond its own.
    pub(crate) fn write(&mut self, sent: Sent) {
        let epoch = self.record.as_ref().map_or(0, |record| record.epoch);
        match epoch <= sent.epoch {
            true => self.written.push(sent.epoch),
            false => self.refused += 1,
        }
    }

    pub(crate) fn sure(&self) -> Vec<&str> {
        let sure = self.servers.iter().filter(|server| {
            let now = self.now + server.offset;
            server
                .tenure
                .as_ref()
                .is_some_and(|tenure| tenure.is_sure(moment(now)))
        });
        sure.map(|server| server.node.name.as_str()).collect()
    }
}

pub(crate) fn moment(millis: u64) -> Moment {
    Moment::new(Duration::from_millis(millis))
}

//! Leases under any order of requests, answers, losses, crashes and times: never two sure owners,
//! and no write of an owner that lost the lease.

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;
use wxcode_core::{
    lease::{Claim, Lease, Node, Refusal, Sight, Tenure, claim},
    time::Moment,
};

/// Competing nodes.
const NODES: usize = 2;

/// The next step of a node.
#[derive(Debug, Clone, Copy)]
enum Happens {
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
struct Sent {
    epoch: u64,
    /// Whether the owner knew that it had the lease.
    was_sure: bool,
}

/// A request to replace the record.
#[derive(Debug, Clone)]
struct Request {
    old: Option<Lease>,
    new: Lease,
    asked_ms: u64,
    /// The outcome, once arrived.
    outcome: Option<Result<(), Option<Lease>>>,
}

struct Server {
    node: Node,
    /// The offset of the node's clock.
    offset: u64,
    term_ms: u64,
    sight: Sight,
    asked_ms: Option<u64>,
    read: Option<Option<Lease>>,
    request: Option<Request>,
    tenure: Option<Tenure>,
    /// The writes on their way. They survive the node: a request may arrive after its sender's
    /// death.
    sent: Vec<Sent>,
}

#[derive(Default)]
struct World {
    /// The epochs of the writes that counted, in order.
    written: Vec<u64>,
    /// Writes that were refused.
    refused: usize,
    now: u64,
    record: Option<Lease>,
    servers: Vec<Server>,
    /// The number of changes of owner.
    moves: usize,
}

impl World {
    fn new(offsets: [u64; NODES], terms: [u64; NODES]) -> Self {
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
    fn replace(&mut self, old: Option<&Lease>, new: &Lease) -> Result<(), Option<Lease>> {
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

    fn happen(&mut self, number: usize, what: Happens) {
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
    fn write(&mut self, sent: Sent) {
        let epoch = self.record.as_ref().map_or(0, |record| record.epoch);
        match epoch <= sent.epoch {
            true => self.written.push(sent.epoch),
            false => self.refused += 1,
        }
    }

    fn sure(&self) -> Vec<&str> {
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

fn moment(millis: u64) -> Moment {
    Moment::new(Duration::from_millis(millis))
}

/// Steps of a node while the other node is silent.
fn spell() -> impl Strategy<Value = (usize, Vec<Happens>)> {
    let what = prop_oneof![
        20 => (1_u64..12).prop_map(Happens::Pass),
        60 => Just(Happens::Go),
        1 => Just(Happens::GiveBack),
        1 => Just(Happens::Lose),
        1 => Just(Happens::Crash),
        10 => Just(Happens::Write),
        10 => Just(Happens::Arrive),
    ];
    (0..NODES, prop::collection::vec(what, 1..16))
}

/// The events of all spells, each with the number of its node.
fn events(story: Vec<(usize, Vec<Happens>)>) -> impl Iterator<Item = (usize, Happens)> {
    let numbered =
        |(number, spell): (usize, Vec<Happens>)| spell.into_iter().map(move |what| (number, what));
    story.into_iter().flat_map(numbered)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_two_sure_owners(
        offsets in [0_u64..1_000_000, 0_u64..1_000_000],
        // About the duration of a handful of messages, so that each comes at a bad time.
        terms in [8_u64..40, 8_u64..40],
        story in prop::collection::vec(spell(), 1..40),
    ) {
        let mut world = World::new(offsets, terms);
        for (number, what) in events(story) {
            world.happen(number, what);
            let sure = world.sure();
            prop_assert!(sure.len() <= 1, "{sure:?} after {what:?}, {:?}", world.record);
            // A write of an earlier owner never follows a write of a later one.
            prop_assert!(world.written.is_sorted(), "{:?} after {what:?}", world.written);
        }
    }

    #[test]
    fn a_write_on_its_way_counts_only_under_its_own_epoch(
        offsets in [0_u64..1_000_000, 0_u64..1_000_000],
        terms in [8_u64..40, 8_u64..40],
        story in prop::collection::vec(spell(), 1..40),
    ) {
        let mut world = World::new(offsets, terms);
        for (number, what) in events(story) {
            world.happen(number, what);
        }
        // Whatever is on its way arrives at the end, as after a sleep.
        let epoch = world.record.as_ref().map_or(0, |record| record.epoch);
        for number in 0..NODES {
            for sent in std::mem::take(&mut world.servers[number].sent) {
                let before = world.written.len();
                world.write(sent);
                prop_assert_eq!(world.written.len() > before, sent.epoch == epoch);
                // Within its term, an owner's write is never refused.
                let is_owner = world.sure().contains(&world.servers[number].node.name.as_str());
                prop_assert!(!(is_owner && sent.was_sure && sent.epoch == epoch && world.written.len() == before));
            }
        }
    }
}

/// A node's steps from request to ownership, without losses.
const TAKING: [Happens; 5] = [
    Happens::Ask,
    Happens::Read,
    Happens::Learn,
    Happens::Replace,
    Happens::Answer,
];

#[test]
fn a_silent_owner_loses_the_lease() {
    let mut world = World::new([0, 500], [800; NODES]);
    for what in TAKING {
        world.happen(0, what);
    }
    assert_eq!(world.sure(), ["0"]);
    for _ in 0..100 {
        world.happen(0, Happens::Pass(700));
        for (number, what) in [
            (0, Happens::Renew),
            (0, Happens::Replace),
            (0, Happens::Answer),
        ] {
            world.happen(number, what);
        }
        for what in TAKING {
            world.happen(1, what);
        }
    }
    assert_eq!((world.sure(), world.moves), (vec!["0"], 0));
    for _ in 0..3 {
        world.happen(0, Happens::Pass(500));
        for what in TAKING {
            world.happen(1, what);
        }
    }
    assert_eq!((world.sure(), world.moves), (vec!["500"], 1));
    for what in [Happens::Renew, Happens::Replace, Happens::Answer] {
        world.happen(0, what);
    }
    assert!(
        world.servers[0].tenure.is_none(),
        "the first one knows by its next renewal"
    );
}

#[test]
fn a_paused_owners_writes_change_nothing() {
    let mut world = World::new([0, 500], [800; NODES]);
    for what in TAKING {
        world.happen(0, what);
    }
    world.happen(0, Happens::Write);
    world.happen(0, Happens::Arrive);
    assert_eq!((&world.written[..], world.refused), (&[1][..], 0));
    // It sends another one, and sleeps before the write arrives.
    world.happen(0, Happens::Write);
    for _ in 0..3 {
        world.happen(0, Happens::Pass(500));
        for what in TAKING {
            world.happen(1, what);
        }
    }
    assert_eq!(world.sure(), ["500"]);
    world.happen(1, Happens::Write);
    world.happen(1, Happens::Arrive);
    world.happen(0, Happens::Arrive);
    // It wakes, does not know yet, and writes again.
    world.happen(0, Happens::Write);
    world.happen(0, Happens::Arrive);
    assert_eq!((&world.written[..], world.refused), (&[1, 2][..], 2));
}

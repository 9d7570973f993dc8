//! The simulated nodes and sessions, and their events in the order of time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    lease::{Claim, Lease, Node, Sight, Tenure, claim, look_every},
    placement::{self, Candidate, Start},
    time::Moment,
};

use crate::load::Load;

/// `lease_s`, and the times of the server.
pub(crate) const LEASE: Duration = Duration::from_secs(300);
pub(crate) const HEARTBEAT_MS: u64 = 10_000;
const FRESH_MS: u64 = 1_000;
const WATCH_MIN_MS: u64 = 250;
const WATCH_MAX_MS: u64 = 30_000;
/// Sessions that a node resumes at the same time.
const RESUMED_AT_ONCE: usize = 16;
/// All sessions start within this time.
pub(crate) const STARTS_MS: u64 = 200_000;
/// A request to the database, and the resumption of a session.
const REQUEST_MS: u64 = 3;
const RESUME_MS: u64 = 1_000;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start(usize),
    Heartbeat(usize),
    Renew(usize),
    Watch(usize),
    Resume(usize),
}

struct Member {
    node: Node,
    is_alive: bool,
    sessions: u64,
    /// The records of all nodes as last read, and when.
    seen: Vec<u64>,
    seen_at: Option<u64>,
    sights: HashMap<usize, Sight>,
    watched: Vec<usize>,
    /// Sessions with an expired lease, to be resumed.
    expired: Vec<usize>,
    /// The sessions that it resumes now.
    resuming: usize,
}

struct Session {
    project: Id,
    owner: usize,
    tenure: Option<Tenure>,
    lease: Option<Lease>,
}

pub(crate) struct Cluster {
    now: u64,
    random: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    members: Vec<Member>,
    /// The sessions of each node, as its record says.
    records: Vec<u64>,
    sessions: Vec<Session>,
    held: Vec<Vec<usize>>,
    pub(crate) load: Load,
    /// The times from the death to the resumed session.
    pub(crate) taken: Vec<u64>,
    died_at: Option<u64>,
    is_drawn: bool,
}

fn moment(ms: u64) -> Moment {
    Moment::new(Duration::from_millis(ms))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The usual pause between two looks at the watched leases.
fn watch_ms() -> u64 {
    millis(look_every(LEASE)).clamp(WATCH_MIN_MS, WATCH_MAX_MS)
}

impl Cluster {
    pub(crate) fn new(nodes: usize, sessions: usize, is_drawn: bool) -> Self {
        let member = |number: usize| Member {
            node: Node {
                id: Uuid::from_u64_pair(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(number as u64), 7),
                name: number.to_string(),
            },
            is_alive: true,
            sessions: 0,
            seen: Vec::new(),
            seen_at: None,
            sights: HashMap::new(),
            watched: Vec::new(),
            expired: Vec::new(),
            resuming: 0,
        };
        let session = |_| Session {
            project: Id::generate(Timestamp::UNIX_EPOCH),
            owner: 0,
            tenure: None,
            lease: None,
        };
        let mut cluster = Self {
            now: 0,
            random: 0x2545_f491_4f6c_dd1d,
            events: BinaryHeap::new(),
            members: (0..nodes).map(member).collect(),
            records: vec![0; nodes],
            sessions: (0..sessions).map(session).collect(),
            held: vec![Vec::new(); nodes],
            load: Load::default(),
            taken: Vec::new(),
            died_at: None,
            is_drawn,
        };
        let ids: Vec<Uuid> = cluster.members.iter().map(|of| of.node.id).collect();
        for number in 0..nodes {
            let own = ids[number];
            let watched =
                (0..nodes).filter(|of| *of != number && placement::watches(own, ids[*of], &ids));
            cluster.members[number].watched = watched.collect();
            let (beat, watch) = (cluster.draw(HEARTBEAT_MS), cluster.draw(watch_ms()));
            cluster.plan(beat, Event::Heartbeat(number));
            cluster.plan(watch, Event::Watch(number));
        }
        for number in 0..sessions {
            let at = cluster.draw(STARTS_MS);
            cluster.plan(at, Event::Start(number));
        }
        cluster
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }

    fn plan(&mut self, after: u64, event: Event) {
        self.events.push(Reverse((self.now + after, event)));
    }

    pub(crate) fn run_until(&mut self, end: u64) {
        while let Some(Reverse((at, _))) = self.events.peek()
            && *at <= end
            && let Some(Reverse((at, event))) = self.events.pop()
        {
            self.now = at;
            match event {
                Event::Start(session) => self.start(session),
                Event::Heartbeat(node) => self.beat(node),
                Event::Renew(session) => self.renew(session),
                Event::Watch(node) => self.watch(node),
                Event::Resume(node) => self.resume(node),
            }
        }
        self.now = end;
    }

    fn beat(&mut self, node: usize) {
        if self.members[node].is_alive {
            self.records[node] = self.members[node].sessions;
            self.load.count(1);
            self.read_records(node);
            self.plan(HEARTBEAT_MS, Event::Heartbeat(node));
        }
    }

    fn read_records(&mut self, node: usize) {
        self.members[node].seen.clone_from(&self.records);
        self.members[node].seen_at = Some(self.now);
        self.load.count(self.records.len());
    }

    /// A request for a new session reaches any node.
    fn start(&mut self, session: usize) {
        let nodes = self.members.len();
        let here = usize::try_from(self.draw(nodes as u64)).unwrap_or(0);
        let is_fresh = |at: u64| self.now - at < FRESH_MS;
        if !self.members[here].seen_at.is_some_and(is_fresh) {
            self.read_records(here);
        }
        let own = self.members[here].node.id;
        let loads = self.members[here].seen.iter().zip(&self.members);
        let candidates = loads.map(|(load, member)| Candidate {
            id: member.node.id,
            load: *load,
        });
        let mut candidates: Vec<Candidate> = candidates.collect();
        candidates[here].load = self.members[here].sessions;
        let place = match self.is_drawn {
            true => {
                let start = Start {
                    project: self.sessions[session].project,
                    home: Some(own),
                    is_new: true,
                    here: own,
                };
                let chosen = placement::choose(start, candidates);
                let mut members = self.members.iter();
                members.position(|member| Some(member.node.id) == chosen)
            }
            // The emptiest of all, for comparison.
            false => (0..nodes).min_by_key(|at| candidates[*at].load),
        };
        let place = place.unwrap_or(here);
        if place != here {
            // Counted until the next heartbeat.
            self.members[here].seen[place] += 1;
        }
        self.take(session, place, Duration::ZERO);
    }

    fn take(&mut self, session: usize, node: usize, unchanged: Duration) -> bool {
        self.load.count(1);
        let member = self.members[node].node.clone();
        let record = self.sessions[session].lease.clone();
        let Claim::Take(new) = claim(record.as_ref(), &member, unchanged, LEASE) else {
            return false;
        };
        self.load.count(1);
        let asked = self.now;
        let of = &mut self.sessions[session];
        of.tenure = Some(Tenure::new(new.clone(), moment(asked)));
        of.lease = Some(new);
        let before = std::mem::replace(&mut of.owner, node);
        if record.is_some() {
            self.held[before].retain(|held| *held != session);
        }
        self.members[node].sessions += 1;
        self.held[node].push(session);
        self.plan(millis(LEASE) / 5, Event::Renew(session));
        true
    }

    fn renew(&mut self, session: usize) {
        let of = &mut self.sessions[session];
        if !self.members[of.owner].is_alive {
            return;
        }
        let Some(tenure) = &mut of.tenure else { return };
        let next = tenure.next();
        of.lease = Some(next.clone());
        tenure.renewed(next, moment(self.now));
        let due = millis(tenure.due().since(moment(self.now)));
        self.load.count(1);
        self.plan(due, Event::Renew(session));
    }

    /// A node looks at the leases of the nodes that it watches.
    fn watch(&mut self, node: usize) {
        if !self.members[node].is_alive {
            return;
        }
        let (asked, answered) = (self.now, self.now + REQUEST_MS);
        let watched = self.members[node].watched.iter();
        let held: Vec<usize> = watched.flat_map(|of| self.held[*of].clone()).collect();
        self.load.count(self.members.len());
        self.load.count(held.len());
        let (mut pause, mut expired) = (watch_ms(), Vec::new());
        for session in held {
            let Some(lease) = &self.sessions[session].lease else {
                continue;
            };
            let sight = self.members[node].sights.entry(session).or_default();
            let unchanged = sight.look(lease, moment(asked), moment(answered));
            match lease.patience().checked_sub(unchanged) {
                Some(left) if !left.is_zero() => {
                    pause = pause.min(millis(left).max(WATCH_MIN_MS));
                }
                _ => expired.push(session),
            }
        }
        self.plan(pause, Event::Watch(node));
        let own = self.members[node].node.id;
        expired.sort_by_cached_key(|of| placement::order(self.sessions[*of].project, own));
        let member = &mut self.members[node];
        let more = RESUMED_AT_ONCE.min(expired.len());
        let more = more.saturating_sub(member.resuming);
        member.expired = expired;
        member.resuming += more;
        for _ in 0..more {
            self.plan(REQUEST_MS, Event::Resume(node));
        }
    }

    /// Resumes the next session, unless another watcher did.
    fn resume(&mut self, node: usize) {
        let Some(session) = self.members[node].expired.pop() else {
            self.members[node].resuming -= 1;
            return;
        };
        let (asked, answered) = (self.now, self.now + REQUEST_MS);
        let mut unchanged = Duration::ZERO;
        if let Some(lease) = &self.sessions[session].lease {
            let sight = self.members[node].sights.entry(session).or_default();
            unchanged = sight.look(lease, moment(asked), moment(answered));
        }
        let pause = match self.take(session, node, unchanged) {
            true => {
                let died_at = self.died_at.unwrap_or(self.now);
                self.taken.push(self.now + RESUME_MS - died_at);
                RESUME_MS
            }
            false => REQUEST_MS,
        };
        self.plan(pause, Event::Resume(node));
    }

    /// Ends every `step`th node, `count` of them; returns the number of their sessions.
    pub(crate) fn kill(&mut self, count: usize, step: usize) -> u64 {
        self.died_at = Some(self.now);
        let mut lost = 0;
        for number in 0..count {
            let member = &mut self.members[number * step];
            member.is_alive = false;
            lost += member.sessions;
        }
        lost
    }

    /// Runs for this long.
    pub(crate) fn run_for(&mut self, ms: u64) {
        self.run_until(self.now + ms);
    }

    pub(crate) fn balance(&self) -> String {
        let living = self.members.iter().filter(|member| member.is_alive);
        let mut loads: Vec<u64> = living.map(|member| member.sessions).collect();
        loads.sort_unstable();
        let at = |part: f64| loads[((loads.len() - 1) as f64 * part) as usize];
        format!(
            "sessions a node: least {}, median {}, 99 of 100 below {}, most {}",
            at(0.0),
            at(0.5),
            at(0.99),
            at(1.0)
        )
    }
}

//! Simulates a cluster on the pure core of leases and placement: starts, renewals, and the death of
//! nodes.
//!
//! `cargo run --release -p wxcode-core --example cluster -- [NODES] [SESSIONS]` prints the balance, the
//! load of the database and the times of the takeover. Network, database and starts take fixed
//! times; nothing waits for a real one.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use uuid::Uuid;
use wxcode_core::{
    id::Id,
    lease::{Claim, Lease, Node, Sight, Tenure, claim},
    placement::{self, Candidate, Start},
    time::Moment,
};

const NODES: usize = 1_000;
const SESSIONS: usize = 100_000;
/// Nodes that die at once, of 100.
const DEAD_PERCENT: usize = 5;
/// `lease_s`, and the times of the server.
const LEASE: Duration = Duration::from_secs(300);
const HEARTBEAT_MS: u64 = 10_000;
const FRESH_MS: u64 = 1_000;
const WATCH_MS: u64 = 30_000;
const WATCH_MIN_MS: u64 = 250;
/// All sessions start within this time, and the cluster then rests for this long.
const STARTS_MS: u64 = 200_000;
const REST_MS: u64 = 600_000;
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

/// Requests to the database, and the documents that they return or change.
#[derive(Debug, Default, Clone, Copy)]
struct Load {
    requests: u64,
    documents: u64,
}

impl Load {
    fn count(&mut self, documents: usize) {
        self.requests += 1;
        self.documents += documents as u64;
    }

    fn print(self, before: Self, what: &str, ms: u64, units: f64) {
        let rate = |count: u64| count as f64 * 1_000.0 / ms as f64;
        println!(
            "{what}: {:.0} requests and {:.0} documents a second; {:.1} requests an hour each",
            rate(self.requests - before.requests),
            rate(self.documents - before.documents),
            rate(self.requests - before.requests) * 3_600.0 / units,
        );
    }
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
    /// Sessions with an expired lease, to be resumed one after the other.
    expired: Vec<usize>,
}

struct Session {
    project: Id,
    owner: usize,
    tenure: Option<Tenure>,
    lease: Option<Lease>,
}

struct Cluster {
    now: u64,
    random: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    members: Vec<Member>,
    /// The sessions of each node, as its record says.
    records: Vec<u64>,
    sessions: Vec<Session>,
    held: Vec<Vec<usize>>,
    load: Load,
    /// The times from the death to the resumed session.
    taken: Vec<u64>,
    died_at: Option<u64>,
    is_drawn: bool,
}

fn moment(ms: u64) -> Moment {
    Moment::new(Duration::from_millis(ms))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Cluster {
    fn new(nodes: usize, sessions: usize, is_drawn: bool) -> Self {
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
            let (beat, watch) = (cluster.draw(HEARTBEAT_MS), cluster.draw(WATCH_MS));
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

    fn run_until(&mut self, end: u64) {
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
        let (mut pause, mut expired) = (WATCH_MS, Vec::new());
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
        match expired.is_empty() {
            true => self.plan(pause, Event::Watch(node)),
            false => {
                expired.reverse();
                self.members[node].expired = expired;
                self.plan(REQUEST_MS, Event::Resume(node));
            }
        }
    }

    /// Resumes the next session, unless another watcher did.
    fn resume(&mut self, node: usize) {
        let Some(session) = self.members[node].expired.pop() else {
            return self.plan(WATCH_MIN_MS, Event::Watch(node));
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

    fn balance(&self) -> String {
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

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<usize>());
    let mut number = |usual: usize| numbers.next().and_then(Result::ok).unwrap_or(usual);
    let (nodes, sessions) = (number(NODES), number(SESSIONS));
    println!(
        "{nodes} nodes, {sessions} sessions, a lease of {} s",
        LEASE.as_secs()
    );
    let mut herd = Cluster::new(nodes, sessions, false);
    herd.run_until(STARTS_MS + HEARTBEAT_MS);
    println!(
        "each start at the emptiest of all nodes: {}",
        herd.balance()
    );

    let mut cluster = Cluster::new(nodes, sessions, true);
    cluster.run_until(STARTS_MS);
    println!(
        "each start at the emptiest of {}: {}",
        placement::CONSIDERED,
        cluster.balance()
    );
    let starts = Load::default();
    cluster
        .load
        .print(starts, "while they start", STARTS_MS, sessions as f64);
    cluster.run_until(STARTS_MS + REST_MS);
    let before = cluster.load;
    cluster.run_until(STARTS_MS + 2 * REST_MS);
    cluster
        .load
        .print(before, "at rest", REST_MS, sessions as f64);

    let dead = (nodes * DEAD_PERCENT / 100).max(1);
    let step = nodes / dead;
    cluster.died_at = Some(cluster.now);
    let mut lost = 0;
    for number in 0..dead {
        let member = &mut cluster.members[number * step];
        member.is_alive = false;
        lost += member.sessions;
    }
    let before = cluster.load;
    cluster.run_until(cluster.now + REST_MS);
    cluster
        .load
        .print(before, "after the death", REST_MS, sessions as f64);
    let mut taken = std::mem::take(&mut cluster.taken);
    taken.sort_unstable();
    let seconds = |part: f64| match taken.len() {
        0 => 0.0,
        count => taken[((count - 1) as f64 * part) as usize] as f64 / 1_000.0,
    };
    println!(
        "{dead} nodes with {lost} sessions died; {} resumed after: least {:.1} s, median {:.1} s, 99 of 100 {:.1} \
         s, most {:.1} s",
        taken.len(),
        seconds(0.0),
        seconds(0.5),
        seconds(0.99),
        seconds(1.0)
    );
    println!("afterwards {}", cluster.balance());
}

//! Simulates a cluster on the pure core of leases and placement: starts, renewals, and the death of
//! nodes.
//!
//! `cargo run --release -p wxcode-core --example cluster -- [NODES] [SESSIONS]` prints the balance, the
//! load of the database and the times of the takeover. Network, database and starts take fixed
//! times; nothing waits for a real one.

mod load;
mod nodes;

use wxcode_core::placement;

use self::{
    load::Load,
    nodes::{Cluster, HEARTBEAT_MS, LEASE, STARTS_MS},
};

const NODES: usize = 1_000;
const SESSIONS: usize = 100_000;
/// Nodes that die at once, of 100.
const DEAD_PERCENT: usize = 5;
/// The cluster rests for this long after the starts.
const REST_MS: u64 = 600_000;

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
    let lost = cluster.kill(dead, step);
    let before = cluster.load;
    cluster.run_for(REST_MS);
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

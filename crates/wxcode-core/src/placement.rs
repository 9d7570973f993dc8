//! Chooses the node of a session that starts, and the nodes that watch the leases of another one.
//!
//! Each node decides alone, from records that are some seconds old. Where all nodes chose the
//! emptiest of very many, all starts of these seconds would go to it. So a start has
//! [`CONSIDERED`] nodes to choose from, drawn by the project's id.

use uuid::Uuid;

use crate::id::Id;

/// Most nodes considered for one start.
pub const CONSIDERED: usize = 8;
/// Nodes that watch the leases of one node.
pub const WATCHERS: usize = 8;

/// A node that may run a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    pub id: Uuid,
    /// The sessions that live there, or are about to.
    pub load: u64,
}

/// A session that starts.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub project: Id,
    /// The node that had the project last, or created it.
    pub home: Option<Uuid>,
    /// Whether it never ran: then the load decides before the home.
    pub is_new: bool,
    /// The node that decides.
    pub here: Uuid,
}

/// Chooses among the nodes with room: for a new session one with the fewest sessions, for an older
/// one its home. Among equals the home comes first, then the deciding node.
#[must_use]
pub fn choose(start: Start, mut candidates: Vec<Candidate>) -> Option<Uuid> {
    let is_home = |id: Uuid| start.home == Some(id);
    if candidates.len() > CONSIDERED {
        let seed = start.project.to_string();
        // The home always counts.
        let draw = |candidate: &Candidate| (!is_home(candidate.id), mix(&seed, candidate.id));
        candidates.select_nth_unstable_by_key(CONSIDERED, draw);
        candidates.truncate(CONSIDERED);
    }
    let rank = |candidate: &Candidate| {
        let (load, is_away) = (candidate.load, u64::from(!is_home(candidate.id)));
        let first = match start.is_new {
            true => (load, is_away),
            false => (is_away, load),
        };
        (first, candidate.id != start.here, candidate.id)
    };
    let best = candidates.iter().min_by_key(|candidate| rank(candidate));
    best.map(|best| best.id)
}

/// Whether a node watches the leases of another node, to resume its sessions after its end. Among
/// few nodes each watches all; among many, [`WATCHERS`] of them watch a node. So the load of the
/// watch grows with the leases, not with their product with the nodes.
#[must_use]
pub fn watches(watcher: Uuid, of: Uuid, nodes: &[Uuid]) -> bool {
    if nodes.len() <= WATCHERS + 1 || !nodes.contains(&of) {
        return true;
    }
    let seed = of.to_string();
    let own = (mix(&seed, watcher), watcher);
    let others = nodes.iter().filter(|node| **node != of);
    let before = others.filter(|node| (mix(&seed, **node), **node) < own);
    before.count() < WATCHERS
}

/// The place of a project in an order of a node's own: of several nodes with the same work, each
/// begins elsewhere.
#[must_use]
pub fn order(project: Id, node: Uuid) -> u64 {
    mix(&project.to_string(), node)
}

/// A number that looks random, the same on each node: FNV-1a, then the finish of SplitMix64.
fn mix(seed: &str, node: Uuid) -> u64 {
    let bytes = seed.bytes().chain(*node.as_bytes());
    let sum = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let sum = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let sum = (sum ^ (sum >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    sum ^ (sum >> 31)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn nodes(count: u128) -> Vec<Uuid> {
        (1..=count).map(Uuid::from_u128).collect()
    }

    fn start(home: u128, is_new: bool) -> Start {
        Start {
            project: Id::generate(Timestamp::now()),
            home: Some(Uuid::from_u128(home)),
            is_new,
            here: Uuid::from_u128(2),
        }
    }

    fn loaded(loads: &[u64]) -> Vec<Candidate> {
        let nodes = nodes(loads.len() as u128).into_iter();
        nodes
            .zip(loads)
            .map(|(id, load)| Candidate { id, load: *load })
            .collect()
    }

    fn chosen(start: Start, loads: &[u64]) -> u128 {
        choose(start, loaded(loads)).unwrap().as_u128()
    }

    #[test]
    fn a_new_session_goes_to_the_emptiest() {
        assert_eq!(chosen(start(1, true), &[3, 2, 1]), 3);
        assert_eq!(chosen(start(1, true), &[300, 400, 299]), 3);
        // Among equals: the home, then the deciding node.
        assert_eq!(chosen(start(3, true), &[1, 1, 1]), 3);
        assert_eq!(chosen(start(9, true), &[1, 1, 1]), 2);
        assert_eq!(choose(start(1, true), Vec::new()), None);
    }

    #[test]
    fn an_older_session_goes_home() {
        assert_eq!(chosen(start(1, false), &[900, 0, 0]), 1);
        assert_eq!(chosen(start(9, false), &[500, 400, 300]), 3);
        let many = vec![5; 100];
        for _ in 0..100 {
            assert_eq!(chosen(start(77, false), &many), 77);
        }
    }

    #[test]
    fn old_records_of_many_nodes_start_no_herd() {
        let mut loads = vec![5; 100];
        loads[41] = 0;
        let to_emptiest = (0..1_000).filter(|_| chosen(start(1, true), &loads) == 42);
        let count = to_emptiest.count();
        assert!((20..250).contains(&count), "{count} of 1,000 starts");
    }

    #[test]
    fn each_node_has_its_watchers() {
        for count in [1, 2, 9, 10, 60] {
            let nodes = nodes(count);
            let mut duties = vec![0; nodes.len()];
            for of in &nodes {
                let mut watchers = 0;
                for (watcher, duty) in nodes.iter().zip(&mut duties) {
                    if watcher != of && watches(*watcher, *of, &nodes) {
                        watchers += 1;
                        *duty += 1;
                    }
                }
                assert_eq!(watchers, WATCHERS.min(nodes.len() - 1), "{count} nodes");
            }
            let most = duties.into_iter().max().unwrap();
            assert!(most <= 4 * WATCHERS, "{most} duties of {count} nodes");
        }
        let nodes = nodes(60);
        assert!(
            watches(nodes[0], Uuid::from_u128(999), &nodes),
            "a node without a record"
        );
    }
}

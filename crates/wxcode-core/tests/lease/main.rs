//! Leases under any order of requests, answers, losses, crashes and times: never two sure owners,
//! and no write of an owner that lost the lease.

mod world;

use proptest::prelude::*;

use world::{Happens, NODES, World};

/// The number of a node, and its steps while the other node is silent.
type Spell = (usize, Vec<Happens>);

fn spell() -> impl Strategy<Value = Spell> {
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
fn events(story: Vec<Spell>) -> impl Iterator<Item = (usize, Happens)> {
    let numbered = |(number, spell): Spell| spell.into_iter().map(move |what| (number, what));
    story.into_iter().flat_map(numbered)
}

/// The nodes' clocks, their terms, and what happens.
fn cases() -> impl Strategy<Value = ([u64; NODES], [u64; NODES], Vec<Spell>)> {
    // About the duration of a handful of messages, so that each comes at a bad time.
    let terms = [8_u64..40, 8_u64..40];
    let offsets = [0_u64..1_000_000, 0_u64..1_000_000];
    (offsets, terms, prop::collection::vec(spell(), 1..40))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn never_two_sure_owners((offsets, terms, story) in cases()) {
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
    fn a_write_on_its_way_counts_only_under_its_own_epoch((offsets, terms, story) in cases()) {
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

//! The plan depends on the seed alone and is consistent.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;

fn steps(seed: u64, slots: usize, count: usize) -> Vec<Step> {
    let mut plan = Plan::new(seed, slots);
    (0..count).map(|_| plan.next()).collect()
}

fn words(step: &Step) -> Vec<Word> {
    match step {
        Step::Server { meanwhile, .. } => meanwhile.iter().flat_map(words).collect(),
        Step::ServerAmid { word, .. }
        | Step::Draft { word, .. }
        | Step::TypeClear { word, .. }
        | Step::Deliver { word, .. }
        | Step::Milestone { word, .. }
        | Step::Run { word, .. }
        | Step::StoreAway { word, .. } => vec![*word],
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn one_seed_gives_one_sequence_of_steps(seed: u64, slots in 1_usize..20) {
        let once = steps(seed, slots, 300);
        prop_assert_eq!(&once, &steps(seed, slots, 300));
        for step in once {
            let line = serde_json::to_string(&step).unwrap();
            prop_assert_eq!(serde_json::from_str::<Step>(&line).unwrap(), step);
        }
    }

    #[test]
    fn words_and_keys_are_unique(seed: u64) {
        let (mut seen, mut keys) = (HashSet::new(), HashSet::new());
        for step in steps(seed, 8, 600) {
            for word in words(&step) {
                prop_assert!(seen.insert(word), "{word} again, in {step:?}");
            }
            if let Step::Deliver { key: Some(key), .. } | Step::ServerAmid { key, .. } = step {
                prop_assert!(keys.insert(key));
            }
        }
    }

    #[test]
    fn repeated_keys_belong_to_one_project(seed: u64) {
        let mut given: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for step in steps(seed, 6, 600) {
            match step {
                Step::Deliver { slot, key: Some(key), .. } | Step::ServerAmid { slot, key, .. } => {
                    given.entry(slot).or_default().push(key);
                }
                Step::Remake { slot } | Step::RemakeAmid { slot, .. } => drop(given.remove(&slot)),
                Step::Again { slot, key } => prop_assert!(given[&slot].contains(&key)),
                _ => {}
            }
        }
    }
}

#[test]
fn a_long_run_draws_every_step() {
    let names: HashSet<String> = steps(1, 12, 4_000).iter().map(Step::name).collect();
    assert!(names.len() >= 42, "{}: {names:?}", names.len());
}

#[test]
fn other_seeds_give_other_steps() {
    assert_ne!(steps(1, 8, 100), steps(2, 8, 100));
}

//! The plan is what the seed says, and makes sense.

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
    fn the_same_seed_gives_the_same_steps_and_they_can_be_written_down(seed: u64, slots in 1_usize..20) {
        let once = steps(seed, slots, 300);
        prop_assert_eq!(&once, &steps(seed, slots, 300));
        for step in once {
            let line = serde_json::to_string(&step).unwrap();
            prop_assert_eq!(serde_json::from_str::<Step>(&line).unwrap(), step);
        }
    }

    #[test]
    fn no_word_and_no_key_is_given_twice(seed: u64) {
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
    fn what_is_asked_for_again_was_asked_for_in_the_same_project(seed: u64) {
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
fn a_run_of_some_length_does_everything() {
    let names: HashSet<String> = steps(1, 12, 4_000).iter().map(Step::name).collect();
    assert!(names.len() >= 42, "{}: {names:?}", names.len());
}

#[test]
fn other_seeds_give_other_steps() {
    assert_ne!(steps(1, 8, 100), steps(2, 8, 100));
}

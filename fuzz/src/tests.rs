//! Runs the seeds and changed seeds through every target, so that targets stay usable between two
//! rounds of fuzzing.

mod change;

use std::{
    collections::BTreeSet,
    fs,
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::*;

/// Seconds for each target with changed seeds, unless `FUZZ_TEST_SECONDS` says otherwise.
const SECONDS: u64 = 3;
/// The first number of the changes, unless `FUZZ_TEST_SEED` says otherwise.
const SEED: u64 = 1;

fn folder(of: &str, target: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(of).join(target)
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

fn names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_target_has_its_program_and_its_seeds() {
    let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("src/bin"), targets);
    assert_eq!(names("seeds"), targets);
}

/// One test, because the allocator counts for the whole process.
#[test]
fn what_is_promised_holds_for_seeds_and_their_changes() {
    let time = Duration::from_secs(number("FUZZ_TEST_SECONDS", SECONDS));
    let mut random = fastrand::Rng::with_seed(number("FUZZ_TEST_SEED", SEED));
    for (name, run) in TARGETS {
        let files = fs::read_dir(folder("seeds", name)).unwrap();
        let seeds: Vec<Vec<u8>> = files
            .map(|entry| fs::read(entry.unwrap().path()).unwrap())
            .collect();
        assert!(!seeds.is_empty(), "{name}");
        let mut runs = 0_u64;
        let mut hold = |input: &[u8]| {
            runs += 1;
            if catch_unwind(|| run(input)).is_err() {
                let folder = folder("artifacts", name);
                fs::create_dir_all(&folder).unwrap();
                let file = folder.join(format!("test-{runs}"));
                fs::write(&file, input).unwrap();
                panic!(
                    "{name} does not hold: cargo run --manifest-path fuzz/Cargo.toml --bin {name} -- {}",
                    file.display()
                );
            }
        };
        hold(b"");
        for seed in &seeds {
            hold(seed);
            // Half of a seed is usually a truncated one.
            hold(&seed[..seed.len() / 2]);
        }
        let begun = Instant::now();
        while begun.elapsed() < time {
            hold(&change::changed(&seeds, &mut random));
        }
        println!("{name}: {runs} runs");
    }
}

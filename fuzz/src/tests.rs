//! Runs the seeds of every target, so that targets do not rot between two rounds of fuzzing.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;

fn names(folder: &str) -> BTreeSet<String> {
    fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_target_has_program_and_seeds() {
    let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("src/bin"), targets);
    assert_eq!(names("seeds"), targets);
}

/// One test, as memory is counted for the whole process.
#[test]
fn promises_hold_for_the_seeds() {
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("seeds")
            .join(name);
        let mut seeds = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            println!("{}", path.display());
            let bytes = fs::read(path).unwrap();
            run(&bytes);
            // Half of a seed is mostly a torn one.
            run(&bytes[..bytes.len() / 2]);
            seeds += 1;
        }
        assert!(seeds > 0, "{name}");
        run(b"");
    }
}

//! Runs the seeds through every target, so that targets stay usable between two rounds of fuzzing.

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
fn every_target_has_its_program_and_its_seeds() {
    let targets = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("src/bin"), targets);
    assert_eq!(names("seeds"), targets);
}

/// One test, because the allocator counts for the whole process.
#[test]
fn what_is_promised_holds_for_the_seeds() {
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
            // Half of a seed is usually a truncated one.
            run(&bytes[..bytes.len() / 2]);
            seeds += 1;
        }
        assert!(seeds > 0, "{name}");
        run(b"");
    }
}

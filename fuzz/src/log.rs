//! The log on disk: every record of a sound log, every sound record of a damaged one, and no
//! invented record.

mod forged;
mod segment;
mod written;

use std::{cell::RefCell, fs, path::Path};

use tempfile::TempDir;
use wxcode_holder::log::{Item, Reader, What, last_size, screen};

use crate::input::Input;
use segment::{Segment, encode};

thread_local! {
    static SESSION: RefCell<TempDir> = RefCell::new(tempfile::tempdir().unwrap());
}

/// Runs one input: a log written like the holder's, sound or damaged in one place, or arbitrary
/// segments.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 2 {
        0 => written::run(input),
        _ => forged::run(input),
    }
}

/// Replaces the segments, and returns the folder of their session.
fn with_segments<T>(segments: &[Segment], what: impl FnOnce(&Path) -> T) -> T {
    SESSION.with_borrow(|session| {
        let folder = session.path().join("log");
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        for segment in segments {
            fs::write(folder.join(segment.name()), &segment.bytes).unwrap();
        }
        what(session.path())
    })
}

/// Reads a log in every way; returns the result of the plain one.
fn read(session: &Path, segments: &[Segment]) -> Vec<Item> {
    let items: Vec<Item> = Reader::open(session).unwrap().collect();
    check(&items, segments);
    let firsts = segments.iter().map(|segment| segment.first);
    for offset in firsts.chain([0, u64::MAX]) {
        let from = Reader::open_at(session, offset).unwrap();
        let lowest = segments.iter().map(|segment| segment.first).min();
        assert_eq!(
            from.is_some(),
            lowest.is_some_and(|lowest| lowest <= offset)
        );
        check(&from.into_iter().flatten().collect::<Vec<_>>(), segments);
    }
    let is_sized = |item: &Item| matches!(item, Item::Record(record) if matches!(record.what, What::Resized(_)));
    assert_eq!(screen(session).is_some(), items.iter().any(is_sized));
    let _ = last_size(session);
    items
}

/// Offsets only grow, each gap is reported, and each record is in a segment.
fn check(items: &[Item], segments: &[Segment]) {
    let mut at = None;
    let mut gap = None;
    for item in items {
        match item {
            Item::Gap { from, to } => {
                assert!(from < to && at == Some(*from) && gap.is_none());
                gap = Some(*to);
            }
            Item::Record(record) => {
                let expected = gap.take().or(at).unwrap_or(record.offset);
                assert_eq!(record.offset, expected, "output is lost, and not reported");
                at = Some(record.end());
                if let Some(bytes) = encode(record) {
                    let holds = |segment: &Segment| segment.holds(&bytes);
                    assert!(segments.iter().any(holds), "{record:?} is made up");
                }
            }
        }
    }
    assert_eq!(gap, None, "behind a gap something is there");
}

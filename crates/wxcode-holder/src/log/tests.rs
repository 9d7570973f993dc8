use std::{
    fs::{self, File},
    time::Instant,
};

use bytes::Bytes;
use proptest::prelude::*;

use super::{format::FOLDER, record::HEADER, *};
use crate::{folder::Exit, segment};

fn size(cols: u16) -> Size {
    Size::new(cols, 24).unwrap()
}

fn exit(offset: u64) -> Exit {
    Exit {
        code: Some(3),
        signal: None,
        at: "2026-01-01T00:00:00Z".into(),
        reason: "exited".into(),
        offset,
    }
}

/// A step of a test: output, a size, or a pause long enough for writing the batch.
#[derive(Clone, Debug)]
enum Step {
    Output(Vec<u8>),
    Resize(u16),
    Pause,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 1..400).prop_map(Step::Output),
        1 => (1..=500u16).prop_map(Step::Resize),
        2 => Just(Step::Pause),
    ];
    prop::collection::vec(step, 0..60)
}

/// Records by their offsets.
type Happened = Vec<(u64, What)>;

/// Writes the steps and an exit; returns the expected items with offsets, in order.
fn write(dir: &Path, steps: &[Step], max_segment: u64) -> Happened {
    let mut log = Writer::bounded(dir, size(80), max_segment, MAX_BYTES);
    let mut now = Instant::now();
    let (mut at, mut happened) = (0, Vec::new());
    for step in steps {
        match step {
            Step::Output(bytes) => {
                log.output(at, bytes, now);
                happened.push((at, What::Output(Bytes::copy_from_slice(bytes))));
                at += bytes.len() as u64;
            }
            Step::Resize(cols) => {
                log.resized(at, size(*cols), now);
                happened.push((at, What::Resized(size(*cols))));
            }
            Step::Pause => {
                now = log.due().unwrap_or(now).max(now);
                log.flush_when_due(now);
            }
        }
    }
    log.exited(&exit(at), now);
    happened.push((at, What::Exited(exit(at))));
    assert_eq!(log.off(), None);
    happened
}

/// The content of the log without the sizes at the beginnings of segments, and the log's gaps.
fn read(dir: &Path) -> (Happened, Vec<(u64, u64)>) {
    let heads = segments(dir).unwrap();
    let (mut records, mut gaps) = (Vec::new(), Vec::new());
    let mut head = 0;
    for item in Reader::open(dir).unwrap() {
        match item {
            Item::Record(record) => {
                let is_size = matches!(record.what, What::Resized(_));
                // The first record at the offset of a segment is its head.
                while head < heads.len() && heads[head] < record.offset {
                    head += 1;
                }
                if is_size && heads.get(head) == Some(&record.offset) {
                    head += 1;
                } else {
                    records.push((record.offset, record.what));
                }
            }
            Item::Gap { from, to } => gaps.push((from, to)),
        }
    }
    (records, gaps)
}

/// Whether `part` is `whole` with some items removed.
fn is_subsequence(part: &[(u64, What)], whole: &[(u64, What)]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|one| whole.any(|other| other == one))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn encoding_round_trips(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let happened = write(dir.path(), &steps, u64::MAX);
        prop_assert_eq!(read(dir.path()), (happened, vec![]));
    }

    #[test]
    fn a_truncated_log_is_a_prefix(steps in steps(), cut in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().unwrap();
        let happened = write(dir.path(), &steps, u64::MAX);
        let path = segment::path(&dir.path().join(FOLDER), 0);
        let len = fs::metadata(&path).unwrap().len();
        File::options().write(true).open(&path).unwrap().set_len(cut.index(len as usize) as u64).unwrap();
        let (left, gaps) = read(dir.path());
        prop_assert!(happened.starts_with(&left) && left.len() < happened.len());
        prop_assert!(gaps.is_empty());
    }

    #[test]
    fn segments_follow_each_other_without_a_gap(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let happened = write(dir.path(), &steps, 1000);
        let (records, gaps) = read(dir.path());
        prop_assert!(gaps.is_empty());
        // Sizes at the offset of a segment may stand in for its head.
        let bytes = |records: &[(u64, What)]| records.iter().filter(|(_, what)| !matches!(what, What::Resized(_))).cloned().collect::<Vec<_>>();
        prop_assert_eq!(bytes(&records), bytes(&happened));
        let sized = |steps: &[Step]| steps.iter().rev().find_map(|step| match step { Step::Resize(cols) => Some(size(*cols)), _ => None });
        prop_assert_eq!(last_size(dir.path()), Some(sized(&steps).unwrap_or(size(80))));
    }

    #[test]
    fn damage_costs_only_its_segment(
        steps in steps(), which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), flip in 1..=255u8,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let happened = write(dir.path(), &steps, 1000);
        let firsts = segments(dir.path()).unwrap();
        let which = which.index(firsts.len());
        let path = segment::path(&dir.path().join(FOLDER), firsts[which]);
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        let (left, gaps) = read(dir.path());
        let only = |records: &[(u64, What)]| records.iter().filter(|(_, what)| !matches!(what, What::Resized(_))).cloned().collect::<Vec<_>>();
        prop_assert!(is_subsequence(&only(&left), &only(&happened)), "nothing is made up");
        let next = firsts.get(which + 1).copied();
        let behind = |records: &[(u64, What)]| only(records).into_iter().filter(|(at, _)| next.is_some_and(|next| *at >= next)).collect::<Vec<_>>();
        prop_assert_eq!(behind(&left), behind(&happened), "the next segment goes on");
        for (from, to) in gaps {
            prop_assert!(firsts[which] <= from && Some(to) == next, "{} to {}", from, to);
        }
    }
}

#[test]
fn old_segments_are_dropped_at_the_bound() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Writer::bounded(dir.path(), size(80), 256 << 10, 1 << 20);
    let now = Instant::now();
    log.resized(0, size(99), now);
    for n in 0..100u64 {
        log.output(n * 65_536, &[n as u8; 65_536], now);
        let held: u64 = fs::read_dir(dir.path().join(FOLDER))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(held <= 1 << 20, "{held}");
    }
    let items: Vec<Item> = Reader::open(dir.path()).unwrap().collect();
    let Item::Record(first) = &items[0] else {
        panic!("{:?}", items[0])
    };
    assert_eq!(first.what, What::Resized(size(99)));
    assert!(first.offset > 5 << 20, "{}", first.offset);
    let Some(Item::Record(last)) = items.last() else {
        panic!("no record")
    };
    assert_eq!(last.end(), 100 * 65_536);
    assert!(!items.iter().any(|item| matches!(item, Item::Gap { .. })));
}

#[test]
fn a_removed_segment_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let steps: Vec<Step> = (0..30)
        .flat_map(|n| [Step::Output(vec![n; 300]), Step::Pause])
        .collect();
    write(dir.path(), &steps, 1000);
    let firsts = segments(dir.path()).unwrap();
    fs::remove_file(segment::path(&dir.path().join(FOLDER), firsts[1])).unwrap();
    assert_eq!(read(dir.path()).1, [(firsts[1], firsts[2])]);
}

#[test]
fn an_excessive_length_is_refused() {
    let mut record = vec![0; HEADER];
    record[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    assert!(Record::read(&mut &record[..]).is_err());
    record[4..8].copy_from_slice(&(MAX_PAYLOAD as u32 + 1).to_be_bytes());
    record.resize(HEADER + MAX_PAYLOAD + 1, 0);
    let sum = crc32c::crc32c(&record[4..]).to_be_bytes();
    record[..4].copy_from_slice(&sum);
    assert!(Record::read(&mut &record[..]).is_err());
}

#[test]
fn a_write_error_turns_the_log_off() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FOLDER), "in the way").unwrap();
    let mut log = Writer::new(dir.path(), size(80));
    let now = Instant::now();
    log.output(0, b"hello", now);
    assert_eq!(log.off(), None, "it waits");
    log.flush_when_due(log.due().unwrap());
    assert!(log.off().unwrap().contains("a write failed"));
    assert!(
        log.take_failure().is_some() && log.take_failure().is_none(),
        "reported once"
    );
    log.output(5, &[0; 100_000], now);
    assert_eq!(log.due(), None);
}

#[test]
fn a_due_or_large_batch_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = Writer::new(dir.path(), size(80));
    log.output(0, b"a", Instant::now());
    let due = log.due().unwrap();
    log.flush_when_due(due - std::time::Duration::from_millis(1));
    assert_eq!(segments(dir.path()).unwrap(), Vec::<u64>::new());
    log.flush_when_due(due);
    assert_eq!(read(dir.path()).0.len(), 1);
    log.output(1, &vec![b'b'; 65_536], Instant::now());
    assert_eq!(log.due(), None, "nothing waits");
    assert_eq!(read(dir.path()).0.len(), 2);
}

#[test]
fn the_log_draws_the_screen() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            Step::Output(b"before\r\n".to_vec()),
            Step::Resize(40),
            Step::Output("after ✓".into()),
        ],
        MAX_SEGMENT,
    );
    let screen = screen(dir.path()).unwrap();
    assert_eq!(screen.size(), size(40));
    assert!(screen.text().starts_with("before\nafter ✓"));
    assert!(super::screen(&dir.path().join("none")).is_none());
}

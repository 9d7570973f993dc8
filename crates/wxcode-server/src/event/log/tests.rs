use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;
use tempfile::TempDir;
use wxcode_core::{
    event::{EVENT_MAX, Report},
    id::Id,
};

use super::*;

const SESSION: Id = Id::from_bytes([1; 12]);

/// Above any number that counts from 1.
const FAR: u64 = 1 << 50;

/// The prompt of hook `hook`.
fn prompt(hook: u64, prompt: &str) -> Kind {
    let by = Report {
        session_id: SESSION,
        claude_session_id: uuid::Uuid::nil(),
        hook,
    };
    Kind::PromptSubmitted {
        by,
        prompt: prompt.into(),
    }
}

fn folder() -> (TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("events/p");
    (temp, dir)
}

fn open(dir: &Path) -> Log {
    Log::open_under(dir, "boot 1")
}

/// Publishes the events of hooks `hooks`; returns the numbers of new ones.
fn tell(log: &mut Log, hooks: std::ops::RangeInclusive<u64>, text: &str) -> Vec<u64> {
    hooks
        .filter_map(|hook| log.append(prompt(hook, text), Timestamp::UNIX_EPOCH))
        .map(|line| line.seq)
        .collect()
}

/// All events after `cursor`, as a reader gets them.
fn rest(log: &Log, mut cursor: u64) -> Option<Vec<u64>> {
    let mut all = Vec::new();
    while cursor < log.last() {
        match read_after(&log.dir, log.segments(), cursor, 4_096) {
            Read::Lines(lines) => all.extend(lines.iter().map(|line| line.seq)),
            Read::Gone => return None,
        }
        cursor = *all.last().unwrap();
    }
    Some(all)
}

fn newest(log: &Log) -> PathBuf {
    segment::path(&log.dir, *log.segments.last().unwrap())
}

#[test]
fn what_was_told_is_read_again_after_any_event_and_told_once() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    assert!(log.is_new());
    assert_eq!(tell(&mut log, 1..=5, "a"), [1, 2, 3, 4, 5]);
    for cursor in 0..=5 {
        assert_eq!(rest(&log, cursor), Some((cursor + 1..=5).collect()));
    }
    drop(log);
    let mut log = open(&dir);
    assert_eq!(
        tell(&mut log, 3..=7, "a"),
        [6, 7],
        "hooks up to 5 were told"
    );
    assert_eq!(rest(&log, 0), Some((1..=7).collect()));
    assert_eq!(rest(&log, 4), Some(vec![5, 6, 7]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&newest(&log))), (0o700, 0o600));
}

#[test]
fn the_oldest_segment_gives_way_and_the_log_stays_small() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    let text = "x".repeat(10_000);
    tell(&mut log, 1..=1_000, &text);
    assert_eq!(log.segments().len(), SEGMENTS_MAX);
    let files = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap());
    let size: u64 = files.map(|entry| entry.metadata().unwrap().len()).sum();
    let max = SEGMENTS_MAX as u64 * (segment::SEGMENT_MAX + EVENT_MAX as u64 + 1_000);
    assert!(size <= max && size > max / 2, "{size} of {max}");
    let oldest = log.segments()[0];
    assert_eq!(rest(&log, oldest - 1), None);
    assert_eq!(rest(&log, 0), None);
    assert_eq!(rest(&log, oldest), Some((oldest + 1..=1_000).collect()));
    drop(log);
    let mut log = open(&dir);
    assert_eq!(tell(&mut log, 990..=1_001, "a"), [1_001]);
    assert_eq!(rest(&log, oldest).unwrap().len() as u64, 1_001 - oldest);
}

#[test]
fn a_reader_of_a_part_holds_that_part_alone() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    tell(&mut log, 1..=200, &"x".repeat(1_000));
    let found = segment::read_behind(&dir, 0, 100, 4_096).unwrap();
    let numbers: Vec<u64> = found.lines.iter().map(|line| line.seq).collect();
    // Each is slightly larger than its text.
    assert_eq!(numbers, [101, 102, 103, 104]);
    assert!(found.lines.capacity() <= 4, "{}", found.lines.capacity());
    assert_eq!((found.last, found.is_damaged), (104, false));
    let whole = segment::read(&dir, 0).unwrap();
    assert_eq!((whole.lines.len(), whole.last), (200, 200));
}

#[test]
fn a_torn_tail_is_cut_and_the_numbers_go_on() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    tell(&mut log, 1..=3, "a");
    let whole = fs::read(newest(&log)).unwrap();
    let path = newest(&log);
    drop(log);
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut log = open(&dir);
    assert_eq!(
        tell(&mut log, 1..=4, "a"),
        [3, 4],
        "the third one was not told"
    );
    assert_eq!(rest(&log, 0), Some(vec![1, 2, 3, 4]));
}

#[test]
fn a_segment_whose_making_was_broken_off_is_nothing() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    tell(&mut log, 1..=3, "a");
    drop(log);
    fs::write(segment::path(&dir, 3), b"0000").unwrap();
    let mut log = open(&dir);
    assert_eq!(tell(&mut log, 1..=4, "a"), [4]);
    assert_eq!(rest(&log, 1), Some(vec![2, 3, 4]));
}

#[test]
fn after_damage_nobody_is_told_that_nothing_is_missing() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    tell(&mut log, 1..=5, "a");
    let path = newest(&log);
    drop(log);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    fs::write(&path, bytes).unwrap();
    let mut log = open(&dir);
    assert_eq!(rest(&log, 5), None);
    let told = tell(&mut log, 1..=7, "a");
    assert!(told.len() < 7 && told[0] > 5 && told[0] > FAR, "{told:?}");
    for cursor in [0, 1, 4, 5, 6, 7] {
        assert_eq!(rest(&log, cursor), None, "{cursor}");
    }
    assert_eq!(rest(&log, told[0] - 1), Some(told.clone()));
    drop(log);
    let mut log = open(&dir);
    assert_eq!(tell(&mut log, 8..=8, "a"), [told[told.len() - 1] + 1]);
}

#[test]
fn a_full_disk_makes_a_gap_that_is_known_and_is_got_over() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    fs::create_dir_all(&dir).unwrap();
    symlink("/dev/full", segment::path(&dir, 0)).unwrap();
    assert_eq!(tell(&mut log, 1..=2, "a"), [1, 2], "told, though not kept");
    assert_eq!(rest(&log, 0), None);
    // The segment that could not start was removed: now there is room.
    assert_eq!(tell(&mut log, 3..=4, "a"), [3, 4]);
    assert_eq!(rest(&log, 0), None);
    assert_eq!(rest(&log, 2), Some(vec![3, 4]));
    drop(log);
    let mut log = open(&dir);
    assert_eq!(tell(&mut log, 4..=5, "a"), [5]);
}

#[test]
fn a_folder_that_cannot_be_written_is_known_after_a_restart() {
    let (temp, dir) = folder();
    let mut log = open(&dir);
    fs::create_dir_all(temp.path().join("events")).unwrap();
    tell(&mut log, 1..=2, "a");
    fs::rename(&dir, temp.path().join("elsewhere")).unwrap();
    fs::write(&dir, b"no folder").unwrap();
    let text = "x".repeat(10_000);
    // The segment still takes some, the next one cannot start.
    assert_eq!(tell(&mut log, 3..=100, &text).last(), Some(&100));
    assert_eq!(rest(&log, 2), None);
    drop(log);
    let mut log = open(&dir);
    let told = tell(&mut log, 101..=101, "a");
    assert!(
        told[0] > FAR,
        "nobody who saw 100 takes this for the next: {told:?}"
    );
}

#[test]
fn a_system_that_lost_power_may_have_lost_events_and_one_that_ended_has_not() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    tell(&mut log, 1..=3, "a");
    log.close().unwrap();
    drop(log);
    let mut log = Log::open_under(&dir, "boot 2");
    assert_eq!(tell(&mut log, 4..=4, "a"), [4]);
    assert_eq!(rest(&log, 0), Some(vec![1, 2, 3, 4]));
    drop(log);
    // Killed and started again: that loses nothing.
    let mut log = Log::open_under(&dir, "boot 2");
    assert_eq!(tell(&mut log, 5..=5, "a"), [5]);
    drop(log);
    let mut log = Log::open_under(&dir, "boot 3");
    assert_eq!(rest(&log, 4), None);
    assert!(tell(&mut log, 6..=6, "a")[0] > FAR);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// After any kill, every event is read once, in order, from any published number.
    #[test]
    fn cut_anywhere_the_log_goes_on_where_it_stopped(
        lens in prop::collection::vec(0_usize..9_000, 1..60),
        cuts in prop::collection::vec((0_usize..60, 0_usize..200), 0..4),
    ) {
        let (_temp, dir) = folder();
        let mut log = open(&dir);
        for (n, len) in lens.iter().enumerate() {
            log.append(prompt(n as u64 + 1, &"y".repeat(*len)), Timestamp::UNIX_EPOCH);
            for (_, torn) in cuts.iter().filter(|(at, _)| *at == n) {
                // The next line was being written.
                let next = Line::new(&Event {
                    seq: log.last + 1,
                    at: Timestamp::UNIX_EPOCH,
                    kind: prompt(n as u64 + 2, &"z".repeat(200)),
                    cut: false,
                });
                let mut bytes = fs::read(newest(&log)).unwrap();
                bytes.extend_from_slice(&next.text().as_bytes()[..*torn]);
                fs::write(newest(&log), bytes).unwrap();
                log = open(&dir);
            }
        }
        let last = lens.len() as u64;
        prop_assert_eq!(log.last(), last);
        for cursor in [0, last / 2, last] {
            prop_assert_eq!(rest(&log, cursor), Some((cursor + 1..=last).collect()));
        }
    }
}

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
fn publish(log: &mut Log, hooks: std::ops::RangeInclusive<u64>, text: &str) -> Vec<u64> {
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
fn events_are_read_from_any_cursor_once() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    assert!(log.is_new());
    assert_eq!(publish(&mut log, 1..=5, "a"), [1, 2, 3, 4, 5]);
    for cursor in 0..=5 {
        assert_eq!(rest(&log, cursor), Some((cursor + 1..=5).collect()));
    }
    drop(log);
    let mut log = open(&dir);
    assert_eq!(
        publish(&mut log, 3..=7, "a"),
        [6, 7],
        "hooks up to 5 were published"
    );
    assert_eq!(rest(&log, 0), Some((1..=7).collect()));
    assert_eq!(rest(&log, 4), Some(vec![5, 6, 7]));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&newest(&log))), (0o700, 0o600));
}

#[test]
fn oldest_segments_are_dropped_at_the_bound() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    let text = "x".repeat(10_000);
    publish(&mut log, 1..=1_000, &text);
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
    assert_eq!(publish(&mut log, 990..=1_001, "a"), [1_001]);
    assert_eq!(rest(&log, oldest).unwrap().len() as u64, 1_001 - oldest);
}

#[test]
fn readers_hold_one_batch_only() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    publish(&mut log, 1..=200, &"x".repeat(1_000));
    let found = segment::read_behind(&dir, 0, 100, 4_096).unwrap();
    let numbers: Vec<u64> = found.lines.iter().map(|line| line.seq).collect();
    // Each event is slightly larger than its text.
    assert_eq!(numbers, [101, 102, 103, 104]);
    assert!(found.lines.capacity() <= 4, "{}", found.lines.capacity());
    assert_eq!((found.last, found.is_damaged), (104, false));
    let whole = segment::read(&dir, 0).unwrap();
    assert_eq!((whole.lines.len(), whole.last), (200, 200));
}

#[test]
fn torn_tails_are_cut_and_numbers_continue() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    publish(&mut log, 1..=3, "a");
    let whole = fs::read(newest(&log)).unwrap();
    let path = newest(&log);
    drop(log);
    fs::write(&path, &whole[..whole.len() - 5]).unwrap();
    let mut log = open(&dir);
    assert_eq!(
        publish(&mut log, 1..=4, "a"),
        [3, 4],
        "the third one was not published"
    );
    assert_eq!(rest(&log, 0), Some(vec![1, 2, 3, 4]));
}

#[test]
fn unfinished_segments_are_ignored() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    publish(&mut log, 1..=3, "a");
    drop(log);
    fs::write(segment::path(&dir, 3), b"0000").unwrap();
    let mut log = open(&dir);
    assert_eq!(publish(&mut log, 1..=4, "a"), [4]);
    assert_eq!(rest(&log, 1), Some(vec![2, 3, 4]));
}

#[test]
fn damage_leaves_a_visible_gap() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    publish(&mut log, 1..=5, "a");
    let path = newest(&log);
    drop(log);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    fs::write(&path, bytes).unwrap();
    let mut log = open(&dir);
    assert_eq!(rest(&log, 5), None);
    let seqs = publish(&mut log, 1..=7, "a");
    assert!(seqs.len() < 7 && seqs[0] > 5 && seqs[0] > FAR, "{seqs:?}");
    for cursor in [0, 1, 4, 5, 6, 7] {
        assert_eq!(rest(&log, cursor), None, "{cursor}");
    }
    assert_eq!(rest(&log, seqs[0] - 1), Some(seqs.clone()));
    drop(log);
    let mut log = open(&dir);
    assert_eq!(publish(&mut log, 8..=8, "a"), [seqs[seqs.len() - 1] + 1]);
}

#[test]
fn full_disks_leave_a_visible_gap() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    fs::create_dir_all(&dir).unwrap();
    symlink("/dev/full", segment::path(&dir, 0)).unwrap();
    assert_eq!(
        publish(&mut log, 1..=2, "a"),
        [1, 2],
        "published, though not kept"
    );
    assert_eq!(rest(&log, 0), None);
    // The segment without room for its start was removed: now there is room.
    assert_eq!(publish(&mut log, 3..=4, "a"), [3, 4]);
    assert_eq!(rest(&log, 0), None);
    assert_eq!(rest(&log, 2), Some(vec![3, 4]));
    drop(log);
    let mut log = open(&dir);
    assert_eq!(publish(&mut log, 4..=5, "a"), [5]);
}

#[test]
fn unwritable_folders_leave_a_gap_after_restart() {
    let (temp, dir) = folder();
    let mut log = open(&dir);
    fs::create_dir_all(temp.path().join("events")).unwrap();
    publish(&mut log, 1..=2, "a");
    fs::rename(&dir, temp.path().join("elsewhere")).unwrap();
    fs::write(&dir, b"no folder").unwrap();
    let text = "x".repeat(10_000);
    // The segment still takes some events, the next segment cannot start.
    assert_eq!(publish(&mut log, 3..=100, &text).last(), Some(&100));
    assert_eq!(rest(&log, 2), None);
    drop(log);
    let mut log = open(&dir);
    let seqs = publish(&mut log, 101..=101, "a");
    assert!(
        seqs[0] > FAR,
        "a reader that saw 100 sees the gap: {seqs:?}"
    );
}

#[test]
fn power_loss_leaves_a_gap_and_clean_ends_none() {
    let (_temp, dir) = folder();
    let mut log = open(&dir);
    publish(&mut log, 1..=3, "a");
    log.close().unwrap();
    drop(log);
    let mut log = Log::open_under(&dir, "boot 2");
    assert_eq!(publish(&mut log, 4..=4, "a"), [4]);
    assert_eq!(rest(&log, 0), Some(vec![1, 2, 3, 4]));
    drop(log);
    // Killed and started again, without a loss.
    let mut log = Log::open_under(&dir, "boot 2");
    assert_eq!(publish(&mut log, 5..=5, "a"), [5]);
    drop(log);
    let mut log = Log::open_under(&dir, "boot 3");
    assert_eq!(rest(&log, 4), None);
    assert!(publish(&mut log, 6..=6, "a")[0] > FAR);
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

use std::{path::PathBuf, time::Duration};

use tempfile::TempDir;

use super::*;

struct Pair {
    state: FileCopy,
    root: TempDir,
}

impl Pair {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self {
            state: FileCopy::default(),
            root,
        }
    }

    fn file(&self) -> PathBuf {
        self.root.path().join("file")
    }

    fn step(&mut self, bytes: u64, room: u64) -> Reached {
        let copy = self.root.path().join("a/copy");
        let mut file = File::open(self.file()).unwrap();
        let until = Instant::now() + Duration::from_secs(3_600);
        let mut budget = Budget { bytes, room, until };
        self.state.step(&mut file, &copy, &mut budget).unwrap()
    }

    /// Copies all; returns the copy.
    fn copied(&mut self) -> String {
        assert_eq!(self.step(u64::MAX, u64::MAX), Reached::End);
        self.copy()
    }

    fn copy(&self) -> String {
        fs::read_to_string(self.root.path().join("a/copy")).unwrap()
    }

    fn append(&self, text: &str) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.file())
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// Forgets what was reached, as a new server does.
    fn forget(&mut self) {
        self.state = FileCopy::default();
    }
}

fn entry(number: u128, text: &str) -> String {
    let id = uuid::Uuid::from_u128(number);
    format!("{{\"type\":\"user\",\"uuid\":\"{id}\",\"text\":\"{text}\"}}\n")
}

#[test]
fn a_half_written_line_waits() {
    let mut pair = Pair::new();
    let (one, two) = (entry(1, "one"), entry(2, "two"));
    pair.append(&one);
    pair.append(&two[..10]);
    assert_eq!(pair.copied(), one);
    pair.append(&two[10..]);
    assert_eq!(pair.copied(), format!("{one}{two}"));
    pair.append("{\"type\":\"nobody knows it\"}\nnot even JSON\n");
    assert!(pair.copied().ends_with("not even JSON\n"));
}

#[test]
fn a_new_server_continues_the_copy() {
    let mut pair = Pair::new();
    pair.append("same\nsame\n");
    pair.copied();
    pair.forget();
    pair.append("same\n");
    assert_eq!(pair.copied(), "same\nsame\nsame\n");
    // A server that was killed left half a line.
    let copy = pair.root.path().join("a/copy");
    fs::write(copy, "same\nsa").unwrap();
    pair.forget();
    assert_eq!(pair.copied(), "same\nsame\nsame\n");
}

#[test]
fn a_rewritten_file_repeats_no_entry() {
    let mut pair = Pair::new();
    let (one, two, three) = (entry(1, "one"), entry(2, "two"), entry(3, "three"));
    let title = "{\"type\":\"title\"}\n";
    pair.append(&format!("{title}{one}{two}"));
    pair.copied();
    // Shorter, of the same file.
    fs::write(pair.file(), format!("{title}{two}{title}")).unwrap();
    let all = format!("{title}{one}{two}{title}");
    assert_eq!(pair.copied(), all);
    // Another file in its place, which is longer.
    let other = pair.root.path().join("other");
    let text = format!("{three}{}{one}", "{\"type\":\"x\"}\n".repeat(50));
    fs::write(&other, text).unwrap();
    fs::rename(&other, pair.file()).unwrap();
    let copied = pair.copied();
    assert!(copied.starts_with(&all), "{copied}");
    assert_eq!(copied.matches("one").count(), 1, "{copied}");
    assert_eq!(copied.matches("three").count(), 1, "{copied}");
    assert_eq!(copied.matches("\"x\"").count(), 50, "{copied}");
    // The same file, overwritten by one of the same size.
    let text = fs::read_to_string(pair.file()).unwrap();
    let changed = text.replace("one", "two").replace(
        &uuid::Uuid::from_u128(1).to_string(),
        &uuid::Uuid::from_u128(9).to_string(),
    );
    fs::write(pair.file(), changed).unwrap();
    assert!(
        pair.copied()
            .contains(&uuid::Uuid::from_u128(9).to_string())
    );
    pair.append(&entry(10, "last"));
    assert!(pair.copied().ends_with(&entry(10, "last")));
}

#[test]
fn a_long_line_is_copied_in_steps() {
    let mut pair = Pair::new();
    let long = entry(1, &"a".repeat(20 << 20));
    pair.append(&long);
    pair.append(&long.replace("0001", "0002"));
    assert_eq!(pair.step(1, u64::MAX), Reached::Budget);
    assert_eq!(pair.copy().len(), long.len());
    assert_eq!(pair.copied().len(), 2 * long.len());
}

#[test]
fn a_line_that_is_too_long_is_passed_in_steps() {
    let mut pair = Pair::new();
    let (one, two) = (entry(1, "one"), entry(2, "two"));
    pair.append(&one);
    let file = OpenOptions::new().append(true).open(pair.file()).unwrap();
    file.set_len(one.len() as u64 + 3 * LINE_MAX).unwrap();
    assert_eq!(pair.step(one.len() as u64, u64::MAX), Reached::Budget);
    assert_eq!(pair.step(1, u64::MAX), Reached::Budget, "its beginning");
    assert_eq!(pair.step(LINE_MAX, u64::MAX), Reached::Budget);
    assert_eq!(pair.copied(), one, "its end is not written yet");
    pair.append(&format!("\n{two}"));
    assert_eq!(pair.copied(), format!("{one}{two}"));
}

#[test]
fn each_step_gets_on_by_a_line() {
    let mut pair = Pair::new();
    let (one, two) = (entry(1, "one"), entry(2, "two"));
    pair.append(&format!("{one}{two}"));
    let copy = pair.root.path().join("a/copy");
    for expected in [one.clone(), format!("{one}{two}")] {
        let mut budget = Budget {
            bytes: u64::MAX,
            room: u64::MAX,
            until: Instant::now(),
        };
        let mut file = File::open(pair.file()).unwrap();
        let reached = pair.state.step(&mut file, &copy, &mut budget).unwrap();
        assert_eq!(reached, Reached::Budget);
        assert_eq!(pair.copy(), expected);
    }
}

#[test]
fn a_full_copy_stops_between_lines() {
    let mut pair = Pair::new();
    let (one, two) = (entry(1, "one"), entry(2, "two"));
    pair.append(&format!("{one}{two}"));
    assert_eq!(pair.step(u64::MAX, one.len() as u64), Reached::Full);
    assert_eq!(pair.copy(), one);
    assert_eq!(pair.copied(), format!("{one}{two}"));
}

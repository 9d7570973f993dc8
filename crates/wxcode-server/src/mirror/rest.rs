//! Recognises the rest of a conversation whose beginning is lost.
//!
//! Claude Code appends to the transcript by its path. After a deletion it begins a file anew, whose
//! first entry follows one that is gone. A compaction that begins a file follows none.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
    time::Instant,
};

use serde::Deserialize;
use uuid::Uuid;

use super::{
    conversation::STEP_TIME,
    entry::{Line, read_line},
    file::{Budget, FileCopy, Reached},
};

/// Entries of a transcript searched for the first one with a parent.
const ENTRIES_MAX: usize = 1_000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    uuid: Option<Uuid>,
    #[serde(rename = "parentUuid")]
    parent: Option<Uuid>,
}

fn heads(from: impl BufRead) -> impl Iterator<Item = io::Result<Head>> {
    let (mut from, mut line) = (from, Vec::new());
    std::iter::from_fn(move || {
        loop {
            match read_line(&mut from, &mut line) {
                Ok(Line::Unfinished) => return None,
                Ok(Line::TooLong) => {}
                // Entries of unknown types have no parent.
                Ok(Line::Whole) => {
                    return Some(Ok(serde_json::from_slice(&line).unwrap_or_default()));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// The entry before the first one of a transcript; `None` if the transcript begins the conversation.
fn lost_parent(transcript: impl BufRead) -> io::Result<Option<Uuid>> {
    for head in heads(transcript).take(ENTRIES_MAX) {
        let head = head?;
        if head.uuid.is_some() {
            return Ok(head.parent);
        }
    }
    Ok(None)
}

/// Whether a transcript is the rest of the conversation in a copy.
pub(super) fn follows(transcript: &File, copy: &Path) -> io::Result<bool> {
    let Some(parent) = lost_parent(BufReader::new(transcript))? else {
        return Ok(false);
    };
    for head in heads(BufReader::new(File::open(copy)?)) {
        if head?.uuid == Some(parent) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Copies the entries that the copy lacks; false if that takes too long. The caller holds the
/// project's lock.
pub(super) fn take_over(transcript: &mut File, copy: &Path) -> io::Result<bool> {
    let mut state = FileCopy::default();
    let mut budget = Budget {
        bytes: u64::MAX,
        room: u64::MAX,
        until: Instant::now() + STEP_TIME,
    };
    Ok(state.step(transcript, copy, &mut budget)? == Reached::End)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn entry(number: u128, parent: Option<u128>) -> String {
        let [id, parent] = [Some(number), parent].map(|id| id.map(Uuid::from_u128));
        let entry = serde_json::json!({ "type": "user", "uuid": id, "parentUuid": parent });
        format!("{entry}\n")
    }

    #[test]
    fn a_transcript_without_its_beginning_is_a_rest() {
        let root = tempfile::tempdir().unwrap();
        let (transcript, copy) = (root.path().join("t.jsonl"), root.path().join("c.jsonl"));
        let mode = "{\"type\":\"mode\"}\n";
        let one = entry(1, None);
        let [two, three] = [entry(2, Some(1)), entry(3, Some(2))];
        let is_rest_of = |text: &str, copied: &str| {
            fs::write(&transcript, text).unwrap();
            fs::write(&copy, copied).unwrap();
            let mut transcript = File::open(&transcript).unwrap();
            follows(&transcript, &copy).unwrap() && take_over(&mut transcript, &copy).unwrap()
        };
        let all = [mode, &one, &two, &three].concat();
        assert!(is_rest_of(&[mode, &three].concat(), &all));
        assert_eq!(fs::read_to_string(&copy).unwrap(), all);
        // The copy lacks the newest entries.
        assert!(is_rest_of(
            &[mode, &two, &three].concat(),
            &[mode, &one].concat()
        ));
        assert_eq!(fs::read_to_string(&copy).unwrap(), all);
        assert!(!is_rest_of(&[mode, &one].concat(), &all), "its beginning");
        let compacted = [mode, &entry(9, None)].concat();
        assert!(!is_rest_of(&compacted, &all), "begun anew");
        let other = entry(9, Some(8));
        assert!(!is_rest_of(&other, &all), "of another conversation");
        assert_eq!(fs::read_to_string(&copy).unwrap(), all);
    }
}

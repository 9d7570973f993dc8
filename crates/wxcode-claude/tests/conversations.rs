//! Recorded transcripts of the real Claude Code, and the turns that they hold.
//!
//! `conversations/NAME.jsonl` is a transcript without the records of the API's requests and the
//! system prompt; `conversations/NAME.json` are its turns. `WXCODE_RECORD=1` writes the turns.
//! `scripts/record-conversations` records the same conversation with several versions of Claude
//! Code: the names of those are the versions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fs, io::Cursor, path::PathBuf};

use serde_json::Value;
use wxcode_claude::conversation::{Block, Pass, Query, Turn, markdown, page};

fn recorded(name: &str) -> (PathBuf, Vec<u8>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conversations");
    let path = folder.join(name);
    let bytes = fs::read(&path).unwrap();
    (path, bytes)
}

fn pass(bytes: &[u8], part: u64) -> Vec<Turn> {
    let mut pass = Pass::new(Cursor::new(bytes));
    let mut turns = Vec::new();
    while let Some(more) = pass.next_turns(part).unwrap() {
        turns.extend(more);
    }
    turns
}

/// The names of all transcripts.
fn names() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conversations");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let transcripts = paths.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl"));
    let mut names: Vec<String> = transcripts
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The transcripts that are named by their versions of Claude Code.
fn versions() -> Vec<String> {
    let is_version = |name: &String| name.starts_with(|c: char| c.is_ascii_digit());
    names().into_iter().filter(is_version).collect()
}

#[test]
fn recorded_transcripts_have_the_expected_turns() {
    for name in names() {
        // The version has dots.
        let (path, bytes) = recorded(&format!("{name}.jsonl"));
        let turns = pass(&bytes, 1 << 20);
        let found = serde_json::to_value(&turns).unwrap();
        let golden = path.with_extension("json");
        if std::env::var_os("WXCODE_RECORD").is_some() {
            fs::write(&golden, format!("{found:#}\n")).unwrap();
        }
        let expected: Value = serde_json::from_slice(&fs::read(&golden).unwrap()).unwrap();
        assert_eq!(found, expected, "{name}");
        assert_eq!(pass(&bytes, 1), turns, "{name}: in small parts");
        let page = page(&mut Cursor::new(&bytes), None, 200).unwrap();
        assert_eq!((page.turns, page.skipped), (turns, 0), "{name}");
    }
}

#[test]
fn each_version_tells_the_same_conversation() {
    let versions = versions();
    assert!(versions.len() >= 3, "{versions:?}");
    for version in versions {
        let (_, bytes) = recorded(&format!("{version}.jsonl"));
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(
            text.contains(&format!("\"version\":\"{version}\"")),
            "{version} recorded it"
        );
        let turns = pass(&bytes, 1 << 20);
        let told: String = turns.iter().map(markdown).collect();
        for wanted in [
            "Olá, plan the coração page",
            "**Bash**",
            "from-the-shell",
            "*Refused by a rule:*",
            "*Refused by a hook:*",
            "the house rules forbid it",
            "**Refused by UserPromptSubmit:** no secrets please",
            "after the compaction",
            "one",
            "two",
            "API Error",
        ] {
            assert!(told.contains(wanted), "{version}: {wanted}\n{told}");
        }
        let compactions = turns.iter().flat_map(|turn| &turn.blocks);
        let summaries = compactions.filter(|block| {
            matches!(
                block,
                Block::Compaction {
                    summary: Some(_),
                    ..
                }
            )
        });
        assert_eq!(summaries.count(), 1, "{version}");
        // Each tool has its result, whichever party refused it.
        assert!(!turns.iter().any(Turn::has_open_tools), "{version}");
    }
}

#[test]
fn recorded_conversations_name_no_machine() {
    for name in names() {
        let (_, bytes) = recorded(&format!("{name}.jsonl"));
        let text = String::from_utf8(bytes).unwrap();
        for place in ["\"/work", "\"/root", "\"/home", "wxcode-home-", "/tmp/."] {
            assert!(!text.contains(place), "{name}: {place}");
        }
    }
}

#[test]
fn every_cut_of_a_transcript_is_read() {
    let (_, bytes) = recorded("worked.jsonl");
    let whole = pass(&bytes, 1 << 20).len();
    let step = bytes.len() / 97;
    for end in (0..bytes.len()).step_by(step) {
        let turns = pass(&bytes[..end], 1 << 20);
        assert!(turns.len() <= whole);
        let page = page(&mut Cursor::new(&bytes[..end]), None, 200).unwrap();
        assert_eq!(page.turns, turns, "cut at {end}");
        assert!(page.skipped <= 1, "cut at {end}");
    }
}

#[test]
fn a_recorded_conversation_becomes_markdown() {
    let (_, bytes) = recorded("worked.jsonl");
    let text: String = pass(&bytes, 1 << 20).iter().map(markdown).collect();
    for wanted in [
        "## User 2026-",
        "Olá, plan the coração page",
        "**Bash**",
        "from-the-shell",
        "**Question:** Which colour?",
        "**Answer:** Red",
        "*Refused by the user:*",
        "*Refused by a hook:*",
        "**Refused by UserPromptSubmit:** no secrets please",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
}

#[test]
fn recorded_words_are_found() {
    let (_, bytes) = recorded("worked.jsonl");
    let turns = pass(&bytes, 1 << 20);
    let found = |query: &str| {
        let query = Query::new(query).unwrap();
        turns.iter().filter_map(|turn| query.find(turn)).count()
    };
    assert_eq!(found("CORACAO"), 2, "the prompt and its answer");
    assert_eq!(found("cor pla ola"), 2);
    assert_eq!(found("house forbid"), 2, "the hook's reason and the answer");
    assert_eq!(found("nowhere"), 0);
}

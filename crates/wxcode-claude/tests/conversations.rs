//! Recorded transcripts of the real Claude Code, and the turns that they hold.
//!
//! `conversations/NAME.jsonl` is a transcript without the records of the API's requests and the
//! system prompt; `conversations/NAME.json` are its turns. `WXCODE_RECORD=1` writes the turns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{fs, io::Cursor, path::PathBuf};

use serde_json::Value;
use wxcode_claude::conversation::{Pass, Query, Turn, markdown, page};

fn recorded(name: &str) -> (PathBuf, Vec<u8>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("conversations");
    let path = folder.join(name);
    let bytes = fs::read(path.with_extension("jsonl")).unwrap();
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

#[test]
fn recorded_transcripts_have_the_expected_turns() {
    for name in ["worked", "compacted"] {
        let (path, bytes) = recorded(name);
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
fn every_cut_of_a_transcript_is_read() {
    let (_, bytes) = recorded("worked");
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
    let (_, bytes) = recorded("worked");
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
    let (_, bytes) = recorded("worked");
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

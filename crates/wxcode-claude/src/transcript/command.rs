//! Finds what became of a command that Claude Code carries out itself, such as `/model`.
//!
//! Measured with 2.1.332: no hook reports such a command. The transcript has a record with the
//! command's name and arguments once the command is carried out, for a panel once the user chose
//! something there. A command that is unknown or refused has a record with Claude Code's words. The
//! history of prompts has the exact text of each submitted prompt at once.

use std::path::{Path, PathBuf};

use memchr::memmem;
use serde_json::Value;
use wxcode_files::FileError;

use super::outcome::tail;
use crate::prompt;

/// The beginning of Claude Code's words about an unknown command.
const UNKNOWN: &str = "Unknown command: ";

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// It was carried out.
    Out,
    /// Claude Code does not know it, or refuses it, with these words.
    Refused(String),
}

/// Whether a text can be such a command: a slash and a name.
#[must_use]
pub fn is_command(text: &str) -> bool {
    !name(text).is_empty()
}

/// The name of a command.
fn name(text: &str) -> &str {
    let text = text.trim_start().strip_prefix('/').unwrap_or_default();
    let name = text.split_whitespace().next().unwrap_or_default();
    match text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        true => name,
        false => "",
    }
}

/// Looks in the transcript from an offset on for the record of the command `text`. Returns what
/// became of it, and the offset for the next call.
///
/// # Errors
/// The file exists but cannot be read.
pub fn carried(
    transcript: &Path,
    from: u64,
    text: &str,
) -> Result<(Option<Carried>, u64), FileError> {
    let (lines, next) = tail(transcript, from)?;
    let mut lines = lines.split(|byte| *byte == b'\n');
    Ok((lines.find_map(|line| of_record(line, text)), next))
}

fn of_record(line: &[u8], text: &str) -> Option<Carried> {
    // Most lines are long and of no interest.
    let has = |words: &[u8]| memmem::find(line, words).is_some();
    if !has(b"<command-name>") && !has(b"\"informational\"") {
        return None;
    }
    let record: Value = serde_json::from_slice(line).ok()?;
    let (kind, subtype) = (record["type"].as_str()?, record["subtype"].as_str());
    match (kind, subtype) {
        ("system", Some("local_command")) => ran(record["content"].as_str()?, text),
        ("user", _) if record["rowSource"] == "local" => {
            ran(record["message"]["content"].as_str()?, text)
        }
        ("system", Some("informational")) => refused(record["content"].as_str()?, text),
        _ => None,
    }
}

/// Whether a record is of this command.
fn ran(content: &str, text: &str) -> Option<Carried> {
    let name = inside(content, "command-name")?;
    let words = inside(content, "command-args").unwrap_or_default();
    let typed = format!("{name} {words}");
    prompt::confirms(text, typed.trim_end()).then_some(Carried::Out)
}

/// Whether Claude Code's words are about this command.
fn refused(words: &str, text: &str) -> Option<Carried> {
    let about = words.strip_prefix(UNKNOWN).unwrap_or(words);
    let rest = about.strip_prefix('/')?.strip_prefix(name(text))?;
    let is_whole = !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'));
    is_whole.then(|| Carried::Refused(words.to_owned()))
}

/// The text inside the first element with this name.
fn inside<'a>(content: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = content.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text)
}

/// The file of submitted prompts beside the folder of a transcript.
#[must_use]
pub fn history(transcript: &Path) -> Option<PathBuf> {
    let config_dir = transcript.parent()?.parent()?.parent()?;
    Some(config_dir.join("history.jsonl"))
}

/// Whether the history of prompts, from an offset on, has exactly this text of the transcript's
/// conversation.
///
/// # Errors
/// The file exists but cannot be read.
pub fn is_submitted(transcript: &Path, from: u64, text: &str) -> Result<bool, FileError> {
    let Some(history) = history(transcript) else {
        return Ok(false);
    };
    let (lines, _) = tail(&history, from)?;
    let id = transcript.file_stem().and_then(|id| id.to_str());
    let is_it = |line: &[u8]| {
        let entry: Value = serde_json::from_slice(line).unwrap_or_default();
        let shown = entry["display"].as_str();
        entry["sessionId"].as_str() == id
            && shown.is_some_and(|shown| prompt::confirms(text, shown))
    };
    Ok(lines.split(|byte| *byte == b'\n').any(is_it))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn named(name: &str, words: &str) -> String {
        format!(
            "<command-name>{name}</command-name>\n            <command-message>m</command-message>\n            <command-args>{words}</command-args>"
        )
    }

    /// The two forms of real records.
    fn records(name: &str, words: &str) -> [Value; 2] {
        let content = named(name, words);
        [
            json!({ "type": "user", "rowSource": "local", "promptId": "p",
                "message": { "role": "user", "content": content } }),
            json!({ "type": "system", "subtype": "local_command", "content": content }),
        ]
    }

    fn said(words: &str) -> Value {
        json!({ "type": "system", "subtype": "informational", "level": "warning", "content": words })
    }

    fn of(records: &[Value], text: &str) -> Option<Carried> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        fs::write(&path, lines).unwrap();
        carried(&path, 0, text).unwrap().0
    }

    #[test]
    fn only_the_exact_command_is_carried_out() {
        for record in records("/model", "sonnet") {
            let of = |text| of(std::slice::from_ref(&record), text);
            assert_eq!(of("/model sonnet"), Some(Carried::Out));
            assert_eq!(of(" /model sonnet "), Some(Carried::Out));
            assert_eq!(
                (of("/model"), of("/model opus"), of("/mode")),
                (None, None, None)
            );
        }
        for record in records("/cost", "") {
            assert_eq!(of(&[record], "/cost"), Some(Carried::Out));
        }
    }

    #[test]
    fn quoted_and_reported_commands_do_not_count() {
        let content = named("/cost", "");
        let typed = json!({ "type": "user", "message": { "content": content } });
        let shown = json!({ "type": "system", "subtype": "api_error", "content": content });
        assert_eq!(of(&[typed, shown], "/cost"), None);
    }

    #[test]
    fn claudes_own_words_are_the_reason() {
        for words in [
            "Unknown command: /nosuch",
            "Unknown command: /nosuch. Did you mean /no?",
            "/nosuch needs a Claude subscription.",
        ] {
            let reason = Carried::Refused(words.to_owned());
            assert_eq!(of(&[said(words)], "/nosuch x"), Some(reason), "{words}");
        }
        for words in [
            "Unknown command: /nosuch2",
            "Unknown command: /no",
            "nosuch",
        ] {
            assert_eq!(of(&[said(words)], "/nosuch x"), None, "{words}");
        }
    }

    #[test]
    fn an_offset_leaves_earlier_records_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        assert_eq!(carried(&path, 0, "/cost").unwrap(), (None, 0));
        let [record, _] = records("/cost", "");
        fs::write(&path, format!("{record}\n")).unwrap();
        let (found, next) = carried(&path, 0, "/cost").unwrap();
        assert_eq!(found, Some(Carried::Out));
        assert_eq!(carried(&path, next, "/cost").unwrap(), (None, next));
    }

    #[test]
    fn the_history_names_conversation_and_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("projects/-w/one.jsonl");
        assert!(!is_submitted(&path, 0, "/help").unwrap(), "no file");
        let line = |id: &str, text: &str| {
            json!({ "display": text, "pastedContents": {}, "sessionId": id }).to_string() + "\n"
        };
        let lines = line("two", "/help") + &line("one", "/cost");
        fs::write(history(&path).unwrap(), &lines).unwrap();
        let found = |from, text| is_submitted(&path, from, text).unwrap();
        assert!(!found(0, "/help") && found(0, "/cost"));
        assert!(!found(u64::try_from(lines.len()).unwrap(), "/cost"));
    }

    #[test]
    fn a_command_has_a_name() {
        assert!(is_command("/model sonnet") && is_command(" /gsd-new-project a"));
        assert!(!is_command("model") && !is_command("/") && !is_command("// text"));
    }
}

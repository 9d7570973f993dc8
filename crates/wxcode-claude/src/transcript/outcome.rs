//! Finds in the transcript whether Claude Code took a submitted prompt, or a hook of the user
//! refused it.
//!
//! Measured with 2.1.329: `UserPromptSubmit` hooks run in parallel, so ours reports a prompt that
//! another one refuses. A taken prompt becomes a `user` record with the hook's `prompt_id`, or a
//! `queue-operation` record within a turn. A refused one becomes a `system` record with
//! `promptSubmitEnding`. Both are written after the last hook has ended.

use std::{
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use memchr::memmem;
use serde_json::Value;
use wxcode_files::{FileError, Folder, Links, RegularFile};

use crate::prompt;

/// Most bytes of a transcript read at once; earlier records are skipped.
const TAIL_MAX: u64 = 4 << 20; // 4 MiB

/// The outcome of a submitted prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is part of the conversation, or queued behind the running turn.
    Taken,
    /// A hook of the user refused it, with this message.
    Refused(String),
}

/// A submitted prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    /// The text as sent.
    pub text: String,
    /// The id in the hook's report.
    pub prompt_id: String,
    /// Records before this time do not count: RFC 3339 in UTC with milliseconds.
    pub since: String,
}

/// The transcript's length in bytes; 0 without a file.
///
/// # Errors
/// The file exists but cannot be opened.
pub fn len(path: &Path) -> Result<u64, FileError> {
    open(path).map(|file| file.map_or(0, |file| file.len()))
}

/// Reads the transcript from an offset on. Returns the outcome, if it stands there, and the offset
/// for the next call.
///
/// # Errors
/// The file exists but cannot be read.
pub fn outcome(
    path: &Path,
    from: u64,
    submitted: &Submitted,
) -> Result<(Option<Outcome>, u64), FileError> {
    let (lines, next) = tail(path, from)?;
    Ok((find(&lines, submitted), next))
}

/// Whether the transcript has a record of the prompt with this id. True where that cannot be known:
/// for records without ids, and for a turn too long to be read again.
///
/// # Errors
/// The file exists but cannot be read.
pub fn has_prompt(path: &Path, prompt_id: &str) -> Result<bool, FileError> {
    let (lines, next) = tail(path, 0)?;
    let has = |word: &str| memmem::find(&lines, word.as_bytes()).is_some();
    Ok(has(prompt_id) || (next > 0 && !has("\"promptId\":\"")) || next > TAIL_MAX)
}

/// Whole lines from an offset on, at most the last [`TAIL_MAX`] bytes, and the offset after them.
pub(super) fn tail(path: &Path, from: u64) -> Result<(Vec<u8>, u64), FileError> {
    let Some(file) = open(path)? else {
        return Ok((Vec::new(), 0));
    };
    let len = file.len();
    // A shorter file is another one.
    let from = if from > len { 0 } else { from };
    let from = from.max(len.saturating_sub(TAIL_MAX));
    let failed = |source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    };
    let mut reader = file.reader(TAIL_MAX);
    reader
        .get_mut()
        .seek(SeekFrom::Start(from))
        .map_err(failed)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(failed)?;
    // The last line may be half-written.
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let next = from + u64::try_from(whole).unwrap_or(0);
    bytes.truncate(whole);
    Ok((bytes, next))
}

fn open(path: &Path) -> Result<Option<RegularFile>, FileError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(None);
    };
    match Folder::open(folder).and_then(|folder| folder.file(Path::new(name), Links::Follow)) {
        Err(error) if error.is_missing() => Ok(None),
        file => file.map(Some),
    }
}

/// The outcome in whole lines. A refusal outweighs: a hook may stop a prompt that was kept.
fn find(lines: &[u8], submitted: &Submitted) -> Option<Outcome> {
    let mut found = None;
    for line in lines.split(|byte| *byte == b'\n') {
        match of_record(line, submitted) {
            Some(Outcome::Refused(reason)) => return Some(Outcome::Refused(reason)),
            Some(Outcome::Taken) => found = Some(Outcome::Taken),
            None => {}
        }
    }
    found
}

fn of_record(line: &[u8], submitted: &Submitted) -> Option<Outcome> {
    let has = |word: &str| memmem::find(line, word.as_bytes()).is_some();
    // Most lines are long and of no interest.
    if !has("\"type\":\"user\"") && !has("queue-operation") && !has("\"type\":\"system\"") {
        return None;
    }
    let record: Value = serde_json::from_slice(line).ok()?;
    let at = record["timestamp"].as_str();
    if at.is_some_and(|at| at < submitted.since.as_str()) || record["isSidechain"] == true {
        return None;
    }
    match record["type"].as_str()? {
        "user" => is_prompt(&record, submitted).then_some(Outcome::Taken),
        "queue-operation" => {
            let text = record["content"].as_str()?;
            (record["operation"] == "enqueue" && prompt::confirms(&submitted.text, text))
                .then_some(Outcome::Taken)
        }
        "system" => refusal(&record, submitted).map(Outcome::Refused),
        _ => None,
    }
}

/// Whether a user's record is the prompt, and not a tool's result or an addition.
fn is_prompt(record: &Value, submitted: &Submitted) -> bool {
    if record["isMeta"] == true {
        return false;
    }
    let content = &record["message"]["content"];
    let text = match content {
        Value::String(text) => text.as_str(),
        Value::Array(blocks) => {
            if blocks.iter().any(|block| block["type"] == "tool_result") {
                return false;
            }
            let text = blocks.iter().find_map(|block| block["text"].as_str());
            text.unwrap_or_default()
        }
        _ => return false,
    };
    match record["promptId"].as_str() {
        Some(id) => id == submitted.prompt_id,
        None => prompt::confirms(&submitted.text, text),
    }
}

/// The message of a refusal of this prompt.
fn refusal(record: &Value, submitted: &Submitted) -> Option<String> {
    let content = record["content"].as_str().unwrap_or_default();
    let ending = &record["promptSubmitEnding"]["ending"];
    let is_refusal = match ending["kind"].as_str() {
        Some(kind) => matches!(kind, "blocked_by_hook" | "stopped_by_hook"),
        None => content.starts_with("UserPromptSubmit operation blocked by hook:"),
    };
    let original = content
        .rsplit_once("Original prompt:")
        .map(|(_, text)| text);
    if !is_refusal || original.is_some_and(|text| !prompt::confirms(&submitted.text, text)) {
        return None;
    }
    let reason = ending["reason"].as_str().map_or_else(
        || {
            let message = content
                .split_once("by hook:")
                .map_or(content, |(_, text)| text);
            let end = message.rfind("Original prompt:");
            message[..end.unwrap_or(message.len())].trim().to_owned()
        },
        |reason| reason.trim().to_owned(),
    );
    Some(reason)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use serde_json::json;

    use super::*;

    fn submitted() -> Submitted {
        Submitted {
            text: "hello there".into(),
            prompt_id: "p1".into(),
            since: "2026-11-29T21:54:42.000Z".into(),
        }
    }

    fn user(id: Option<&str>, content: &Value) -> Value {
        let mut record = json!({ "type": "user", "isSidechain": false,
            "message": { "role": "user", "content": content },
            "timestamp": "2026-11-29T21:54:42.856Z" });
        if let Some(id) = id {
            record["promptId"] = id.into();
        }
        record
    }

    /// The real record of a prompt that a hook refused with exit code 2.
    fn refused() -> Value {
        json!({ "type": "system", "subtype": "informational", "level": "warning",
            "content": "UserPromptSubmit operation blocked by hook:\n[./check]: policy says no\n\n\nOriginal prompt: hello there",
            "timestamp": "2026-11-29T21:54:42.856Z", "preventContinuation": true,
            "promptSubmitEnding": { "ending": { "kind": "blocked_by_hook", "reason": "policy says no" }, "promptKept": false } })
    }

    fn of(records: &[Value]) -> Option<Outcome> {
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        find(lines.as_bytes(), &submitted())
    }

    #[test]
    fn user_record_with_the_id_is_taken() {
        assert_eq!(of(&[user(Some("p1"), &json!("x"))]), Some(Outcome::Taken));
        assert_eq!(of(&[user(Some("p2"), &json!("hello there"))]), None);
        assert_eq!(
            of(&[user(None, &json!("hello there"))]),
            Some(Outcome::Taken)
        );
        let result = json!([{ "type": "tool_result", "content": "hello there" }]);
        assert_eq!(
            of(&[user(Some("p1"), &result)]),
            None,
            "of the running turn"
        );
    }

    #[test]
    fn queued_prompt_is_taken() {
        let queued = |text: &str| {
            json!({ "type": "queue-operation", "operation": "enqueue", "content": text,
                "timestamp": "2026-11-29T21:54:43.000Z" })
        };
        assert_eq!(of(&[queued("hello there")]), Some(Outcome::Taken));
        assert_eq!(of(&[queued("other")]), None);
    }

    #[test]
    fn refusal_names_the_message_of_the_hook() {
        let reason = Some(Outcome::Refused("policy says no".into()));
        assert_eq!(of(&[refused()]), reason);
        assert_eq!(of(&[user(Some("p1"), &json!("x")), refused()]), reason);
        let mut old = refused();
        old.as_object_mut().unwrap().remove("promptSubmitEnding");
        assert_eq!(
            of(&[old]),
            Some(Outcome::Refused("[./check]: policy says no".into()))
        );
    }

    #[test]
    fn refusal_of_another_prompt_does_not_count() {
        let mut earlier = refused();
        earlier["timestamp"] = "2026-11-29T21:54:41.999Z".into();
        assert_eq!(of(&[earlier]), None);
        let mut other = refused();
        other["content"] = "blocked\nOriginal prompt: something else".into();
        assert_eq!(of(&[other]), None);
    }

    #[test]
    fn prompt_without_a_record_is_missed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        assert!(!has_prompt(&path, "p1").unwrap(), "no file");
        fs::write(&path, format!("{}\n", user(Some("p0"), &json!("x")))).unwrap();
        assert!(!has_prompt(&path, "p1").unwrap());
        assert!(has_prompt(&path, "p0").unwrap());
        fs::write(&path, format!("{}\n", user(None, &json!("x")))).unwrap();
        assert!(has_prompt(&path, "p1").unwrap(), "no ids at all");
    }

    #[test]
    fn half_written_line_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        assert_eq!(outcome(&path, 9, &submitted()).unwrap(), (None, 0));
        let line = format!("{}\n", refused());
        let (one, two) = line.split_at(40);
        fs::write(&path, format!("{}\n{one}", json!({ "type": "mode" }))).unwrap();
        let (found, next) = outcome(&path, 0, &submitted()).unwrap();
        assert_eq!((found, next), (None, 16));
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        file.write_all(two.as_bytes()).unwrap();
        let (found, next) = outcome(&path, next, &submitted()).unwrap();
        assert_eq!(found, Some(Outcome::Refused("policy says no".into())));
        assert_eq!(outcome(&path, next, &submitted()).unwrap(), (None, next));
    }
}

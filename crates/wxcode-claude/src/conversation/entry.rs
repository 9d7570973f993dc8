//! Parses one line of a transcript.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

/// The types of entries that carry turns.
const TYPES: [&str; 4] = ["user", "assistant", "system", "attachment"];

/// The fields of an entry that the reader uses.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Entry {
    pub(super) r#type: String,
    pub(super) subtype: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) timestamp: Option<String>,
    is_sidechain: Option<bool>,
    pub(super) is_meta: Option<bool>,
    pub(super) is_compact_summary: Option<bool>,
    pub(super) is_api_error_message: Option<bool>,
    pub(super) message: Message,
    /// The text of a system entry.
    pub(super) content: Value,
    pub(super) attachment: Value,
    pub(super) compact_metadata: Value,
    pub(super) error: Value,
    pub(super) tool_use_result: Value,
    pub(super) tool_denial_kind: Option<String>,
    pub(super) permission_decision: Value,
    pub(super) prompt_submit_ending: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) content: Value,
}

/// Only the type of an entry, parsed first: most bytes of a transcript are entries without turns.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// The result of parsing a line.
#[derive(Debug)]
pub(super) enum Line {
    Entry(Box<Entry>),
    /// An entry without a turn.
    Other,
    /// Not an entry: half a line, not JSON, or a known type in an unknown form.
    Broken,
}

pub(super) fn parse(line: &[u8]) -> Line {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Line::Other;
    }
    // An invalid character must not hide the entry.
    let text = String::from_utf8_lossy(line);
    let Ok(head) = serde_json::from_str::<Head<'_>>(&text) else {
        return Line::Broken;
    };
    if !TYPES.contains(&&*head.r#type) {
        return Line::Other;
    }
    match serde_json::from_str::<Entry>(&text) {
        Ok(entry) if entry.is_sidechain == Some(true) => Line::Other,
        Ok(entry) => Line::Entry(Box::new(entry)),
        // A known type in an unknown form.
        Err(_) => Line::Broken,
    }
}

/// Returns the text of a message's content, a string or a list of blocks.
pub(super) fn content_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(block_text);
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// Returns the text of a block; for an image or a document, a placeholder.
fn block_text(block: &Value) -> Option<&str> {
    match block["type"].as_str()? {
        "text" => block["text"].as_str(),
        "image" => Some("[image]"),
        "document" => Some("[document]"),
        _ => None,
    }
}

/// Returns the content of the first tag of this name in a text.
pub(super) fn tagged<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    let (inner, _) = rest.split_once(&format!("</{tag}>"))?;
    Some(inner.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_and_broken_lines_are_distinguished() {
        for other in ["", "  ", r#"{"type":"mode","mode":"normal"}"#] {
            assert!(matches!(parse(other.as_bytes()), Line::Other), "{other}");
        }
        for broken in ["{", "[]", "\0\0", r#"{"type":7}"#, r#"{"type":"user""#] {
            assert!(matches!(parse(broken.as_bytes()), Line::Broken), "{broken}");
        }
        let side = br#"{"type":"user","isSidechain":true,"message":{"content":"x"}}"#;
        assert!(matches!(parse(side), Line::Other));
        let invalid = b"{\"type\":\"user\",\"message\":{\"content\":\"\xff\"}}";
        assert!(matches!(parse(invalid), Line::Entry(_)));
    }
}

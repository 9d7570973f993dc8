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

/// The type alone: most bytes of a transcript belong to other types.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

/// The reading of a line.
#[derive(Debug)]
pub(super) enum Line {
    Entry(Box<Entry>),
    /// An entry without a turn.
    Other,
    /// No entry: half a line, or no JSON.
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

/// The text of a content: a string, or blocks of text.
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

/// The text of a block; an image has its name only.
fn block_text(block: &Value) -> Option<&str> {
    match block["type"].as_str()? {
        "text" => block["text"].as_str(),
        "image" => Some("[image]"),
        "document" => Some("[document]"),
        _ => None,
    }
}

/// The content of a tag at the beginning of a text.
pub(super) fn tagged<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<{tag}>"))?;
    let (inner, _) = rest.split_once(&format!("</{tag}>"))?;
    Some(inner.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_turn_are_told_apart() {
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

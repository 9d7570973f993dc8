//! Parses the lines of a run into messages.

use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

use super::{
    escape::{after_escapes, without_escapes},
    init::init_id,
    line::Lines,
    value::{List, Object, Scalar},
};

/// Longest text of [`Message::Words`], in characters.
pub const WORDS_MAX: usize = 1_000;

/// One message of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A conversation became the current one of the process.
    Init { session_id: Uuid },
    /// The conversation ends, and the next [`Message::Init`] names another one: `/clear`.
    Reset,
    /// The agent's text; the text of subagents is left out.
    Text(String),
    /// A tool is about to run.
    ToolUse {
        id: Option<String>,
        name: String,
        input: ToolInput,
    },
    /// A tool finished, failed, or was refused.
    ToolResult { id: Option<String> },
    /// The turn ended.
    Verdict(Verdict),
    /// Claude Code could not save lines of the transcript, for example on a full disk.
    WritesLost(LostWrites),
    /// Text other than JSON: an error or a warning, without escape sequences, at most [`WORDS_MAX`]
    /// characters.
    Words(String),
}

/// A tool's input, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolInput {
    /// The file to work on.
    pub file_path: Option<String>,
    /// The command to run.
    pub command: Option<String>,
    /// The pattern to search for.
    pub pattern: Option<String>,
    /// The purpose in the agent's words.
    pub description: Option<String>,
}

/// The agent's own verdict on a turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Whether the turn failed.
    pub is_error: bool,
    /// The answer, or the error.
    pub text: Option<String>,
    /// The duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// The cost of the conversation so far, in US dollars.
    pub cost_usd: Option<f64>,
    pub turns: Option<u64>,
}

/// Writes that failed: the conversation may lack them at its next resume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LostWrites {
    /// The system's name for the reason, such as `ENOSPC`.
    pub reason: Option<String>,
    /// Whether lines of a transcript are lost; the rest is settings of the user.
    pub has_transcript: bool,
}

/// Parses a stream of bytes into messages, with any cuts.
///
/// A line has at most [`super::LINE_MAX`] bytes; it may hold escape sequences around the JSON and
/// bytes outside UTF-8.
#[derive(Debug, Default)]
pub struct Messages {
    lines: Lines,
}

impl Messages {
    /// Takes the next bytes. Calls the closure for each line with messages, with the line's offset.
    pub fn push(&mut self, bytes: &[u8], mut on_line: impl FnMut(u64, Vec<Message>)) {
        let mut rest = bytes;
        while let Some(line) = self.lines.cut(&mut rest) {
            let messages = read(line.bytes);
            if !messages.is_empty() {
                on_line(line.offset, messages);
            }
        }
    }

    /// Ends the stream: its last line may have no line end.
    pub fn finish(&mut self, mut on_line: impl FnMut(u64, Vec<Message>)) {
        if let Some(line) = self.lines.finish() {
            let messages = read(line.bytes);
            if !messages.is_empty() {
                on_line(line.offset, messages);
            }
        }
    }

    /// The offset of the next byte.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.lines.at()
    }

    /// Skips missing bytes before `offset`, and the rest of the line they are in.
    pub fn skip_to(&mut self, offset: u64) {
        self.lines.skip_to(offset);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamRecord {
    r#type: Scalar,
    subtype: Scalar,
    message: Object<Body>,
    parent_tool_use_id: Scalar,
    is_error: Scalar,
    result: Scalar,
    errors: List<Scalar>,
    duration_ms: Scalar,
    total_cost_usd: Scalar,
    num_turns: Scalar,
    error_code: Scalar,
    lost: List<Scalar>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Body {
    content: List<Object<Block>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Block {
    r#type: Scalar,
    text: Scalar,
    id: Scalar,
    name: Scalar,
    input: Object<Input>,
    tool_use_id: Scalar,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Input {
    file_path: Scalar,
    notebook_path: Scalar,
    command: Scalar,
    pattern: Scalar,
    description: Scalar,
}

/// The messages of one line.
fn read(line: &[u8]) -> Vec<Message> {
    if let Some(session_id) = init_id(line) {
        return vec![Message::Init { session_id }];
    }
    let text = String::from_utf8_lossy(line);
    let json = after_escapes(&text);
    if !json.starts_with('{') {
        let words = without_escapes(json, WORDS_MAX);
        return match words.trim() {
            "" => Vec::new(),
            words => vec![Message::Words(words.to_owned())],
        };
    }
    let record = record(json).or_else(|| match mended(json) {
        Cow::Owned(mended) => record(&mended),
        Cow::Borrowed(_) => None,
    });
    record.map_or_else(Vec::new, messages)
}

/// Parses a text as an object, followed by nothing but escape sequences.
fn record(json: &str) -> Option<StreamRecord> {
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<StreamRecord>();
    let record = values.next()?.ok()?;
    after_escapes(&json[values.byte_offset()..])
        .is_empty()
        .then_some(record)
}

fn messages(record: StreamRecord) -> Vec<Message> {
    let Scalar::Text(kind) = &record.r#type else {
        return Vec::new();
    };
    match kind.as_str() {
        "assistant" => {
            let is_own = record.parent_tool_use_id == Scalar::Nothing;
            let blocks = record.message.0.content.0.into_iter();
            blocks
                .filter_map(|Object(block)| said(block, is_own))
                .collect()
        }
        "user" => {
            let blocks = record.message.0.content.0.into_iter();
            let results = blocks.filter(|Object(block)| block.r#type.is("tool_result"));
            let result = |Object(block): Object<Block>| Message::ToolResult {
                id: block.tool_use_id.text(),
            };
            results.map(result).collect()
        }
        "conversation_reset" => vec![Message::Reset],
        "system" if record.subtype.is("session_writes_lost") => {
            vec![Message::WritesLost(LostWrites {
                reason: record.error_code.text(),
                has_transcript: record.lost.0.iter().any(|lost| lost.is("transcript")),
            })]
        }
        "result" => {
            let errors: Vec<String> = record
                .errors
                .0
                .into_iter()
                .filter_map(Scalar::text)
                .collect();
            let errors = (!errors.is_empty()).then(|| errors.join("; "));
            vec![Message::Verdict(Verdict {
                is_error: record.is_error.truth().unwrap_or_default(),
                text: record.result.text().or(errors),
                duration_ms: record.duration_ms.count(),
                cost_usd: record.total_cost_usd.number(),
                turns: record.num_turns.count(),
            })]
        }
        _ => Vec::new(),
    }
}

/// Converts a block of the agent's message.
fn said(block: Block, is_own: bool) -> Option<Message> {
    if block.r#type.is("tool_use") {
        let Input {
            file_path,
            notebook_path,
            command,
            pattern,
            description,
        } = block.input.0;
        return Some(Message::ToolUse {
            id: block.id.text(),
            name: block.name.text().unwrap_or_default(),
            input: ToolInput {
                file_path: file_path.text().or_else(|| notebook_path.text()),
                command: command.text(),
                pattern: pattern.text(),
                description: description.text(),
            },
        });
    }
    let is_text = is_own && block.r#type.is("text");
    let text = block.text.text().filter(|text| is_text && !text.is_empty());
    text.map(Message::Text)
}

/// Replaces halves of surrogate pairs in a text: JavaScript leaves them after cutting a text, and
/// they are no characters.
fn mended(json: &str) -> Cow<'_, str> {
    let unit = |at: usize| {
        let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut mended = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = json[at..].find('\\') {
        at += found;
        match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.push_str(&json[copied..at]);
                mended.push('\u{fffd}');
                at += 6;
                copied = at;
            }
            (Some(_), _) => at += 6,
            // Another escape: the character after the backslash belongs to it.
            (None, _) => at += 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[copied..]);
    Cow::Owned(mended)
}

#[cfg(test)]
mod tests;

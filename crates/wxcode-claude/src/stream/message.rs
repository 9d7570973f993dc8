//! What the lines of a run say, as far as it is of use.

use std::borrow::Cow;

use serde::Deserialize;
use uuid::Uuid;

use super::{
    escape::{behind_escapes, without_escapes},
    init::init_id,
    line::Lines,
    value::{List, Object, Scalar},
};

/// Longest line of other programs' words that is given, in characters.
pub const WORDS_MAX: usize = 1_000;

/// One thing that a run's agent said.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// A conversation became the current one of the process.
    Init {
        /// The conversation.
        session_id: Uuid,
    },
    /// The conversation ends, and the next [`Message::Init`] tells of another one: `/clear`.
    Reset,
    /// The agent said something; what its subagents say is not told.
    Text(String),
    /// A tool is about to run.
    ToolUse {
        /// The id of the call.
        id: Option<String>,
        /// The tool.
        name: String,
        /// What it was called with.
        input: ToolInput,
    },
    /// A tool has run, or failed, or was not allowed to.
    ToolResult {
        /// The id of the call.
        id: Option<String>,
    },
    /// The turn is over.
    Verdict(Verdict),
    /// Words that are no JSON: an error or a warning, without escape sequences, at most [`WORDS_MAX`] characters.
    Words(String),
}

/// What a tool was called with, in short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolInput {
    /// The file that it is about.
    pub file_path: Option<String>,
    /// The command that it runs.
    pub command: Option<String>,
    /// The pattern that it looks for.
    pub pattern: Option<String>,
    /// What the agent says that it is for.
    pub description: Option<String>,
}

/// How the agent itself judges a turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Whether it failed.
    pub is_error: bool,
    /// The answer, or what went wrong.
    pub text: Option<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// What the conversation cost so far, in US dollars.
    pub cost_usd: Option<f64>,
    /// Turns.
    pub turns: Option<u64>,
}

/// Reads a stream of bytes as messages, however it is cut.
///
/// Bounded by [`super::LINE_MAX`]; lines may have escape sequences around the JSON and bytes that are not UTF-8.
#[derive(Debug, Default)]
pub struct Messages {
    lines: Lines,
}

impl Messages {
    /// Takes the next bytes. `tell` is given the messages of each line that has some, and the offset at which the line
    /// begins.
    pub fn push(&mut self, bytes: &[u8], mut tell: impl FnMut(u64, Vec<Message>)) {
        let mut rest = bytes;
        while let Some(line) = self.lines.cut(&mut rest) {
            let messages = read(line.bytes);
            if !messages.is_empty() {
                tell(line.offset, messages);
            }
        }
    }

    /// The stream is over: its last line may have no end.
    pub fn finish(&mut self, mut tell: impl FnMut(u64, Vec<Message>)) {
        if let Some(line) = self.lines.finish() {
            let messages = read(line.bytes);
            if !messages.is_empty() {
                tell(line.offset, messages);
            }
        }
    }

    /// The offset of the byte that comes next.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.lines.at()
    }

    /// The bytes before `offset` are missing: it is read on behind the next end of a line.
    pub fn skip_to(&mut self, offset: u64) {
        self.lines.skip_to(offset);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record {
    r#type: Scalar,
    message: Object<Body>,
    parent_tool_use_id: Scalar,
    is_error: Scalar,
    result: Scalar,
    errors: List<Scalar>,
    duration_ms: Scalar,
    total_cost_usd: Scalar,
    num_turns: Scalar,
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
    let json = behind_escapes(&text);
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

/// The object that the text is, with nothing but escape sequences behind it.
fn record(json: &str) -> Option<Record> {
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Record>();
    let record = values.next()?.ok()?;
    behind_escapes(&json[values.byte_offset()..])
        .is_empty()
        .then_some(record)
}

fn messages(record: Record) -> Vec<Message> {
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

/// What a block of the agent's message says.
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

/// The text with halves of surrogate pairs replaced: JavaScript writes them where it cut a text, and they are no
/// characters.
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
            // Another escape: what follows the backslash is a part of it.
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

//! Joins the entries of a transcript into turns.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Block, Role, ToolResult, Turn,
    block::{answers_of, bounded, command, is_open, refused_by, tool, word},
    bound,
    entry::{self, Entry, Line, content_text},
};

/// The words in Claude Code's message about a refused prompt, after the hook's event.
const BLOCKED: &str = "operation blocked by hook";

/// The reason in a message about a refused prompt, of versions without a field for it (2.0.31):
/// `<event> operation blocked by hook:`, a line `[<command>]: <reason>`, and the prompt.
fn reason_in(text: &str) -> String {
    let reason = text.split_once(BLOCKED).map_or(text, |(_, rest)| rest);
    let reason = reason.split("\n\nOriginal prompt:").next();
    let reason = reason.unwrap_or(text).trim_start_matches(':').trim();
    let reason = match reason.strip_prefix('[') {
        Some(rest) => rest.split_once("]: ").map_or(reason, |(_, reason)| reason),
        None => reason,
    };
    reason.to_owned()
}

/// Turns in the order of the transcript.
#[derive(Debug, Default)]
pub struct Turns {
    turns: Vec<Turn>,
    /// The turn and block of each tool's use.
    tools: HashMap<String, (usize, usize)>,
    /// The model's message of the last turn: its further blocks are lines of their own.
    message: Option<(String, usize)>,
    skipped: u64,
    /// No turn begins any more: lines only complete the turns before them.
    is_closed: bool,
}

impl Turns {
    /// Takes a line that begins at this byte of the transcript.
    pub fn push(&mut self, start: u64, line: &[u8]) {
        match entry::parse(line) {
            Line::Other => {}
            Line::Broken if self.is_closed => {}
            Line::Broken => self.skipped += 1,
            Line::Entry(entry) => self.entry(start, line.len() as u64, *entry),
        }
    }

    /// Lines after this only complete the turns before them, with results of their tools.
    pub fn close(&mut self) {
        self.is_closed = true;
    }

    /// Counts a line that was too long to read.
    pub fn skip(&mut self) {
        self.skipped += u64::from(!self.is_closed);
    }

    /// The lines that were not read: half-written, no JSON, or too long.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of turns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    /// Whether there is no turn.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Whether a tool of these turns has no result yet.
    #[must_use]
    pub fn has_open_tools(&self) -> bool {
        self.turns.iter().flat_map(|turn| &turn.blocks).any(is_open)
    }

    /// The turns so far.
    #[must_use]
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// The turns.
    #[must_use]
    pub fn finish(self) -> Vec<Turn> {
        self.turns
    }

    /// Takes all turns but the last ones, which later lines may complete.
    pub fn drain(&mut self, keep: usize) -> Vec<Turn> {
        let count = self.turns.len().saturating_sub(keep);
        if count == 0 {
            return Vec::new();
        }
        self.tools
            .retain(|_, (turn, _)| match turn.checked_sub(count) {
                Some(left) => {
                    *turn = left;
                    true
                }
                None => false,
            });
        self.message = self.message.take().and_then(|(id, turn)| {
            let left = turn.checked_sub(count)?;
            Some((id, left))
        });
        self.turns.drain(..count).collect()
    }

    fn entry(&mut self, start: u64, len: u64, entry: Entry) {
        let place = Place {
            start,
            end: start + len + 1,
            id: entry.uuid.as_deref().map(word),
            at: entry.timestamp.as_deref().map(word),
        };
        match entry.r#type.as_str() {
            "user" => self.user(place, entry),
            "assistant" => self.assistant(place, entry),
            "system" => self.system(place, &entry),
            "attachment" => self.attachment(place, &entry.attachment),
            _ => {}
        }
    }

    fn user(&mut self, place: Place, entry: Entry) {
        let results = match &entry.message.content {
            Value::Array(blocks) => blocks
                .iter()
                .filter(|block| block["type"] == "tool_result")
                .collect(),
            _ => Vec::new(),
        };
        for result in &results {
            self.result(result, &entry);
        }
        let text = content_text(&entry.message.content);
        if entry.is_compact_summary == Some(true) {
            return self.summary(place, text);
        }
        if entry.is_meta == Some(true) || text.trim_start().starts_with("<system-reminder>") {
            return;
        }
        if let Some((role, text)) = command(&text) {
            return self.add(place, role, Block::Text { text });
        }
        if !text.trim().is_empty() {
            self.add(place, Role::User, Block::Text { text });
        }
    }

    /// A result completes the use of its tool; without that use it belongs to another part.
    fn result(&mut self, result: &Value, entry: &Entry) {
        let Some(&(turn, at)) = result["tool_use_id"]
            .as_str()
            .and_then(|id| self.tools.get(id))
        else {
            return;
        };
        let refused_by = refused_by(entry);
        let Some(turn_of) = self.turns.get_mut(turn) else {
            return;
        };
        let (mut is_cut, mut turn_bytes) = (false, 0);
        match turn_of.blocks.get_mut(at) {
            Some(Block::Tool { result: kept, .. }) => {
                let (text, cut) = bound::text(content_text(&result["content"]));
                is_cut = cut;
                turn_bytes = text.len();
                *kept = Some(ToolResult {
                    text,
                    is_error: result["is_error"] == true,
                    refused_by,
                });
            }
            Some(Block::Question {
                answers, refused, ..
            }) => {
                *answers = answers_of(&entry.tool_use_result);
                *refused = refused_by.is_some();
            }
            _ => {}
        }
        turn_of.truncated |= is_cut;
        turn_of.bytes += turn_bytes;
    }

    /// A summary completes the compaction right before it.
    fn summary(&mut self, place: Place, text: String) {
        let (text, is_cut) = bound::text(text);
        if let Some(turn) = self.turns.last_mut()
            && let [
                Block::Compaction {
                    summary: summary @ None,
                    ..
                },
            ] = &mut turn.blocks[..]
        {
            turn.bytes += text.len();
            *summary = Some(text);
            turn.truncated |= is_cut;
            return;
        }
        let compaction = Block::Compaction {
            trigger: None,
            summary: Some(text),
        };
        self.add(place, Role::System, compaction);
    }

    fn assistant(&mut self, place: Place, entry: Entry) {
        if entry.is_api_error_message == Some(true) {
            let text = content_text(&entry.message.content);
            return self.add(place, Role::System, Block::Error { text });
        }
        let blocks = match entry.message.content {
            Value::Array(blocks) => blocks,
            Value::String(text) => vec![serde_json::json!({ "type": "text", "text": text })],
            _ => return,
        };
        let message = entry.message.id.as_deref().map(word);
        for mut block in blocks {
            let block = match block["type"].as_str() {
                Some("text") => Block::Text {
                    text: block["text"].as_str().unwrap_or_default().to_owned(),
                },
                Some("tool_use") => tool(&mut block),
                // Thinking is no part of the answer.
                _ => continue,
            };
            match &self.message {
                Some((last, turn)) if message.as_ref() == Some(last) => {
                    self.extend(*turn, block);
                }
                _ if self.is_closed => {}
                _ => {
                    self.add(place.clone(), Role::Assistant, block);
                    let turn = self.turns.len() - 1;
                    self.message = message.clone().map(|id| (id, turn));
                }
            }
        }
    }

    fn system(&mut self, place: Place, entry: &Entry) {
        let text = || content_text(&entry.content);
        let block = match entry.subtype.as_deref() {
            Some("compact_boundary" | "microcompact_boundary") => Block::Compaction {
                trigger: entry.compact_metadata["trigger"].as_str().map(word),
                summary: None,
            },
            Some("api_error") => {
                let said = [
                    &entry.error["message"],
                    &entry.error["error"]["message"],
                    &entry.error,
                ];
                let said = said.iter().find_map(|value| value.as_str());
                let text = said.map_or_else(text, str::to_owned);
                Block::Error { text }
            }
            Some("local_command") => {
                if let Some((role, text)) = command(&text()) {
                    self.add(place, role, Block::Text { text });
                }
                return;
            }
            Some("informational") if text().contains(BLOCKED) => {
                let text = text();
                let hook = text.split_once(BLOCKED).map(|(hook, _)| word(hook.trim()));
                let reason = &entry.prompt_submit_ending["ending"]["reason"];
                let text = reason
                    .as_str()
                    .map_or_else(|| reason_in(&text), str::to_owned);
                Block::Refusal { hook, text }
            }
            _ => return,
        };
        if !matches!(&block, Block::Text { text } | Block::Error { text } if text.is_empty()) {
            self.add(place, Role::System, block);
        }
    }

    /// A prompt that Claude Code took into a running turn is an attachment.
    fn attachment(&mut self, place: Place, attachment: &Value) {
        if attachment["type"] == "queued_command"
            && attachment["commandMode"] != "task-notification"
        {
            let text = content_text(&attachment["prompt"]);
            if !text.trim().is_empty() {
                self.add(place, Role::User, Block::Text { text });
            }
        }
    }

    /// Adds a turn with a block.
    fn add(&mut self, place: Place, role: Role, block: Block) {
        if self.is_closed {
            return;
        }
        self.message = None;
        let turn = Turn {
            id: place.id.unwrap_or_else(|| format!("at-{}", place.start)),
            at: place.at,
            role,
            blocks: Vec::new(),
            truncated: false,
            bytes: 0,
            start: place.start,
            end: place.end,
        };
        self.turns.push(turn);
        self.extend(self.turns.len() - 1, block);
    }

    /// Adds a block to a turn, within the bounds.
    fn extend(&mut self, turn: usize, block: Block) {
        let Some(of) = self.turns.get_mut(turn) else {
            return;
        };
        let (block, bytes, is_cut) = bounded(block);
        of.truncated |= is_cut;
        if of.bytes + bytes > bound::TURN_MAX {
            of.truncated = true;
            return;
        }
        of.bytes += bytes;
        if let Block::Tool { id, .. } | Block::Question { id, .. } = &block {
            self.tools.insert(id.clone(), (turn, of.blocks.len()));
        }
        of.blocks.push(block);
    }
}

/// The place of an entry in the transcript.
#[derive(Clone)]
struct Place {
    start: u64,
    end: u64,
    id: Option<String>,
    at: Option<String>,
}

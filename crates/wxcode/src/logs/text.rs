//! Turns as text for a terminal.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use wxcode_client::ConversationTurn;

use crate::output::plain;

/// Shown lines of a tool's result.
const RESULT_LINES: usize = 10;
/// Longest shown line of a tool's input or result, in characters.
const LINE_MAX: usize = 200;
/// The fields of a tool's input that tell most, best first.
const TELLING: [&str; 8] = [
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "description",
    "prompt",
];

/// Whether a tool or a question still waits for its result.
pub(super) fn is_open(block: &Value) -> bool {
    match block["type"].as_str() {
        Some("tool") => block["result"].is_null(),
        Some("question") => block["answers"].is_null() && block["refused"] != true,
        _ => false,
    }
}

/// Writes blocks below the name of their author.
pub(super) struct Writer {
    has_colours: bool,
    /// The author of the last block.
    author: Option<&'static str>,
    zone: TimeZone,
}

impl Writer {
    pub(super) fn new(has_colours: bool) -> Self {
        Self {
            has_colours,
            author: None,
            zone: TimeZone::system(),
        }
    }

    /// A new block, with its result if it has one.
    pub(super) fn block(&mut self, out: &mut String, turn: &ConversationTurn, block: &Value) {
        let is_first = self.heading(out, turn);
        let text = block["text"].as_str().unwrap_or_default();
        match block["type"].as_str().unwrap_or_default() {
            "text" => {
                if !is_first {
                    out.push('\n');
                }
                line(out, plain(text).trim_end());
            }
            "tool" => {
                let name = block["name"].as_str().unwrap_or("tool");
                let words = format!("[{}] {}", plain(name), input(&block["input"]));
                line(out, words.trim_end());
                self.outcome(out, block);
            }
            "question" => {
                for question in block["questions"].as_array().into_iter().flatten() {
                    line(
                        out,
                        &plain(question["question"].as_str().unwrap_or_default()),
                    );
                    for option in question["options"].as_array().into_iter().flatten() {
                        let label = option.as_str().or(option["label"].as_str());
                        line(out, &format!("  - {}", plain(label.unwrap_or_default())));
                    }
                }
                self.outcome(out, block);
            }
            "compaction" => {
                let trigger = block["trigger"].as_str().unwrap_or("unknown");
                line(out, &format!("[compaction: {}]", plain(trigger)));
                let summary = block["summary"].as_str().unwrap_or_default();
                indented(out, summary);
            }
            "error" => line(out, &format!("error: {}", plain(text))),
            "refusal" => {
                let hook = block["hook"].as_str().unwrap_or("a hook");
                line(out, &format!("refused by {}: {}", plain(hook), plain(text)));
            }
            // A block of a newer server.
            other => line(out, &format!("[{}]", plain(other))),
        }
    }

    /// The result of a block that was printed without one.
    pub(super) fn result(&mut self, out: &mut String, turn: &ConversationTurn, block: &Value) {
        self.heading(out, turn);
        self.outcome(out, block);
    }

    fn outcome(&self, out: &mut String, block: &Value) {
        if is_open(block) {
            return;
        }
        if block["type"] == "question" {
            for (_, answer) in block["answers"].as_object().into_iter().flatten() {
                let text = answer.as_str().map_or_else(|| answer.to_string(), plain);
                line(out, &format!("  answer: {text}"));
            }
            if block["refused"] == true {
                line(out, "  no answer");
            }
            return;
        }
        let result = &block["result"];
        match (result["refused_by"].as_str(), &result["is_error"]) {
            (Some(by), _) => line(out, &format!("    refused by {}", plain(by))),
            (None, Value::Bool(true)) => line(out, "    error:"),
            _ => {}
        }
        indented(out, result["text"].as_str().unwrap_or_default());
    }

    /// Writes the author where it is another one than before; returns whether it did.
    fn heading(&mut self, out: &mut String, turn: &ConversationTurn) -> bool {
        let author = match turn.role.as_str() {
            "user" => "You",
            "assistant" => "Claude",
            _ => "Claude Code",
        };
        if self.author == Some(author) && author != "You" {
            return false;
        }
        let is_first = self.author.replace(author).is_none();
        if !is_first {
            out.push('\n');
        }
        let at = turn
            .at
            .as_deref()
            .and_then(|at| at.parse::<Timestamp>().ok());
        let at = at.map(|at| at.to_zoned(self.zone.clone()));
        let at = at.map_or_else(String::new, |at| at.strftime("  %F %T").to_string());
        match self.has_colours {
            true => line(out, &format!("\x1b[1m{author}\x1b[0m\x1b[2m{at}\x1b[0m")),
            false => line(out, &format!("{author}{at}")),
        }
        true
    }
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// The telling part of a tool's input, on one line.
fn input(input: &Value) -> String {
    let telling = TELLING.iter().find_map(|name| input[*name].as_str());
    let text = telling.map_or_else(|| input.to_string(), str::to_owned);
    let mut lines = text.lines();
    let first = cut(&plain(lines.next().unwrap_or_default()));
    match lines.next() {
        Some(_) => format!("{first} …"),
        None => first,
    }
}

fn indented(out: &mut String, text: &str) {
    let count = text.trim_end().lines().count();
    // A last line is no longer than the words that would stand for it.
    let shown = if count <= RESULT_LINES + 1 {
        count
    } else {
        RESULT_LINES
    };
    for text in text.trim_end().lines().take(shown) {
        line(out, format!("    {}", cut(&plain(text))).trim_end());
    }
    if count > shown {
        let _ = writeln!(out, "    … {} more lines", count - shown);
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LINE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

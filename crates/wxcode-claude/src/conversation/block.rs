//! Turns the parts of a transcript's entries into the blocks of a turn.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    AskedQuestion, Block, RefusedBy, Role, bound,
    entry::{Entry, tagged},
};
use crate::hook::{QUESTION_TOOL, questions};

/// Longest id and time taken from a transcript, in bytes.
const WORD_MAX: usize = 200;

/// Whether a tool or a question has no result yet.
pub(super) fn is_open(block: &Block) -> bool {
    match block {
        Block::Tool { result, .. } => result.is_none(),
        Block::Question {
            answers, refused, ..
        } => answers.is_none() && !refused,
        Block::Text { .. }
        | Block::Compaction { .. }
        | Block::Error { .. }
        | Block::Refusal { .. } => false,
    }
}

/// A command of the user, the output of a command, or the report of a background task. Claude Code
/// writes all three as messages with tags.
pub(super) fn command(text: &str) -> Option<(Role, String)> {
    let text = text.trim_start();
    if text.starts_with("<command-") {
        let name = tagged(text, "command-name")?;
        let arguments = tagged(text, "command-args").unwrap_or_default();
        let line = format!("{name} {arguments}");
        return Some((Role::User, line.trim_end().to_owned()));
    }
    if text.starts_with("<local-command-") {
        let output = tagged(text, "local-command-stdout");
        let output = output.or_else(|| tagged(text, "local-command-stderr"))?;
        return Some((Role::System, without_colours(output)));
    }
    if text.starts_with("<task-notification>") {
        return Some((Role::System, tagged(text, "summary")?.to_owned()));
    }
    None
}

/// The text without the colours of a terminal (`CSI … m` and the like).
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|char: char| ('\u{40}'..='\u{7e}').contains(&char));
        plain.push_str(end.map_or("", |end| &part[end + 1..]));
    }
    plain
}

/// A short word of a transcript, such as an id.
pub(super) fn word(text: &str) -> String {
    text[..bound::floor(text, WORD_MAX)].to_owned()
}

/// The use of a tool, or a question.
pub(super) fn tool(block: &mut Value) -> Block {
    let text = |name: &str| block[name].as_str().map(word).unwrap_or_default();
    let (id, name) = (text("id"), text("name"));
    let input = block["input"].take();
    if name != QUESTION_TOOL {
        let result = None;
        return Block::Tool {
            id,
            name,
            input,
            result,
        };
    }
    let asked = questions(&input).into_iter().map(|question| AskedQuestion {
        question: question.question,
        header: question.header,
        options: question
            .options
            .into_iter()
            .map(|option| option.label)
            .collect(),
    });
    Block::Question {
        id,
        questions: asked.collect(),
        answers: None,
        refused: false,
    }
}

/// The party that refused a tool, from the entry of the tool's result.
pub(super) fn refused_by(entry: &Entry) -> Option<RefusedBy> {
    let decision = &entry.permission_decision;
    let kind = entry.tool_denial_kind.as_deref();
    let in_words = refused_by_words(entry);
    if kind.is_none() && decision["decision"] != "reject" {
        return in_words;
    }
    match decision["source"].as_str() {
        Some("hook") => Some(RefusedBy::Hook),
        Some(source) if source.starts_with("user_") => Some(RefusedBy::User),
        // A kind names the wrong party for hooks and for missing permissions (2.1.220).
        _ => in_words.or(Some(match kind {
            Some("user-rejected") => RefusedBy::User,
            _ => RefusedBy::Rule,
        })),
    }
}

/// The refusing party in the words of early versions, which have no
/// fields for it (2.0.31, 2.1.72).
fn refused_by_words(entry: &Entry) -> Option<RefusedBy> {
    let said = entry.tool_use_result.as_str()?;
    let said = said.strip_prefix("Error: ").unwrap_or(said);
    let is_rule = ["Claude requested permissions to ", "Permission to use "];
    let is_user = [
        "User rejected tool use",
        "The user doesn't want to proceed ",
    ];
    let begins = |words: &[&str]| words.iter().any(|words| said.starts_with(words));
    match said {
        _ if begins(&is_user) => Some(RefusedBy::User),
        _ if begins(&is_rule) => Some(RefusedBy::Rule),
        _ if said.starts_with("PreToolUse:") && said.contains(" hook error: ") => {
            Some(RefusedBy::Hook)
        }
        _ => None,
    }
}

/// The answers to questions; several choices for a question become a single text.
pub(super) fn answers_of(result: &Value) -> Option<BTreeMap<String, String>> {
    let answers = result["answers"].as_object()?;
    let said = answers.iter().map(|(question, answer)| {
        let answer = match answer {
            Value::String(text) => text.clone(),
            Value::Array(choices) => {
                let choices = choices.iter().filter_map(Value::as_str);
                choices.collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        (question.clone(), bound::text(answer).0)
    });
    Some(said.collect())
}

/// The block with its texts cut to the bounds, their number of bytes, and whether any text was cut.
pub(super) fn bounded(block: Block) -> (Block, usize, bool) {
    match block {
        Block::Text { text } => {
            let (text, is_cut) = bound::text(text);
            let bytes = text.len();
            (Block::Text { text }, bytes, is_cut)
        }
        Block::Error { text } => {
            let (text, is_cut) = bound::text(text);
            let bytes = text.len();
            (Block::Error { text }, bytes, is_cut)
        }
        Block::Refusal { hook, text } => {
            let (text, is_cut) = bound::text(text);
            let bytes = text.len();
            (Block::Refusal { hook, text }, bytes, is_cut)
        }
        Block::Compaction { trigger, summary } => {
            let (summary, is_cut) = match summary.map(bound::text) {
                Some((text, is_cut)) => (Some(text), is_cut),
                None => (None, false),
            };
            let bytes = summary.as_ref().map_or(0, String::len);
            (Block::Compaction { trigger, summary }, bytes, is_cut)
        }
        Block::Tool {
            id,
            name,
            input,
            result,
        } => {
            let (input, is_cut) = bound::input(input);
            let bytes = bound::size(&input);
            let block = Block::Tool {
                id,
                name,
                input,
                result,
            };
            (block, bytes, is_cut)
        }
        Block::Question { ref questions, .. } => {
            let bytes = questions.iter().map(|question| {
                let labels: usize = question.options.iter().map(String::len).sum();
                question.question.len() + question.header.len() + labels
            });
            let bytes = bytes.sum();
            (block, bytes, false)
        }
    }
}

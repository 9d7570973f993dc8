//! The stub's answers: a pure function of the request.
//!
//! Keywords in the user's last text; the last line with a keyword counts, since unanswered messages
//! arrive as a single message:
//!
//! | keyword | answer |
//! |---|---|
//! | `stub:bash COMMAND` | the tool `Bash` with the rest of the line |
//! | `stub:ask` | the tool `AskUserQuestion` with one question, "Which colour?", and the choices Red and Blue |
//! | `stub:write PATH` | the tool `Write`, which writes `written by the stub` to the path |
//! | `stub:tool NAME JSON` | the tool of this name with this input |
//! | `stub:tools JSON` | several tools at once: a list of `[NAME, INPUT]` |
//! | `stub:slow` | begins to answer, and ends only after [`release`](super::Stub::release) |
//! | `stub:lines N` | N numbered lines |
//! | `stub:error STATUS` | an error response with this HTTP status |
//!
//! Anything else is answered by [`Answer::Text`] `stub: N user messages; last: TEXT`.

use serde_json::{Value, json};

/// Most lines of a `stub:lines` answer.
const LINES_MAX: usize = 100_000;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// A message.
    Text(String),
    /// A message that ends only on release.
    Held(String),
    /// Tool calls: a name and an input each.
    Tools(Vec<(String, Value)>),
    /// An HTTP error.
    Error(u16),
}

/// The answer to the body of a `/v1/messages` request.
pub(super) fn answer(body: &Value) -> Answer {
    // Titles, summaries and other side requests come without tools; any answer does.
    if body["tools"].as_array().is_none_or(Vec::is_empty) {
        return Answer::Text(if body.to_string().contains("json_schema") {
            json!({ "title": "Stub conversation" }).to_string()
        } else {
            "Stub conversation".to_owned()
        });
    }
    if let Some(result) = last_tool_result(body) {
        return Answer::Text(format!("stub: tool result: {result}"));
    }
    let texts = user_texts(body);
    let last = texts.last().map_or("", String::as_str);
    // The report of a finished background task is no prompt of the user; the user's own prompt is
    // already done.
    let asked = if is_notified(body) { "" } else { last };
    asked.lines().rev().find_map(keyword).unwrap_or_else(|| {
        let plural = if texts.len() == 1 { "" } else { "s" };
        Answer::Text(format!(
            "stub: {} user message{plural}; last: {last}",
            texts.len()
        ))
    })
}

/// Whether the last message reports a background task.
fn is_notified(body: &Value) -> bool {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user")
        .is_some_and(|last| last.to_string().contains("<task-notification>"))
}

/// The answer to the keyword in a line, if any.
fn keyword(line: &str) -> Option<Answer> {
    let (_, line) = line.split_once("stub:")?;
    let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim();
    let tool = |name: &str, input: Value| Answer::Tools(vec![(name.to_owned(), input)]);
    Some(match word.trim() {
        "bash" => tool(
            "Bash",
            json!({ "command": argument, "description": "Asked for by the test" }),
        ),
        "ask" => tool("AskUserQuestion", question()),
        "write" => tool(
            "Write",
            json!({ "file_path": argument, "content": "written by the stub\n" }),
        ),
        "tool" => {
            let (name, input) = argument.split_once(' ')?;
            tool(name, serde_json::from_str(input).ok()?)
        }
        "tools" => Answer::Tools(serde_json::from_str(argument).ok()?),
        "slow" => Answer::Held("stub: released".to_owned()),
        "lines" => {
            let count = argument.parse().unwrap_or(1).min(LINES_MAX);
            Answer::Text(
                (1..=count)
                    .map(|number| format!("line {number}\n"))
                    .collect(),
            )
        }
        "error" => Answer::Error(argument.parse().unwrap_or(500)),
        _ => return None,
    })
}

fn question() -> Value {
    json!({ "questions": [{
        "question": "Which colour?",
        "header": "Colour",
        "multiSelect": false,
        "options": [
            { "label": "Red", "description": "The colour of a rose" },
            { "label": "Blue", "description": "The colour of the sea" },
        ],
    }] })
}

/// The user's texts, a text for each message, without Claude Code's additions (`<system-reminder>`
/// blocks, tool results).
pub(super) fn user_texts(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    messages
        .iter()
        .filter(|message| message["role"] == "user")
        .filter_map(|message| own_text(&message["content"]))
        .collect()
}

fn own_text(content: &Value) -> Option<String> {
    let texts: Vec<&str> = match content {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks
            .iter()
            .filter_map(|block| block["text"].as_str())
            .collect(),
        _ => Vec::new(),
    };
    let own: Vec<&str> = texts
        .into_iter()
        .filter(|text| !text.trim_start().starts_with("<system-reminder>"))
        .collect();
    (!own.is_empty()).then(|| own.join("\n"))
}

/// The tool result in the last message, unless a text of the user follows the result: text after a
/// refused tool comes in the same message as the refusal.
fn last_tool_result(body: &Value) -> Option<String> {
    let last = body["messages"]
        .as_array()?
        .iter()
        .rev()
        .find(|message| message["role"] == "user")?;
    let blocks = last["content"].as_array()?;
    let at = blocks
        .iter()
        .position(|block| block["type"] == "tool_result")?;
    let said = blocks[at..]
        .iter()
        .filter_map(|block| block["text"].as_str())
        .any(|text| text.lines().any(|line| keyword(line).is_some()));
    if said {
        return None;
    }
    Some(match &blocks[at]["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        _ => String::new(),
    })
}

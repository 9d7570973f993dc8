//! What the agent calls tools with, as its hooks report it.

use serde_json::{Value, json};

/// A file that is written.
pub(crate) fn write(path: &str) -> Value {
    let input = json!({ "file_path": path, "content": "written by the fake agent\n" });
    json!({ "tool_name": "Write", "tool_input": input, "tool_use_id": "toolu_fake" })
}

/// A shell command.
pub(crate) fn bash() -> Value {
    json!({ "tool_name": "Bash", "tool_input": { "command": "echo hi" }, "tool_use_id": "toolu_fake" })
}

/// One question with two answers.
pub(crate) fn question() -> Value {
    let options =
        json!([{ "label": "Red", "description": "" }, { "label": "Blue", "description": "" }]);
    let questions =
        json!([{ "question": "Which colour?", "header": "Colour", "options": options }]);
    json!({ "tool_name": "AskUserQuestion", "tool_input": { "questions": questions }, "tool_use_id": "toolu_fake" })
}

//! Tool calls of the agent, as reported by the agent's hooks.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// A file to write.
pub(crate) fn write(path: &str) -> Value {
    let input = json!({ "file_path": path, "content": "written by the fake agent\n" });
    json!({ "tool_name": "Write", "tool_input": input, "tool_use_id": "toolu_fake" })
}

/// A shell command.
pub(crate) fn bash(command: &str) -> Value {
    json!({ "tool_name": "Bash", "tool_input": { "command": command }, "tool_use_id": "toolu_fake" })
}

/// Runs a shell command to its end, detached from the terminal, like the real agent.
pub(crate) fn run(line: &str, folder: &Path) -> io::Result<()> {
    Command::new("bash")
        .args(["-c", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(())
}

/// A question with two answers.
pub(crate) fn question() -> Value {
    let options =
        json!([{ "label": "Red", "description": "" }, { "label": "Blue", "description": "" }]);
    let questions =
        json!([{ "question": "Which colour?", "header": "Colour", "options": options }]);
    json!({ "tool_name": "AskUserQuestion", "tool_input": { "questions": questions }, "tool_use_id": "toolu_fake" })
}

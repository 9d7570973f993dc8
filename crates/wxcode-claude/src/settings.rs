//! The settings document that adds our hooks to one Claude Code process.

use std::path::Path;

use serde_json::{Value, json};

/// The hook events that are asked for, as Claude Code names them.
pub const EVENTS: [&str; 11] = [
    "SessionStart",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Notification",
    "Stop",
    "SubagentStop",
    "PreCompact",
    "SessionEnd",
];

/// The document for `--settings`: every event of [`EVENTS`] runs `hook_command`.
///
/// It adds to the user's own settings and replaces nothing in them.
#[must_use]
pub fn hooks(hook_command: &str) -> Value {
    let entry =
        json!([{ "matcher": "", "hooks": [{ "type": "command", "command": hook_command }] }]);
    let events: serde_json::Map<String, Value> = EVENTS
        .iter()
        .map(|event| ((*event).to_owned(), entry.clone()))
        .collect();
    json!({ "hooks": events })
}

/// The shell command of our hooks: `<exe> hook <hook_file>`, both quoted for a POSIX shell.
#[must_use]
pub fn hook_command(exe: &Path, hook_file: &Path) -> String {
    format!(
        "{} hook {}",
        quoted(&exe.to_string_lossy()),
        quoted(&hook_file.to_string_lossy())
    )
}

/// `text` as one word of a POSIX shell: in single quotes, each quote of its own as `'\''`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

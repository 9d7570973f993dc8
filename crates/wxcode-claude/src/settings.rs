//! The settings document that adds our hooks to one Claude Code process.

use std::path::Path;

use serde_json::{Value, json};

/// The hook events that are asked for, as Claude Code names them.
///
/// A turn that ends in an error of the API fires `StopFailure` and no `Stop`; a tool that fails
/// `PostToolUseFailure` and no `PostToolUse`. A name that a version does not know brings up a warning at its start.
pub const EVENTS: [&str; 13] = [
    "SessionStart",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "PreToolUse",
    "PostToolUse",
    "PostToolUseFailure",
    "PermissionRequest",
    "Notification",
    "Stop",
    "StopFailure",
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn every_event_runs_the_command() {
        let document = hooks("'/opt/wxcode' hook '/h'");
        let events = document["hooks"].as_object().unwrap();
        assert_eq!(events.len(), EVENTS.len());
        for event in EVENTS {
            let expected = json!([{ "matcher": "", "hooks": [{ "type": "command", "command": "'/opt/wxcode' hook '/h'" }] }]);
            assert_eq!(events[event], expected, "{event}");
        }
    }

    /// The judge is the shell itself.
    #[test]
    fn a_shell_reads_the_words_back_as_they_were() {
        for word in [
            "/plain",
            "/a b",
            "/it's",
            "''",
            "$HOME `id` \"x\" \\",
            "/a\nb",
            "*?[x]",
            "é 日本",
            "-n",
            "~",
            "#",
            "",
        ] {
            let command =
                hook_command(Path::new("printf"), Path::new(word)).replacen("hook", "'%s.'", 1);
            let output = Command::new("sh").args(["-c", &command]).output().unwrap();
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                format!("{word}."),
                "{command}"
            );
        }
        let exe = hook_command(Path::new("/opt/my wxcode"), Path::new("/h"));
        assert_eq!(exe, "'/opt/my wxcode' hook '/h'");
    }
}

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

/// Days after which Claude Code may delete a transcript that was not written, its `cleanupPeriodDays`: a century, where its
/// own default is 30. Measured: any whole number from 1 is valid.
pub const CLEANUP_PERIOD_DAYS: u32 = 36_500;

/// The document for `--settings`: every event of [`EVENTS`] runs `hook_command`, the list of agents is switched off, and
/// transcripts are kept for [`CLEANUP_PERIOD_DAYS`].
///
/// Without `disableAgentView`, one press of the left arrow in the empty prompt moves the conversation as a fork into Claude
/// Code's background daemon (measured with 2.1.329). The hooks add to the user's own settings and replace nothing in them.
#[must_use]
pub fn document(hook_command: &str) -> Value {
    let entry =
        json!([{ "matcher": "", "hooks": [{ "type": "command", "command": hook_command }] }]);
    let events: serde_json::Map<String, Value> = EVENTS
        .iter()
        .map(|event| ((*event).to_owned(), entry.clone()))
        .collect();
    json!({
        "hooks": events,
        "disableAgentView": true,
        "cleanupPeriodDays": CLEANUP_PERIOD_DAYS,
    })
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
        let document = document("'/opt/wxcode' hook '/h'");
        let events = document["hooks"].as_object().unwrap();
        assert_eq!(events.len(), EVENTS.len());
        for event in EVENTS {
            let expected = json!([{ "matcher": "", "hooks": [{ "type": "command", "command": "'/opt/wxcode' hook '/h'" }] }]);
            assert_eq!(events[event], expected, "{event}");
        }
    }

    #[test]
    fn agent_view_is_off_and_transcripts_are_kept() {
        let document = document("true");
        assert_eq!(document["disableAgentView"], true);
        assert_eq!(document["cleanupPeriodDays"], CLEANUP_PERIOD_DAYS);
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

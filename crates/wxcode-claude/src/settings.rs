//! Builds the settings document with our hooks for one Claude Code process.
//!
//! Invariant: wxcode never writes the user's own Claude configuration. Its settings are a file for
//! each process.

use std::path::Path;

use serde_json::{Value, json};

/// Our hook events, by Claude Code's names.
///
/// A turn with an API error fires `StopFailure` and no `Stop`; a failed tool fires
/// `PostToolUseFailure` and no `PostToolUse`. A version shows a warning at its start for an unknown
/// name.
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

/// Age in days at which Claude Code may delete an unwritten transcript (`cleanupPeriodDays`): a
/// century instead of 30 days. Measured: any whole number from 1 is valid.
pub const CLEANUP_PERIOD_DAYS: u32 = 36_500;

/// Returns the document for `--settings`: every event of [`EVENTS`] runs `hook_command`, the list
/// of agents and Remote Control are off, and transcripts stay for [`CLEANUP_PERIOD_DAYS`].
/// `status_line` is [`crate::status_line::document`], which replaces the user's.
///
/// `autoContinueAtUsageLimit` lets a turn that met the account's limit go on after the reset,
/// instead of asking with a dialog.
///
/// Without `disableAgentView`, one left arrow in the empty prompt moves the conversation as a fork
/// into Claude Code's background daemon, and so do `/bg` and `/fork`. Without
/// `disableRemoteControl`, a user of claude.ai can move the conversation to another device
/// (measured with 2.1.332). The hooks add to the user's settings.
#[must_use]
pub fn document(hook_command: &str, status_line: Option<Value>) -> Value {
    let entry =
        json!([{ "matcher": "", "hooks": [{ "type": "command", "command": hook_command }] }]);
    let events: serde_json::Map<String, Value> = EVENTS
        .iter()
        .map(|event| ((*event).to_owned(), entry.clone()))
        .collect();
    let mut document = json!({
        "hooks": events,
        "disableAgentView": true,
        "autoContinueAtUsageLimit": true,
        "disableRemoteControl": true,
        "cleanupPeriodDays": CLEANUP_PERIOD_DAYS,
    });
    if let Some(status_line) = status_line {
        document["statusLine"] = status_line;
    }
    document
}

/// Returns the shell command of our hooks: `<exe> hook <hook_file>`, both quoted for a POSIX shell.
#[must_use]
pub fn hook_command(exe: &Path, hook_file: &Path) -> String {
    format!(
        "{} hook {}",
        quoted(&exe.to_string_lossy()),
        quoted(&hook_file.to_string_lossy())
    )
}

/// Quotes `text` as one word of a POSIX shell: in single quotes, with `'\''` for each quote inside.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn every_event_runs_the_command() {
        let document = document("'/opt/wxcode' hook '/h'", None);
        let events = document["hooks"].as_object().unwrap();
        assert_eq!(events.len(), EVENTS.len());
        for event in EVENTS {
            let expected = json!([{ "matcher": "", "hooks": [{ "type": "command", "command": "'/opt/wxcode' hook '/h'" }] }]);
            assert_eq!(events[event], expected, "{event}");
        }
    }

    #[test]
    fn ways_elsewhere_are_off_and_transcripts_kept() {
        let document = document("true", None);
        assert_eq!(document["disableAgentView"], true);
        assert_eq!(document["disableRemoteControl"], true);
        assert_eq!(document["cleanupPeriodDays"], CLEANUP_PERIOD_DAYS);
    }

    /// The shell itself checks the quoting.
    #[test]
    fn a_shell_reads_quoted_words_back() {
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

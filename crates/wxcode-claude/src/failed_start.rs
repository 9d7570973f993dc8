//! Recognises, on the last screen, why Claude Code refused to start.
//!
//! Claude Code prints the reason to the terminal and exits with 1; no hook runs. The texts were
//! measured with 2.1.332.

/// A refusal, as an error with its remedy. [`Self::as_str`] is Claude Code's own word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailedStart {
    #[error(
        "Claude Code did not start: a background session of Claude Code runs this conversation. \
         Find it with `claude agents --json`, end it with `claude stop ID`, then start the session \
         again"
    )]
    HeldByBackground,
    #[error(
        "Claude Code did not start: the project's folder was deleted or moved. Restore it, or \
         change the project's folder, then start the session again"
    )]
    FolderUnavailable,
    #[error(
        "Claude Code did not start: root may not use the permission mode bypassPermissions. Choose \
         another permission_mode, run wxcode as an ordinary user, or set IS_SANDBOX=1 in [agent.env] \
         where the machine is a sandbox"
    )]
    BypassAsRoot,
    #[error(
        "Claude Code did not start: its file .claude.json is not valid JSON. Repair it, or restore \
         one of the copies in the folder `backups` of its configuration folder, then start the \
         session again"
    )]
    ConfigFileInvalid,
}

/// The refusals, each with a text of its message, without white space: a narrow screen breaks words.
const MESSAGES: [(FailedStart, &str); 4] = [
    (
        FailedStart::HeldByBackground,
        "Thatsessionisrunninginthebackground(",
    ),
    (
        FailedStart::FolderUnavailable,
        "Thecurrentdirectorynolongerexists",
    ),
    (
        FailedStart::BypassAsRoot,
        "--dangerously-skip-permissionscannotbeusedwithroot/sudoprivileges",
    ),
    (FailedStart::ConfigFileInvalid, "Claudeconfigurationfileat"),
];

impl FailedStart {
    /// Claude Code's word for the reason.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HeldByBackground => "session_held_by_background",
            Self::FolderUnavailable => "cwd_unavailable",
            Self::BypassAsRoot => "bypass_root",
            Self::ConfigFileInvalid => "config_file_invalid",
        }
    }
}

/// Finds the refusal on the last screen of a process that reported no conversation and exited with
/// 1; `None` for another end.
#[must_use]
pub fn read(screen: &str) -> Option<FailedStart> {
    let text: String = screen.split_whitespace().collect();
    MESSAGES
        .iter()
        .find(|(_, message)| text.contains(message))
        .map(|(failed, _)| *failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_lines_are_recognised() {
        let screen = "That session is runn\ning in the background (e696c113). Run `claude attach";
        assert_eq!(read(screen), Some(FailedStart::HeldByBackground));
        let screen = "  The current directory no longer\n  exists (it was deleted or moved).";
        assert_eq!(read(screen), Some(FailedStart::FolderUnavailable));
    }

    #[test]
    fn other_ends_have_no_reason() {
        for screen in ["", "Error: Session ID 1 is already in use.", "❯ \n⏵⏵ auto"] {
            assert_eq!(read(screen), None, "{screen}");
        }
    }
}

//! The code of a delivery's `error`: an error in words is for people, its code for programs that
//! word it themselves.
//!
//! The code follows from the words, so errors of earlier versions have one too. The tests compare
//! both.

use super::CANCELLED;

/// The kind of an obstacle or a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The user cancelled the delivery.
    Cancelled,
    /// A dialog or a panel is open; the error begins with its name.
    Dialog,
    /// Other text stands in the prompt.
    Draft,
    /// The agent's screen has no prompt.
    NoPrompt,
    /// Another client types.
    Keyboard,
    /// Another process goes on with the conversation.
    Elsewhere,
    /// The account's usage limit.
    UsageLimit,
    /// All sessions of the nodes are in use.
    NoRoom,
    /// A hook of the user refused the command.
    HookRefused,
    /// The agent ended first.
    AgentEnded,
    /// Claude Code does not know the command, or did not carry it out.
    Declined,
    /// The agent left the command in the prompt.
    NotTaken,
    /// The command left the prompt and no hook reported it: it may have taken effect.
    NotReported,
    /// The command was typed, and does not stand alone in the prompt.
    NotAlone,
    /// The agent did not read the typed command.
    NotRead,
    /// The agent did not become ready.
    NotReady,
    /// Claude Code runs no hooks of wxcode.
    NoHooks,
    /// The command's milestone is finished or deleted.
    MilestoneGone,
    /// The agent could not start.
    StartFailed,
    /// A run of the project is in progress.
    InRun,
    /// Another process runs the conversation.
    ConversationHeld,
    /// The project's folder is missing.
    WorkspaceMissing,
    /// Another reason.
    Other,
}

/// The beginnings of errors.
const BEGINNINGS: [(&str, Code); 23] = [
    ("draft:", Code::Draft),
    ("prompt:", Code::NoPrompt),
    ("keyboard:", Code::Keyboard),
    ("elsewhere:", Code::Elsewhere),
    ("usage limit:", Code::UsageLimit),
    ("waits for a free session", Code::NoRoom),
    ("a hook of yours ", Code::HookRefused),
    ("the agent ended before ", Code::AgentEnded),
    ("Claude Code did not carry ", Code::Declined),
    ("the agent did not take ", Code::NotTaken),
    ("the agent did not report ", Code::NotReported),
    ("the command was typed but ", Code::NotAlone),
    ("the agent did not read ", Code::NotRead),
    ("the agent was not ready ", Code::NotReady),
    ("the agent's prompt is ready, but ", Code::NoHooks),
    ("the milestone is ", Code::MilestoneGone),
    ("the milestone was deleted", Code::MilestoneGone),
    ("the agent could not start", Code::StartFailed),
    ("a run is going on ", Code::InRun),
    ("another claude ", Code::ConversationHeld),
    ("the workspace folder ", Code::WorkspaceMissing),
    ("the session's files cannot be used", Code::StartFailed),
    ("Claude Code did not start", Code::StartFailed),
];

impl Code {
    /// All codes.
    pub const ALL: [Self; 23] = [
        Self::Cancelled,
        Self::Dialog,
        Self::Draft,
        Self::NoPrompt,
        Self::Keyboard,
        Self::Elsewhere,
        Self::UsageLimit,
        Self::NoRoom,
        Self::HookRefused,
        Self::AgentEnded,
        Self::Declined,
        Self::NotTaken,
        Self::NotReported,
        Self::NotAlone,
        Self::NotRead,
        Self::NotReady,
        Self::NoHooks,
        Self::MilestoneGone,
        Self::StartFailed,
        Self::InRun,
        Self::ConversationHeld,
        Self::WorkspaceMissing,
        Self::Other,
    ];

    /// The code of an error.
    ///
    /// ```
    /// use wxcode_core::delivery::reason::Code;
    ///
    /// assert_eq!(Code::of("trust_folder"), Code::Dialog);
    /// assert_eq!(Code::of("draft: other text stands in the prompt"), Code::Draft);
    /// ```
    #[must_use]
    pub fn of(error: &str) -> Self {
        if error == CANCELLED {
            return Self::Cancelled;
        }
        let known = BEGINNINGS
            .iter()
            .find(|(begin, _)| error.starts_with(begin));
        if let Some((_, code)) = known {
            return *code;
        }
        let name = error.split_once(": ").map_or(error, |(name, _)| name);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if is_name { Self::Dialog } else { Self::Other }
    }

    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Dialog => "dialog",
            Self::Draft => "draft",
            Self::NoPrompt => "no_prompt",
            Self::Keyboard => "keyboard",
            Self::Elsewhere => "elsewhere",
            Self::UsageLimit => "usage_limit",
            Self::NoRoom => "no_room",
            Self::HookRefused => "hook_refused",
            Self::AgentEnded => "agent_ended",
            Self::Declined => "declined",
            Self::NotTaken => "not_taken",
            Self::NotReported => "not_reported",
            Self::NotAlone => "not_alone",
            Self::NotRead => "not_read",
            Self::NotReady => "not_ready",
            Self::NoHooks => "no_hooks",
            Self::MilestoneGone => "milestone_gone",
            Self::StartFailed => "start_failed",
            Self::InRun => "in_run",
            Self::ConversationHeld => "conversation_held",
            Self::WorkspaceMissing => "workspace_missing",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        agent::Limit,
        delivery::machine::{refused, told},
        id::Id,
        run,
    };

    #[test]
    fn errors_of_the_machine_have_codes() {
        for (code, error) in told() {
            assert_eq!(Code::of(&error), code, "{error}");
        }
    }

    #[test]
    fn errors_from_elsewhere_have_codes() {
        let limit = Limit {
            reason: "5-hour limit".to_owned(),
            resets_at: None,
        };
        let run = run::in_the_way(Id::from_bytes([0; 12]));
        for (error, code) in [
            (CANCELLED, Code::Cancelled),
            ("auto_mode_offer", Code::Dialog),
            ("settings_error: a file is not valid", Code::Dialog),
            (&limit.note(), Code::UsageLimit),
            (&refused("no"), Code::HookRefused),
            (&run, Code::InRun),
            ("something new", Code::Other),
            ("", Code::Other),
        ] {
            assert_eq!(Code::of(error), code, "{error}");
        }
    }

    #[test]
    fn each_code_has_its_own_word() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert_eq!(
            Code::ALL.last().map(|last| *last as usize + 1),
            Some(Code::ALL.len())
        );
    }
}

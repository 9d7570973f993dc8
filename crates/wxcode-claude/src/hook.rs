//! Parses the payloads of Claude Code's hooks.

mod question;

use std::path::PathBuf;

use serde_json::{Map, Value};
use uuid::Uuid;

pub use question::{QUESTION_TOOL, Question, QuestionOption, questions};

#[derive(Debug, Clone, PartialEq)]
pub struct HookEvent {
    /// The conversation of the report.
    pub session_id: Uuid,
    /// The transcript of that conversation.
    pub transcript_path: Option<PathBuf>,
    /// The working folder of the process.
    pub cwd: Option<PathBuf>,
    /// The reporting subagent; `None` for the conversation itself.
    pub agent_id: Option<String>,
    /// The permission mode in effect; not every event has it.
    pub permission_mode: Option<String>,
    /// Claude Code's id of the prompt that the report belongs to.
    pub prompt_id: Option<String>,
    pub kind: HookKind,
}

/// The kind of a hook event, with its fields. Missing fields are empty or `None`.
#[derive(Debug, Clone, PartialEq)]
pub enum HookKind {
    /// A conversation became the current one of the process.
    SessionStart {
        source: StartSource,
        model: Option<String>,
    },
    /// A prompt was submitted.
    UserPromptSubmit {
        /// The text, for [`crate::prompt::confirms`].
        prompt: String,
        /// Claude Code's id of the turn.
        prompt_id: Option<String>,
        /// The origin of the prompt, for example `user` or `loop_wakeup`; `None` in older versions.
        source: Option<String>,
    },
    /// Claude Code recognised a submitted slash command.
    UserPromptExpansion {
        /// The text as submitted.
        prompt: String,
        /// The command's name without the slash.
        command_name: Option<String>,
    },
    /// A tool is about to run.
    PreToolUse {
        tool_name: String,
        tool_input: Value,
        tool_use_id: Option<String>,
    },
    /// A tool finished, or failed (`PostToolUseFailure`).
    PostToolUse {
        tool_name: String,
        tool_input: Value,
        tool_use_id: Option<String>,
    },
    /// A tool needs a permission; for `AskUserQuestion`, an answer.
    PermissionRequest {
        /// The waiting tool.
        tool_name: String,
        tool_input: Value,
    },
    /// Claude Code wants the user's attention.
    Notification {
        /// For example `permission_prompt` or `idle_prompt`.
        notification_type: Option<String>,
        /// Text for people.
        message: String,
    },
    /// The turn ended, by itself or after an API error (`StopFailure`).
    Stop {
        /// The agent's last message.
        last_assistant_message: Option<String>,
        /// The kind of the API error, for example `rate_limit` or `server_error`.
        failure: Option<String>,
    },
    /// A subagent's turn ended.
    SubagentStop,
    /// Claude Code is about to compact the conversation.
    PreCompact {
        /// `manual` or `auto`.
        trigger: Option<String>,
        /// The words after `/compact`.
        instructions: Option<String>,
    },
    /// The conversation is no longer the current one of the process.
    SessionEnd {
        /// For example `clear`, `prompt_input_exit`, `other`.
        reason: Option<String>,
    },
    /// An unknown event, by name.
    Other(String),
}

/// The reason for a new current conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartSource {
    /// The process started with a new conversation.
    Startup,
    /// The process started with an existing one.
    Resume,
    /// `/clear`.
    Clear,
    /// Compaction.
    Compact,
    /// The process continues a copy of another conversation (`--fork-session`).
    Fork,
    /// An unknown word.
    Other(String),
}

/// The reason to reject bytes as a hook event.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Not a JSON object.
    #[error(
        "the hook payload is not a JSON object ({0}): run the hook only from Claude Code's hook settings"
    )]
    NotJson(#[from] serde_json::Error),
    /// A field of every event is missing.
    #[error(
        "the hook payload has no valid `{0}`: check that the installed Claude Code is a supported version"
    )]
    Missing(&'static str),
}

impl HookKind {
    /// The hook's name, `other` for an unknown one.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SessionStart { .. } => "SessionStart",
            Self::UserPromptSubmit { .. } => "UserPromptSubmit",
            Self::UserPromptExpansion { .. } => "UserPromptExpansion",
            Self::PreToolUse { .. } => "PreToolUse",
            Self::PostToolUse { .. } => "PostToolUse",
            Self::PermissionRequest { .. } => "PermissionRequest",
            Self::Notification { .. } => "Notification",
            Self::Stop { .. } => "Stop",
            Self::SubagentStop => "SubagentStop",
            Self::PreCompact { .. } => "PreCompact",
            Self::SessionEnd { .. } => "SessionEnd",
            Self::Other(_) => "other",
        }
    }
}

impl HookKind {
    /// The command that Claude Code carries out itself, and reports by this hook instead of
    /// `UserPromptSubmit`.
    ///
    /// ```
    /// use wxcode_claude::hook::HookKind;
    ///
    /// let compacts = HookKind::PreCompact {
    ///     trigger: Some("manual".into()),
    ///     instructions: Some("keep the API".into()),
    /// };
    /// assert_eq!(compacts.command().as_deref(), Some("/compact keep the API"));
    /// ```
    #[must_use]
    pub fn command(&self) -> Option<String> {
        match self {
            Self::SessionStart {
                source: StartSource::Clear,
                ..
            } => Some("/clear".to_owned()),
            Self::PreCompact {
                trigger,
                instructions,
            } if trigger.as_deref() == Some("manual") => {
                let words = instructions.as_deref().unwrap_or_default();
                Some(format!("/compact {words}").trim_end().to_owned())
            }
            _ => None,
        }
    }
}

impl HookEvent {
    /// The event's name in Claude Code. A failure has the name of the event in whose place it
    /// comes.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.kind {
            HookKind::SessionStart { .. } => "SessionStart",
            HookKind::UserPromptSubmit { .. } => "UserPromptSubmit",
            HookKind::UserPromptExpansion { .. } => "UserPromptExpansion",
            HookKind::PreToolUse { .. } => "PreToolUse",
            HookKind::PostToolUse { .. } => "PostToolUse",
            HookKind::PermissionRequest { .. } => "PermissionRequest",
            HookKind::Notification { .. } => "Notification",
            HookKind::Stop { .. } => "Stop",
            HookKind::SubagentStop => "SubagentStop",
            HookKind::PreCompact { .. } => "PreCompact",
            HookKind::SessionEnd { .. } => "SessionEnd",
            HookKind::Other(name) => name,
        }
    }
}

/// Parses one payload. Ignores unknown fields; an unknown event is [`HookKind::Other`].
///
/// # Errors
/// The payload is not a JSON object, or lacks an event name or a UUID as `session_id`.
pub fn parse(payload: &[u8]) -> Result<HookEvent, HookError> {
    let mut fields: Map<String, Value> = serde_json::from_slice(payload)?;
    let session_id = fields
        .get("session_id")
        .and_then(Value::as_str)
        .and_then(crate::id)
        .ok_or(HookError::Missing("session_id"))?;
    let name = text(&mut fields, "hook_event_name").ok_or(HookError::Missing("hook_event_name"))?;
    Ok(HookEvent {
        session_id,
        transcript_path: text(&mut fields, "transcript_path").map(PathBuf::from),
        cwd: text(&mut fields, "cwd").map(PathBuf::from),
        agent_id: fields
            .get("agent_id")
            .and_then(Value::as_str)
            .map(str::to_owned),
        permission_mode: fields.get("permission_mode").and_then(crate::mode::name),
        prompt_id: fields
            .get("prompt_id")
            .and_then(Value::as_str)
            .map(str::to_owned),
        kind: kind(name, &mut fields),
    })
}

fn kind(name: String, fields: &mut Map<String, Value>) -> HookKind {
    match name.as_str() {
        "SessionStart" => HookKind::SessionStart {
            source: match text(fields, "source").unwrap_or_default().as_str() {
                "startup" => StartSource::Startup,
                "resume" => StartSource::Resume,
                "clear" => StartSource::Clear,
                "compact" => StartSource::Compact,
                "fork" => StartSource::Fork,
                other => StartSource::Other(other.to_owned()),
            },
            model: fields.get("model").and_then(crate::mode::name),
        },
        "UserPromptSubmit" => HookKind::UserPromptSubmit {
            prompt: text(fields, "prompt").unwrap_or_default(),
            prompt_id: text(fields, "prompt_id"),
            source: text(fields, "source"),
        },
        "UserPromptExpansion" => HookKind::UserPromptExpansion {
            prompt: text(fields, "prompt").unwrap_or_default(),
            command_name: text(fields, "command_name"),
        },
        "PreToolUse" => HookKind::PreToolUse {
            tool_name: text(fields, "tool_name").unwrap_or_default(),
            tool_input: fields.remove("tool_input").unwrap_or_default(),
            tool_use_id: text(fields, "tool_use_id"),
        },
        "PostToolUse" | "PostToolUseFailure" => HookKind::PostToolUse {
            tool_name: text(fields, "tool_name").unwrap_or_default(),
            tool_input: fields.remove("tool_input").unwrap_or_default(),
            tool_use_id: text(fields, "tool_use_id"),
        },
        "PermissionRequest" => HookKind::PermissionRequest {
            tool_name: text(fields, "tool_name").unwrap_or_default(),
            tool_input: fields.remove("tool_input").unwrap_or_default(),
        },
        "Notification" => HookKind::Notification {
            notification_type: text(fields, "notification_type"),
            message: text(fields, "message").unwrap_or_default(),
        },
        "Stop" => HookKind::Stop {
            last_assistant_message: text(fields, "last_assistant_message"),
            failure: None,
        },
        // A subagent's failure does not end the turn.
        "StopFailure" if !fields.contains_key("agent_id") => HookKind::Stop {
            last_assistant_message: text(fields, "last_assistant_message"),
            failure: Some(text(fields, "error").unwrap_or_default()),
        },
        "SubagentStop" | "StopFailure" => HookKind::SubagentStop,
        "PreCompact" => HookKind::PreCompact {
            trigger: text(fields, "trigger"),
            instructions: text(fields, "custom_instructions"),
        },
        "SessionEnd" => HookKind::SessionEnd {
            reason: text(fields, "reason"),
        },
        _ => HookKind::Other(name),
    }
}

/// Takes a text field; a field of another type counts as missing.
fn text(fields: &mut Map<String, Value>, name: &str) -> Option<String> {
    match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

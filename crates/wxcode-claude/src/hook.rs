//! The payloads that Claude Code hands to hooks.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

/// One hook event.
#[derive(Debug, Clone, PartialEq)]
pub struct HookEvent {
    /// The conversation that reports it.
    pub session_id: Uuid,
    /// Where that conversation is written.
    pub transcript_path: Option<PathBuf>,
    /// The working folder of the process.
    pub cwd: Option<PathBuf>,
    /// The subagent that reports it; `None` for the conversation itself.
    pub agent_id: Option<String>,
    /// What happened.
    pub kind: HookKind,
}

/// The tool by which Claude asks the user something.
pub const QUESTION_TOOL: &str = "AskUserQuestion";

/// A question in the input of [`QUESTION_TOOL`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Question {
    /// What is asked.
    pub question: String,
    /// A word or two for it.
    pub header: String,
    /// Whether several options may be taken.
    pub multi_select: bool,
    /// What may be chosen.
    pub options: Vec<QuestionOption>,
}

/// An option of a question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct QuestionOption {
    /// Its name.
    pub label: String,
    /// What it means.
    pub description: String,
}

/// The questions in the input of [`QUESTION_TOOL`]; none where it is not as this version knows it.
#[must_use]
pub fn questions(tool_input: &Value) -> Vec<Question> {
    Vec::deserialize(&tool_input["questions"]).unwrap_or_default()
}

/// What a hook event reports. Fields that a version does not send are empty or `None`.
#[derive(Debug, Clone, PartialEq)]
pub enum HookKind {
    /// A conversation became the current one of the process.
    SessionStart {
        /// Why.
        source: StartSource,
        /// The model it talks to.
        model: Option<String>,
    },
    /// A prompt was submitted.
    UserPromptSubmit {
        /// Its text, see [`crate::prompt::confirms`].
        prompt: String,
        /// Claude Code's id of the turn.
        prompt_id: Option<String>,
    },
    /// A submitted slash command was recognised.
    UserPromptExpansion {
        /// The text as submitted.
        prompt: String,
        /// The command's name without the slash.
        command_name: Option<String>,
    },
    /// A tool is about to run.
    PreToolUse {
        /// The tool.
        tool_name: String,
        /// What it was called with.
        tool_input: Value,
        /// The id of the call.
        tool_use_id: Option<String>,
    },
    /// A tool has run, or failed (`PostToolUseFailure`).
    PostToolUse {
        /// The tool.
        tool_name: String,
        /// What it was called with.
        tool_input: Value,
        /// The id of the call.
        tool_use_id: Option<String>,
    },
    /// A permission is asked for; for the tool `AskUserQuestion`, a question.
    PermissionRequest {
        /// The tool that waits.
        tool_name: String,
        /// What it was called with.
        tool_input: Value,
    },
    /// Claude Code wants the user's attention.
    Notification {
        /// For example `permission_prompt` or `idle_prompt`.
        notification_type: Option<String>,
        /// Text for people.
        message: String,
    },
    /// The turn is over, or was given up after an error of the API (`StopFailure`).
    Stop {
        /// What the agent said last.
        last_assistant_message: Option<String>,
    },
    /// A subagent's turn is over.
    SubagentStop,
    /// The conversation is about to be compacted.
    PreCompact {
        /// `manual` or `auto`.
        trigger: Option<String>,
    },
    /// The conversation is no longer the current one of the process.
    SessionEnd {
        /// For example `clear`, `prompt_input_exit`, `other`.
        reason: Option<String>,
    },
    /// An event that this version does not know, by its name.
    Other(String),
}

/// Why a conversation became the current one.
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
    /// A word that this version does not know.
    Other(String),
}

/// Why bytes are not a hook event.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// Not a JSON object.
    #[error(
        "the hook payload is not a JSON object ({0}): run the hook only from Claude Code's hook settings"
    )]
    NotJson(#[from] serde_json::Error),
    /// Without a field that every event has.
    #[error(
        "the hook payload has no valid `{0}`: check that the installed Claude Code is a supported version"
    )]
    Missing(&'static str),
}

impl HookKind {
    /// The hook's name, of one that is not known `other`.
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

impl HookEvent {
    /// The event's name, as Claude Code writes it; failures go by the name of the event that they end.
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

/// Reads one payload. Unknown fields are passed over; an unknown event is [`HookKind::Other`].
///
/// # Errors
/// When it is not a JSON object, or has no event name or no UUID as `session_id`.
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
                other => StartSource::Other(other.to_owned()),
            },
            model: text(fields, "model"),
        },
        "UserPromptSubmit" => HookKind::UserPromptSubmit {
            prompt: text(fields, "prompt").unwrap_or_default(),
            prompt_id: text(fields, "prompt_id"),
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
        },
        // A subagent's failure is not the end of the turn.
        "StopFailure" if !fields.contains_key("agent_id") => HookKind::Stop {
            last_assistant_message: None,
        },
        "SubagentStop" | "StopFailure" => HookKind::SubagentStop,
        "PreCompact" => HookKind::PreCompact {
            trigger: text(fields, "trigger"),
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

/// Fields that are never cut: the server's decisions rest on them.
const KEPT: [&str; 8] = [
    "session_id",
    "transcript_path",
    "cwd",
    "hook_event_name",
    "prompt",
    "prompt_id",
    "source",
    "agent_id",
];

/// Shortest length in bytes that strings are cut to before they are taken out altogether.
const CUT_MIN: usize = 16;

/// What stands at the end of a string that was cut.
const CUT_MARK: char = '…';

/// A payload that fits into `max` bytes: when it is larger, long strings are cut, evenly and
/// no shorter than need be.
///
/// Ids, paths and the prompt are kept whole, so a payload in which they alone are larger stays larger
/// than `max`. So does one that is not a JSON object, unchanged.
#[must_use]
pub fn compact(payload: Vec<u8>, max: usize) -> Vec<u8> {
    if payload.len() <= max {
        return payload;
    }
    let Ok(fields) = serde_json::from_slice::<Map<String, Value>>(&payload) else {
        return payload;
    };
    let mut limit = max;
    loop {
        let mut fields = fields.clone();
        for (name, value) in &mut fields {
            if !KEPT.contains(&name.as_str()) {
                cut(value, limit);
            }
        }
        let bytes = serde_json::to_vec(&fields).unwrap_or_default();
        if bytes.len() <= max {
            return bytes;
        }
        if limit < CUT_MIN {
            return without_details(fields, max);
        }
        limit /= 2;
    }
}

/// Cuts every string in `value` to at most `limit` bytes and the mark.
fn cut(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) if text.len() > limit => {
            text.truncate(text.floor_char_boundary(limit));
            text.push(CUT_MARK);
        }
        Value::Array(values) => values.iter_mut().for_each(|value| cut(value, limit)),
        Value::Object(fields) => fields.values_mut().for_each(|value| cut(value, limit)),
        _ => {}
    }
}

/// What is left when cutting strings is not enough: the kept fields and plain ones, else the kept ones alone.
fn without_details(mut fields: Map<String, Value>, max: usize) -> Vec<u8> {
    fields.retain(|name, value| {
        KEPT.contains(&name.as_str()) || !(value.is_array() || value.is_object())
    });
    let bytes = serde_json::to_vec(&fields).unwrap_or_default();
    if bytes.len() <= max {
        return bytes;
    }
    fields.retain(|name, _| KEPT.contains(&name.as_str()));
    serde_json::to_vec(&fields).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "11111111-1111-4111-8111-111111111111";

    fn payload(mut fields: Value) -> Vec<u8> {
        fields["session_id"] = ID.into();
        fields["transcript_path"] = "/t.jsonl".into();
        fields["cwd"] = "/w".into();
        fields.to_string().into_bytes()
    }

    fn kind(fields: Value) -> HookKind {
        parse(&payload(fields)).unwrap().kind
    }

    #[test]
    fn reads_the_events_of_the_real_cli() {
        let event = parse(&payload(
            json!({ "hook_event_name": "SessionStart", "source": "startup", "model": "m" }),
        ))
        .unwrap();
        assert_eq!(event.session_id.to_string(), ID);
        assert_eq!(event.transcript_path, Some("/t.jsonl".into()));
        assert_eq!(event.cwd, Some("/w".into()));
        assert_eq!(
            event.kind,
            HookKind::SessionStart {
                source: StartSource::Startup,
                model: Some("m".into())
            }
        );
        assert_eq!(event.name(), "SessionStart");
        let cases = [
            (
                json!({ "hook_event_name": "UserPromptSubmit", "prompt": "hi", "prompt_id": "p", "permission_mode": "auto" }),
                HookKind::UserPromptSubmit {
                    prompt: "hi".into(),
                    prompt_id: Some("p".into()),
                },
            ),
            (
                json!({ "hook_event_name": "UserPromptExpansion", "expansion_type": "slash_command",
                        "command_name": "gsd:new-project", "command_args": "a", "prompt": "/gsd:new-project a" }),
                HookKind::UserPromptExpansion {
                    prompt: "/gsd:new-project a".into(),
                    command_name: Some("gsd:new-project".into()),
                },
            ),
            (
                json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": "ls" },
                        "tool_use_id": "t" }),
                HookKind::PreToolUse {
                    tool_name: "Bash".into(),
                    tool_input: json!({ "command": "ls" }),
                    tool_use_id: Some("t".into()),
                },
            ),
            (
                json!({ "hook_event_name": "PermissionRequest", "tool_name": "AskUserQuestion", "tool_input": { "questions": [] } }),
                HookKind::PermissionRequest {
                    tool_name: "AskUserQuestion".into(),
                    tool_input: json!({ "questions": [] }),
                },
            ),
            (
                json!({ "hook_event_name": "Notification", "notification_type": "permission_prompt", "message": "m" }),
                HookKind::Notification {
                    notification_type: Some("permission_prompt".into()),
                    message: "m".into(),
                },
            ),
            (
                json!({ "hook_event_name": "Stop", "stop_hook_active": false, "last_assistant_message": "done" }),
                HookKind::Stop {
                    last_assistant_message: Some("done".into()),
                },
            ),
            (
                json!({ "hook_event_name": "SubagentStop" }),
                HookKind::SubagentStop,
            ),
            (
                json!({ "hook_event_name": "PreCompact", "trigger": "manual" }),
                HookKind::PreCompact {
                    trigger: Some("manual".into()),
                },
            ),
            (
                json!({ "hook_event_name": "SessionEnd", "reason": "clear" }),
                HookKind::SessionEnd {
                    reason: Some("clear".into()),
                },
            ),
        ];
        for (fields, expected) in cases {
            assert_eq!(kind(fields.clone()), expected, "{fields}");
        }
    }

    #[test]
    fn failures_end_what_they_belong_to() {
        assert_eq!(
            kind(json!({ "hook_event_name": "StopFailure", "error": "server_error" })),
            HookKind::Stop {
                last_assistant_message: None
            }
        );
        assert_eq!(
            kind(json!({ "hook_event_name": "StopFailure", "error": "unknown", "agent_id": "a1" })),
            HookKind::SubagentStop
        );
        assert_eq!(
            kind(
                json!({ "hook_event_name": "PostToolUseFailure", "tool_name": "Bash", "tool_input": {}, "error": "Exit code 1" })
            ),
            HookKind::PostToolUse {
                tool_name: "Bash".into(),
                tool_input: json!({}),
                tool_use_id: None
            }
        );
    }

    #[test]
    fn what_a_later_version_adds_or_leaves_out_is_borne() {
        assert_eq!(
            kind(json!({ "hook_event_name": "Novelty", "x": [1] })),
            HookKind::Other("Novelty".into())
        );
        assert_eq!(
            kind(json!({ "hook_event_name": "SessionStart", "source": "fork", "model": 7 })),
            HookKind::SessionStart {
                source: StartSource::Other("fork".into()),
                model: None
            }
        );
        assert_eq!(
            kind(json!({ "hook_event_name": "Stop" })),
            HookKind::Stop {
                last_assistant_message: None
            }
        );
    }

    #[test]
    fn what_is_no_event_is_refused_with_a_reason() {
        for bytes in [&b""[..], b"[]", b"{", b"\xff"] {
            assert!(
                matches!(parse(bytes), Err(HookError::NotJson(_))),
                "{bytes:?}"
            );
        }
        let missing = |value: Value| match parse(value.to_string().as_bytes()) {
            Err(HookError::Missing(field)) => field,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing(json!({ "hook_event_name": "Stop" })), "session_id");
        assert_eq!(
            missing(json!({ "session_id": "-rf", "hook_event_name": "Stop" })),
            "session_id"
        );
        assert_eq!(missing(json!({ "session_id": ID })), "hook_event_name");
    }

    #[test]
    fn a_large_payload_is_cut_but_for_what_decisions_rest_on() {
        let prompt = "p".repeat(2_000);
        let large = payload(json!({
            "hook_event_name": "PostToolUse", "prompt": prompt, "tool_name": "Bash",
            "tool_input": { "command": "ls", "nested": ["é".repeat(50_000)] },
            "tool_response": { "stdout": "x".repeat(50_000) },
        }));
        let small = compact(large, 8_000);
        assert!(
            small.len() <= 8_000 && small.len() > 4_000,
            "{}",
            small.len()
        );
        let fields: Value = serde_json::from_slice(&small).unwrap();
        assert_eq!(fields["prompt"], json!(prompt));
        assert_eq!(fields["session_id"], ID);
        assert_eq!(fields["tool_input"]["command"], "ls");
        assert!(
            fields["tool_response"]["stdout"]
                .as_str()
                .unwrap()
                .ends_with(CUT_MARK)
        );
    }

    #[test]
    fn what_fits_or_is_no_object_stays_as_it_is() {
        let exact = payload(json!({ "hook_event_name": "Stop" }));
        assert_eq!(compact(exact.clone(), exact.len()), exact);
        assert_eq!(compact(b"not json".to_vec(), 3), b"not json");
        let many = payload(json!({ "hook_event_name": "Stop", "tool_input": vec![1; 5_000] }));
        let small = compact(many, 1_000);
        assert!(small.len() <= 1_000);
        assert_eq!(parse(&small).unwrap().name(), "Stop");
    }

    #[test]
    fn a_payload_of_many_plain_fields_is_cut_to_what_is_kept() {
        let mut fields = json!({ "hook_event_name": "StopFailure", "agent_id": "a1" });
        for n in 0..100 {
            fields[format!("n{n}")] = n.into();
        }
        let small = compact(payload(fields), 400);
        assert!(small.len() <= 400, "{}", small.len());
        assert_eq!(parse(&small).unwrap().kind, HookKind::SubagentStop);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_was_cut_is_the_same_event(text in ".{0,400}", prompt in ".{0,50}", max in 400_usize..1_000) {
            let whole = payload(json!({ "hook_event_name": "UserPromptSubmit", "prompt": prompt, "extra": [text] }));
            let small = compact(whole.clone(), max);
            prop_assert_eq!(parse(&small).unwrap(), parse(&whole).unwrap());
        }
    }
}

//! Turns hooks of a session's agent into evidence and events, each published once.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Notify;
use wxcode_claude::hook::{self, HookEvent, HookKind, QUESTION_TOOL, StartSource};
use wxcode_core::{
    agent::{Agent, Evidence},
    ask::{self, Request},
    event::{self, Asked, Kind, Reached, Report, ToolCall},
    id::Id,
    text::shortened,
};

use crate::{agent::session::Session, event::Feed};

/// Longest published command, pattern or description, in characters.
pub(in crate::agent) const SHORT_MAX: usize = 300;
/// Longest text in the input of a tool waiting for permission, in characters.
pub(in crate::agent) const INPUT_MAX: usize = 4_000;
/// Longest published path, in characters; the system's own bound.
pub(in crate::agent) const PATH_MAX: usize = 4_096;

/// Publishes a session's hooks, from where an earlier server stopped.
pub(in crate::agent) struct Reporter {
    session: Id,
    feed: Arc<Feed>,
    /// The last hook published by an earlier server.
    reached: Reached,
    /// Wakes the reader of the planning files.
    planning: Arc<Notify>,
}

impl Reporter {
    pub(in crate::agent) fn new(session: &Session, planning: Arc<Notify>) -> Self {
        Self {
            session: session.id,
            feed: Arc::clone(&session.feed),
            reached: session.feed.reached(session.id),
            planning,
        }
    }

    /// Publishes a hook's own event.
    pub(in crate::agent) fn hook(&self, seq: u64, hook: &HookEvent) {
        if seq <= self.reached.report {
            return;
        }
        self.feed.metrics().hook(hook.kind.name());
        if let Some(kind) = event_of(self.session, seq, hook) {
            self.feed.publish(kind);
        }
        if matches!(
            hook.kind,
            HookKind::PostToolUse { .. } | HookKind::Stop { .. }
        ) {
            self.planning.notify_one();
        }
    }

    /// Publishes the agent's state. `hook` is the hook behind the state, if any; `next` is the next
    /// hook to read, and `live_from` the next hook at this server's start.
    ///
    /// States from hooks read again are already published. The screen counts only after all hooks:
    /// until then the screen is newer than the hooks.
    pub(in crate::agent) fn state(
        &self,
        agent: &Agent,
        claude_version: Option<String>,
        hook: Option<u64>,
        next: u64,
        live_from: Option<u64>,
    ) {
        let is_news = match hook {
            Some(seq) => seq > self.reached.state,
            // Hooks are numbered from 1.
            None => live_from.is_some_and(|from| next.max(1) >= from),
        };
        if is_news {
            self.feed.publish(Kind::AgentState {
                session_id: self.session,
                state: agent.state(),
                dialog: agent.dialog().map(str::to_owned),
                claude_version,
                ask: agent.ask().map(Asked::from),
                hook: next.saturating_sub(1),
            });
        }
    }
}

/// The evidence in a session's hook with this number.
pub(in crate::agent) fn evidence(hook: u64, event: &HookEvent) -> Option<Evidence> {
    let by = event.agent_id.clone();
    match &event.kind {
        HookKind::SessionStart {
            source: StartSource::Compact,
            ..
        } => Some(Evidence::Compacted),
        HookKind::SessionStart { .. } => Some(Evidence::SessionStarted),
        HookKind::UserPromptSubmit { .. } => Some(Evidence::PromptSubmitted),
        // A subagent may work between turns.
        HookKind::PreToolUse { .. } => by.is_none().then_some(Evidence::TurnGoesOn),
        HookKind::PreCompact { .. } => by.is_none().then_some(Evidence::Compacting),
        HookKind::PostToolUse {
            tool_name,
            tool_input,
            ..
        } => Some(Evidence::ToolOver {
            by,
            tool_name: tool_name.clone(),
            tool_input: cut(tool_input),
        }),
        HookKind::PermissionRequest {
            tool_name,
            tool_input,
        } => Some(Evidence::Requested(Request {
            hook,
            by,
            tool_name: tool_name.clone(),
            tool_input: cut(tool_input),
            questions: if tool_name == QUESTION_TOOL {
                questions(tool_input)
            } else {
                Vec::new()
            },
        })),
        HookKind::Stop { .. } if by.is_none() => Some(Evidence::TurnEnded),
        HookKind::Stop { .. } | HookKind::SubagentStop => {
            by.map(|by| Evidence::SubagentEnded { by })
        }
        // Sent a minute after the last turn.
        HookKind::Notification {
            notification_type: Some(kind),
            ..
        } if kind == "idle_prompt" => Some(Evidence::PromptIdle),
        HookKind::UserPromptExpansion { .. }
        | HookKind::Notification { .. }
        | HookKind::SessionEnd { .. }
        | HookKind::Other(_) => None,
    }
}

/// A tool's input with long texts cut.
fn cut(input: &Value) -> Value {
    match input {
        Value::String(text) => shortened(text, INPUT_MAX).into(),
        Value::Array(values) => values.iter().map(cut).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), cut(value)))
            .collect(),
        plain => plain.clone(),
    }
}

/// The questions of a dialog; a question of unknown form still counts.
fn questions(tool_input: &Value) -> Vec<ask::Question> {
    let option = |option: hook::QuestionOption| ask::QuestionOption {
        label: option.label,
        description: option.description,
    };
    let question = |question: hook::Question| ask::Question {
        question: question.question,
        header: question.header,
        multi_select: question.multi_select,
        options: question.options.into_iter().map(option).collect(),
    };
    let asked: Vec<ask::Question> = hook::questions(tool_input)
        .into_iter()
        .map(question)
        .collect();
    if asked.is_empty() {
        vec![ask::Question::default()]
    } else {
        asked
    }
}

/// The event of a session's hook with this number, if the hook has an event of its own.
fn event_of(session_id: Id, hook: u64, event: &HookEvent) -> Option<Kind> {
    let by = Report {
        session_id,
        claude_session_id: event.session_id,
        hook,
    };
    Some(match &event.kind {
        HookKind::UserPromptSubmit { prompt, .. } => Kind::PromptSubmitted {
            by,
            prompt: prompt.clone(),
        },
        HookKind::PreToolUse {
            tool_name,
            tool_input,
            tool_use_id,
        } => Kind::ToolStarted {
            by: event::Reporter::Session(by),
            call: call(tool_name, tool_input, tool_use_id.as_ref()),
        },
        HookKind::PostToolUse {
            tool_name,
            tool_input,
            tool_use_id,
        } => Kind::ToolFinished {
            by: event::Reporter::Session(by),
            call: call(tool_name, tool_input, tool_use_id.as_ref()),
        },
        HookKind::PermissionRequest {
            tool_name,
            tool_input,
        } if tool_name == QUESTION_TOOL => Kind::QuestionAsked {
            by,
            questions: tool_input.get("questions").cloned().unwrap_or(Value::Null),
        },
        HookKind::PermissionRequest {
            tool_name,
            tool_input,
        } => Kind::PermissionRequested {
            by,
            tool_name: tool_name.clone(),
            tool_input: tool_input.clone(),
        },
        _ => return None,
    })
}

fn call(name: &str, input: &Value, id: Option<&String>) -> ToolCall {
    let text = |keys: &[&str], max: usize| {
        let found = keys.iter().find_map(|key| input.get(key)?.as_str());
        found.map(|text| shortened(text, max))
    };
    ToolCall {
        tool_name: name.to_owned(),
        tool_use_id: id.cloned(),
        file_path: text(&["file_path", "notebook_path"], PATH_MAX),
        command: text(&["command"], SHORT_MAX),
        pattern: text(&["pattern"], SHORT_MAX),
        description: text(&["description"], SHORT_MAX),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn of(kind: HookKind) -> Option<Value> {
        let hook = HookEvent {
            session_id: Uuid::nil(),
            transcript_path: None,
            cwd: None,
            agent_id: None,
            permission_mode: None,
            prompt_id: None,
            kind,
        };
        event_of(Id::from_bytes([1; 12]), 4, &hook).map(|kind| serde_json::to_value(kind).unwrap())
    }

    fn using(tool_name: &str, tool_input: Value) -> Value {
        of(HookKind::PreToolUse {
            tool_name: tool_name.into(),
            tool_input,
            tool_use_id: Some("t1".into()),
        })
        .unwrap()
    }

    #[test]
    fn tool_event_names_file_or_command() {
        let told = using(
            "Write",
            json!({ "file_path": "/w/a.rs", "content": "secret" }),
        );
        assert_eq!(
            (&told["type"], &told["file_path"], &told["hook"]),
            (&json!("tool.started"), &json!("/w/a.rs"), &json!(4))
        );
        assert!(!told.to_string().contains("secret"));
        let told = using("Bash", json!({ "command": "é".repeat(1_000) }));
        assert_eq!(
            told["command"].as_str().unwrap().chars().count(),
            SHORT_MAX + 1
        );
        assert_eq!(using("New", json!("odd"))["tool_name"], "New");
        let notebook = using("NotebookEdit", json!({ "notebook_path": "/w/n.ipynb" }));
        assert_eq!(notebook["file_path"], "/w/n.ipynb");
    }

    #[test]
    fn question_is_not_a_permission_request() {
        let asked = |tool: &str| {
            of(HookKind::PermissionRequest {
                tool_name: tool.into(),
                tool_input: json!({ "questions": [{ "question": "Which?" }] }),
            })
            .unwrap()
        };
        assert_eq!(asked(QUESTION_TOOL)["type"], "question.asked");
        assert_eq!(asked(QUESTION_TOOL)["questions"][0]["question"], "Which?");
        assert_eq!(asked("Bash")["type"], "permission.requested");
        assert_eq!(of(HookKind::SubagentStop), None);
    }
}

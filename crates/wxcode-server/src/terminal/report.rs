//! The agent's hooks as event messages for the first implementation's clients.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use wxcode_claude::hook::{HookEvent, HookKind};

/// Longest command in a `bash` message, in characters.
const COMMAND_MAX: usize = 100;
/// Longest text of an `assistant_text` message, in characters; a text below [`TEXT_MIN`] is not
/// sent.
const TEXT_MAX: usize = 3000;
const TEXT_MIN: usize = 10;

/// The messages for a hook event.
pub(super) fn messages(event: &HookEvent) -> Vec<Value> {
    match &event.kind {
        HookKind::PreToolUse {
            tool_name,
            tool_input,
            tool_use_id,
        } => {
            let id = tool_use_id.as_deref().unwrap_or_default();
            tool(tool_name, tool_input, id)
                .into_iter()
                .map(stamped)
                .collect()
        }
        HookKind::Stop {
            last_assistant_message: Some(text),
            failure: None,
        } if text.chars().count() >= TEXT_MIN => {
            let text: String = text.chars().take(TEXT_MAX).collect();
            vec![stamped(json!({ "type": "assistant_text", "text": text }))]
        }
        _ => Vec::new(),
    }
}

fn stamped(mut message: Value) -> Value {
    message["timestamp"] = Value::String(Timestamp::now().to_string());
    message
}

fn tool(name: &str, input: &Value, id: &str) -> Option<Value> {
    let text = |key: &str| input.get(key).and_then(Value::as_str).unwrap_or_default();
    let file = |kind: &str| {
        let path = text("file_path");
        let name = Path::new(path)
            .file_name()
            .map(|name| name.to_string_lossy());
        json!({ "type": kind, "tool_use_id": id, "file_path": path, "file_name": name.unwrap_or_default() })
    };
    Some(match name {
        "AskUserQuestion" => {
            json!({ "type": "ask_user_question", "tool_use_id": id, "questions": questions(input) })
        }
        "TaskCreate" => json!({
            "type": "task_create", "tool_use_id": id, "subject": text("subject"),
            "description": text("description"), "active_form": text("activeForm"),
        }),
        "TaskUpdate" => json!({
            "type": "task_update", "tool_use_id": id, "task_id": text("taskId"),
            "status": text("status"), "subject": text("subject"),
        }),
        "Write" => file("file_write"),
        "Edit" | "MultiEdit" | "NotebookEdit" => file("file_edit"),
        "Read" => file("file_read"),
        "Bash" => json!({
            "type": "bash", "tool_use_id": id, "command": shortened(text("command")), "description": text("description"),
        }),
        "Task" | "Agent" => json!({
            "type": "task_spawn", "tool_use_id": id, "description": text("description"), "subagent_type": text("subagent_type"),
        }),
        "Glob" => json!({ "type": "glob", "tool_use_id": id, "pattern": text("pattern") }),
        "Grep" => json!({ "type": "grep", "tool_use_id": id, "pattern": text("pattern") }),
        _ => return None,
    })
}

fn questions(input: &Value) -> Vec<Value> {
    let questions = input
        .get("questions")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let options = |question: &Value| -> Vec<Value> {
        let options = question
            .get("options")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        options
            .iter()
            .map(|option| json!({ "label": option["label"], "description": option["description"] }))
            .collect()
    };
    questions
        .iter()
        .map(|question| {
            json!({
                "question": question["question"], "header": question["header"], "options": options(question),
                "multiSelect": question["multiSelect"].as_bool().unwrap_or(false),
            })
        })
        .collect()
}

fn shortened(command: &str) -> String {
    let mut short: String = command.chars().take(COMMAND_MAX).collect();
    if short.len() < command.len() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn of(tool_name: &str, tool_input: Value) -> Vec<Value> {
        let kind = HookKind::PreToolUse {
            tool_name: tool_name.into(),
            tool_input,
            tool_use_id: Some("t1".into()),
        };
        let mut messages = messages(&HookEvent {
            session_id: Uuid::nil(),
            transcript_path: None,
            cwd: None,
            agent_id: None,
            permission_mode: None,
            prompt_id: None,
            kind,
        });
        for message in &mut messages {
            assert!(
                message
                    .as_object_mut()
                    .unwrap()
                    .remove("timestamp")
                    .unwrap()
                    .is_string()
            );
        }
        messages
    }

    #[test]
    fn tools_become_messages() {
        assert_eq!(
            of(
                "Write",
                json!({ "file_path": "/w/src/a.rs", "content": "…" })
            ),
            [
                json!({ "type": "file_write", "tool_use_id": "t1", "file_path": "/w/src/a.rs", "file_name": "a.rs" })
            ]
        );
        let long = "é".repeat(200);
        let [bash] = &of("Bash", json!({ "command": long }))[..] else {
            panic!()
        };
        assert_eq!(
            bash["command"].as_str().unwrap().chars().count(),
            COMMAND_MAX + 3
        );
        assert!(of("SomethingNew", json!({})).is_empty());
    }

    #[test]
    fn a_question_keeps_its_nulls() {
        let input =
            json!({ "questions": [{ "question": "Which?", "options": [{ "label": "A" }] }] });
        assert_eq!(
            of("AskUserQuestion", input),
            [json!({
                "type": "ask_user_question", "tool_use_id": "t1",
                "questions": [{ "question": "Which?", "header": null, "options": [{ "label": "A", "description": null }], "multiSelect": false }],
            })]
        );
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

pub(super) const ID: &str = "11111111-1111-4111-8111-111111111111";

pub(super) fn payload(mut fields: Value) -> Vec<u8> {
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
            json!({ "hook_event_name": "UserPromptSubmit", "prompt": "hi", "prompt_id": "p", "source": "user" }),
            HookKind::UserPromptSubmit {
                prompt: "hi".into(),
                prompt_id: Some("p".into()),
                source: Some("user".into()),
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
                failure: None,
            },
        ),
        (
            json!({ "hook_event_name": "SubagentStop" }),
            HookKind::SubagentStop,
        ),
        (
            json!({
                "hook_event_name": "PreCompact", "trigger": "manual", "custom_instructions": "the API",
            }),
            HookKind::PreCompact {
                trigger: Some("manual".into()),
                instructions: Some("the API".into()),
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
fn failures_end_their_tool_or_turn() {
    assert_eq!(
        kind(json!({ "hook_event_name": "StopFailure", "error": "server_error" })),
        HookKind::Stop {
            last_assistant_message: None,
            failure: Some("server_error".into()),
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
fn unknown_and_missing_fields_are_tolerated() {
    assert_eq!(
        kind(json!({ "hook_event_name": "Novelty", "x": [1] })),
        HookKind::Other("Novelty".into())
    );
    assert_eq!(
        kind(json!({ "hook_event_name": "SessionStart", "source": "fork", "model": 7 })),
        HookKind::SessionStart {
            source: StartSource::Fork,
            model: None
        }
    );
    assert_eq!(
        kind(json!({ "hook_event_name": "Stop" })),
        HookKind::Stop {
            last_assistant_message: None,
            failure: None,
        }
    );
}

#[test]
fn invalid_payloads_are_refused_with_reasons() {
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

proptest! {
    #[test]
    fn any_bytes_are_an_event_or_an_error(bytes: Vec<u8>) {
        let _ = parse(&bytes);
    }
}

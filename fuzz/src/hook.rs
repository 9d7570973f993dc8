//! Hook payloads: an event or an error by their JSON, and an equal event after cutting.

use std::mem::discriminant;

use serde_json::{Map, Value};
use uuid::Uuid;
use wxcode_claude::hook::{HookError, HookEvent, HookKind, parse};
use wxcode_holder::hook::compact;

use crate::input::Input;

/// Fields that are never cut.
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

/// Runs one input: the size to cut to, and a payload.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let max = usize::from(input.u16());
    let payload = input.rest();
    let fields = serde_json::from_slice::<Map<String, Value>>(payload).ok();
    let event = parse(payload);
    check(&event, fields.as_ref());

    let small = compact(payload.to_vec(), max);
    let Some(fields) = fields.filter(|_| payload.len() > max) else {
        assert_eq!(small, payload);
        return;
    };
    let left: Map<String, Value> = serde_json::from_slice(&small).unwrap();
    check_cut(&fields, &left);
    let mut kept = fields;
    kept.retain(|name, _| KEPT.contains(&name.as_str()));
    let least = serde_json::to_vec(&kept).unwrap().len();
    assert!(
        small.len() <= max.max(least),
        "{} bytes, where {max} are allowed and {least} are kept",
        small.len()
    );
    let again = parse(&small);
    match (event, again) {
        (Ok(event), Ok(again)) => check_same(&event, &again),
        (Err(_), Err(_)) => {}
        (event, again) => panic!("{event:?} became {again:?}"),
    }
}

/// An event equals its fields.
fn check(event: &Result<HookEvent, HookError>, fields: Option<&Map<String, Value>>) {
    let Some(fields) = fields else {
        assert!(matches!(event, Err(HookError::NotJson(_))), "{event:?}");
        return;
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let id = text("session_id")
        .filter(|id| id.len() == 36)
        .and_then(|id| Uuid::try_parse(id).ok());
    match (event, id, text("hook_event_name")) {
        (Err(HookError::Missing("session_id")), None, _)
        | (Err(HookError::Missing("hook_event_name")), Some(_), None) => {}
        (Ok(event), Some(id), Some(name)) => {
            assert_eq!(event.session_id, id);
            assert_eq!(
                event.cwd.as_deref().map(|path| path.to_str().unwrap()),
                text("cwd")
            );
            let fails = matches!(name, "StopFailure" | "PostToolUseFailure");
            assert!(event.name() == name || fails, "{name}: {event:?}");
            if let HookKind::UserPromptSubmit { prompt, .. } = &event.kind {
                assert_eq!(prompt, text("prompt").unwrap_or_default());
            }
        }
        (event, id, name) => panic!("{event:?} of {id:?} and {name:?}"),
    }
}

/// Cutting adds nothing, and keeps the needed fields.
fn check_cut(whole: &Map<String, Value>, left: &Map<String, Value>) {
    for name in left.keys() {
        assert!(whole.contains_key(name), "{name} is made up");
    }
    for name in KEPT {
        // Compares as text: a number may come back as its neighbour.
        let text = |fields: &Map<String, Value>| fields.get(name)?.as_str().map(str::to_owned);
        assert_eq!(text(whole), text(left), "{name}");
    }
}

/// Equal events, except for fields that may be cut.
fn check_same(event: &HookEvent, again: &HookEvent) {
    assert_eq!(event.name(), again.name());
    assert_eq!(event.session_id, again.session_id);
    assert_eq!(event.transcript_path, again.transcript_path);
    assert_eq!(event.cwd, again.cwd);
    assert_eq!(discriminant(&event.kind), discriminant(&again.kind));
    if let HookKind::UserPromptSubmit { .. } = event.kind {
        assert_eq!(event.kind, again.kind);
    }
}

//! A payload cut to a size, except for the fields behind decisions.

use serde_json::{Map, Value};

/// Fields that are never cut: the server decides by these fields.
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

/// Shortest length of a cut string, in bytes; at a still smaller budget the string is taken out
/// altogether.
const CUT_MIN: usize = 16;

/// The mark at the end of a cut string.
const CUT_MARK: char = '…';

/// A payload that fits into `max` bytes: in a larger payload long strings are cut, evenly and no
/// shorter than necessary.
///
/// Ids, paths and the prompt are kept whole. A payload whose ids, paths and prompt alone exceed
/// `max` stays larger than `max`. A payload other than a JSON object stays unchanged.
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

/// The rest when cutting strings is not enough: the kept fields and the plain fields, or else the
/// kept fields alone.
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
    use wxcode_claude::hook::{HookKind, parse};

    const ID: &str = "0c5ef8ab-9d4e-4f4c-8a3b-2b1f0c9e7d66";

    fn payload(mut fields: Value) -> Vec<u8> {
        fields["session_id"] = ID.into();
        fields["transcript_path"] = "/t.jsonl".into();
        fields["cwd"] = "/w".into();
        fields.to_string().into_bytes()
    }

    #[test]
    fn large_payloads_keep_the_needed_fields() {
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
    fn small_payloads_stay_unchanged() {
        let exact = payload(json!({ "hook_event_name": "Stop" }));
        assert_eq!(compact(exact.clone(), exact.len()), exact);
        assert_eq!(compact(b"not json".to_vec(), 3), b"not json");
        let many = payload(json!({ "hook_event_name": "Stop", "tool_input": vec![1; 5_000] }));
        let small = compact(many, 1_000);
        assert!(small.len() <= 1_000);
        assert_eq!(parse(&small).unwrap().name(), "Stop");
    }

    #[test]
    fn many_plain_fields_are_dropped() {
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
        fn cut_payloads_are_equal_events(text in ".{0,400}", prompt in ".{0,50}", max in 400_usize..1_000) {
            let whole = payload(json!({ "hook_event_name": "UserPromptSubmit", "prompt": prompt, "extra": [text] }));
            let small = compact(whole.clone(), max);
            prop_assert_eq!(parse(&small).unwrap(), parse(&whole).unwrap());
        }
    }
}

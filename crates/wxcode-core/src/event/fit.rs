//! Cuts an event to the size limit of the log.

use serde_json::{Map, Value};

use super::Event;
use crate::text::{CUT_MARK, shortened};

/// Largest event as JSON, in bytes.
pub const EVENT_MAX: usize = 16 << 10; // 16 KiB

/// Longest text of the first attempt, in characters; each attempt halves it.
const TEXT_MAX: usize = 4096;
/// Texts up to this length are never cut: ids, names and states are shorter.
const TEXT_MIN: usize = 64;
/// The depth to which a tool's input is kept.
const DEPTH_MAX: usize = 16;

impl Event {
    /// The event as JSON of at most [`EVENT_MAX`] bytes, without line ends. Longer fields are cut,
    /// with `cut: true`; names, ids and states are never cut.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(self) else {
            // Every event is an object with names for keys.
            return String::new();
        };
        let mut text = Value::Object(fields.clone()).to_string();
        let mut max = TEXT_MAX;
        while text.len() > EVENT_MAX && max > 0 {
            fields.insert("cut".to_owned(), Value::Bool(true));
            let mut smaller = fields.clone();
            for value in smaller.values_mut() {
                cut(value, max, 0);
            }
            text = Value::Object(smaller).to_string();
            max /= 2;
        }
        text
    }
}

/// Cuts texts to `max` characters, lists and objects to `max` / 16 entries.
fn cut(value: &mut Value, max: usize, depth: usize) {
    match value {
        Value::String(text) if text.len() > TEXT_MIN => {
            *text = shortened(text, max.max(TEXT_MIN - CUT_MARK.len()));
        }
        Value::Array(_) | Value::Object(_) if depth >= DEPTH_MAX => *value = Value::Null,
        Value::Array(items) => {
            items.truncate(max / 16);
            items.iter_mut().for_each(|item| cut(item, max, depth + 1));
        }
        Value::Object(fields) => {
            let kept: Map<String, Value> = std::mem::take(fields)
                .into_iter()
                .take(max / 16)
                .map(|(name, mut value)| {
                    cut(&mut value, max, depth + 1);
                    (shortened(&name, TEXT_MIN), value)
                })
                .collect();
            *fields = kept;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        event::{Kind, Report},
        id::Id,
    };

    fn asking(tool_input: Value) -> Event {
        let by = Report {
            session_id: Id::from_bytes([7; 12]),
            claude_session_id: Uuid::from_u128(1),
            hook: 3,
        };
        let kind = Kind::PermissionRequested {
            by,
            tool_name: "Bash".into(),
            tool_input,
        };
        Event {
            seq: 9,
            at: Timestamp::UNIX_EPOCH,
            kind,
            cut: false,
        }
    }

    #[test]
    fn a_fitting_event_round_trips() {
        let event = asking(json!({ "command": "echo \"hi\"\nls" }));
        let text = event.to_json();
        assert!(!text.contains('\n') && !text.contains("cut"), "{text}");
        let fields: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fields["type"], "permission.requested");
        assert_eq!(fields["session_id"], "070707070707070707070707");
        assert_eq!(fields["at"], "1970-01-01T00:00:00Z");
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }

    #[test]
    fn a_large_event_is_cut_and_marked() {
        let text = asking(json!({ "command": "é".repeat(50_000), "n": [1, 2] })).to_json();
        assert!(
            text.len() <= EVENT_MAX && text.len() > 4_000,
            "{}",
            text.len()
        );
        let event: Event = serde_json::from_str(&text).unwrap();
        assert!(event.cut);
        let Kind::PermissionRequested { by, tool_input, .. } = event.kind else {
            panic!()
        };
        assert_eq!(by.hook, 3);
        assert_eq!(tool_input["n"], json!([1, 2]));
        assert!(tool_input["command"].as_str().unwrap().ends_with(CUT_MARK));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            ".{0,300}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 2_000, 60, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..60).prop_map(Value::from),
                prop::collection::btree_map(".{0,80}", inner, 0..60).prop_map(Value::from_iter),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_tool_input_fits_and_round_trips(input in any_json()) {
            let event = asking(input);
            let text = event.to_json();
            prop_assert!(text.len() <= EVENT_MAX);
            let read: Event = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.kind.report(), event.kind.report());
            prop_assert!(read.cut || read == event);
        }
    }
}

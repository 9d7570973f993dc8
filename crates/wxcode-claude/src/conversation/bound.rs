//! Bounds the texts of a turn.

use serde_json::Value;

/// Longest text of a block, in bytes. A longer one is cut.
pub const TEXT_MAX: usize = 64 << 10; // 64 KiB
/// Most bytes of the texts of a turn. Blocks beyond that are left out.
pub const TURN_MAX: usize = 1 << 20; // 1 MiB
/// Longest text within a tool's large input, in bytes.
const FIELD_MAX: usize = 4 << 10; // 4 KiB
/// Most members of an array or object within a tool's large input.
const MEMBERS_MAX: usize = 64;
/// Deepest level of a tool's large input.
const DEPTH_MAX: usize = 4;

/// The text, cut between characters, and whether it was cut.
pub(super) fn text(mut text: String) -> (String, bool) {
    let is_cut = text.len() > TEXT_MAX;
    if is_cut {
        text.truncate(floor(&text, TEXT_MAX));
    }
    (text, is_cut)
}

/// The largest boundary between characters up to `at`.
pub(super) fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A tool's input within the bounds, and whether texts of it were cut.
pub(super) fn input(value: Value) -> (Value, bool) {
    match size(&value) <= TEXT_MAX {
        true => (value, false),
        false => {
            let small = cut(value, DEPTH_MAX);
            match size(&small) <= TEXT_MAX {
                true => (small, true),
                false => (Value::Null, true),
            }
        }
    }
}

fn cut(value: Value, depth: usize) -> Value {
    match value {
        Value::String(mut text) => {
            text.truncate(floor(&text, FIELD_MAX));
            text.into()
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::Null,
        Value::Array(members) => {
            let members = members.into_iter().take(MEMBERS_MAX);
            members.map(|member| cut(member, depth - 1)).collect()
        }
        Value::Object(members) => {
            let members = members.into_iter().take(MEMBERS_MAX);
            members
                .map(|(name, member)| (name, cut(member, depth - 1)))
                .collect()
        }
        other => other,
    }
}

/// The approximate size of a value in bytes.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(members) => members.iter().map(|member| size(member) + 1).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| name.len() + size(member) + 4)
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        let (cut, is_cut) = text("é".repeat(TEXT_MAX));
        assert!(is_cut && cut.len() <= TEXT_MAX);
        assert_eq!(text("short".to_owned()), ("short".to_owned(), false));
    }

    #[test]
    fn a_large_input_keeps_its_names() {
        let large = json!({ "file_path": "/a", "content": "x".repeat(TEXT_MAX * 2) });
        let (small, is_cut) = input(large);
        assert!(is_cut && size(&small) <= TEXT_MAX);
        assert_eq!(small["file_path"], "/a");
        assert_eq!(small["content"].as_str().unwrap().len(), FIELD_MAX);
        let wide = Value::from(vec![json!({ "x": "y".repeat(FIELD_MAX) }); 10_000]);
        assert!(size(&input(wide).0) <= TEXT_MAX);
    }
}

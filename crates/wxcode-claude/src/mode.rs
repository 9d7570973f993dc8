//! The permission mode and the model in effect: from the status line of the screen and from the end
//! of a transcript, for the times in which no hook reports them.
//!
//! Modes have the names of the hooks' `permission_mode`: `default` (manual), `acceptEdits`, `plan`,
//! `auto`, `dontAsk`, `bypassPermissions`.

use std::{
    io::{Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde_json::Value;
use wxcode_files::{FileError, Folder, Links};

/// Bytes at the end of a transcript in which the newest mode and model are looked for.
const TAIL: u64 = 64 << 10; // 64 KiB
/// Longest name of a mode or a model, in bytes; longer ones are none.
pub const NAME_MAX: usize = 128;
/// Last lines of a screen that may be its status line.
const STATUS_LINES: usize = 3;

/// The words of the status line (2.1.329), and the mode.
const INDICATORS: [(&str, &str); 6] = [
    ("manual mode on", "default"),
    ("plan mode on", "plan"),
    ("accept edits on", "acceptEdits"),
    ("bypass permissions on", "bypassPermissions"),
    ("don't ask on", "dontAsk"),
    ("auto mode on", "auto"),
];
/// The marks before these words.
const MARKS: [&str; 2] = ["⏵⏵", "⏸"];

/// A mode and a model; `None` for what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InEffect {
    pub permission_mode: Option<String>,
    pub model: Option<String>,
}

/// The permission mode in the status line of a screen.
#[must_use]
pub fn on_screen(text: &str) -> Option<&'static str> {
    let lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    lines.take(STATUS_LINES).find_map(|line| {
        let line = line.trim_start();
        let words = MARKS
            .iter()
            .find_map(|mark| line.strip_prefix(mark))?
            .trim_start();
        let found = INDICATORS.iter().find(|(said, _)| words.starts_with(said));
        found.map(|(_, mode)| *mode)
    })
}

/// The newest mode and model at the end of a transcript.
///
/// # Errors
/// The file cannot be read, or is no regular file.
pub fn in_transcript(path: &Path) -> Result<InEffect, FileError> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(InEffect::default());
    };
    let file = Folder::open(folder)?.file(Path::new(name), Links::Follow)?;
    let len = file.len();
    let mut reader = file.reader(len);
    let mut bytes = Vec::new();
    let from = len.saturating_sub(TAIL);
    let read = reader
        .get_mut()
        .seek(SeekFrom::Start(from))
        .and_then(|_| reader.take(TAIL).read_to_end(&mut bytes));
    read.map_err(|source| FileError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    Ok(of_lines(&bytes))
}

fn of_lines(bytes: &[u8]) -> InEffect {
    let mut found = InEffect::default();
    for line in bytes.rsplit(|byte| *byte == b'\n') {
        if found.permission_mode.is_some() && found.model.is_some() {
            break;
        }
        // The first line may be cut, and the last one half-written.
        let Ok(record) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        if record["isSidechain"] == true {
            continue;
        }
        let mode = name(&record["permissionMode"]);
        found.permission_mode = found.permission_mode.or(mode);
        if record["type"] == "assistant" {
            // An error of the API is in an answer of no model.
            let model = name(&record["message"]["model"]).filter(|model| !model.starts_with('<'));
            found.model = found.model.or(model);
        }
    }
    found
}

/// A name of a mode or a model.
#[must_use]
pub fn name(value: &Value) -> Option<String> {
    let name = value.as_str()?;
    let is_name = !name.is_empty() && name.len() <= NAME_MAX && !name.chars().any(char::is_control);
    is_name.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn status_line_names_the_mode() {
        let below = |line: &str| format!("❯ plan mode on\n──\n  {line}\n\n");
        for (line, mode) in [
            (
                "⏵⏵ auto mode on (shift+tab to cycle) · esc to interrupt",
                "auto",
            ),
            ("⏵⏵ accept edits on (shift+tab to cycle)", "acceptEdits"),
            ("⏸ plan mode on (shift+tab to cycle)", "plan"),
            ("⏸ manual mode on", "default"),
            ("⏵⏵ bypass permissions on", "bypassPermissions"),
            ("⏵⏵ don't ask on", "dontAsk"),
        ] {
            assert_eq!(on_screen(&below(line)), Some(mode));
        }
        assert_eq!(on_screen(&below("? for shortcuts")), None);
        assert_eq!(
            on_screen("⏵⏵ auto mode on\na\nb\nc"),
            None,
            "an answer's text"
        );
        assert_eq!(on_screen(""), None);
    }

    #[test]
    fn recorded_screens_name_the_mode() {
        let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("screens");
        let of = |file: &str| on_screen(&fs::read_to_string(screens.join(file)).unwrap());
        assert_eq!(of("idle-120.txt"), Some("auto"));
        assert_eq!(of("working-80.txt"), Some("auto"));
        assert_eq!(of("panel_help-80.txt"), None);
    }

    #[test]
    fn newest_records_of_a_transcript_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        let padding = format!("{{\"type\":\"x\",\"y\":\"{}\"}}\n", "z".repeat(100_000));
        let lines = concat!(
            r#"{"type":"user","permissionMode":"plan","message":{}}"#,
            "\n",
            r#"{"type":"assistant","message":{"model":"claude-one"}}"#,
            "\n",
            r#"{"type":"permission-mode","permissionMode":"auto"}"#,
            "\n",
            r#"{"type":"assistant","message":{"model":"claude-two"}}"#,
            "\n",
            r#"{"type":"assistant","isSidechain":true,"message":{"model":"small"}}"#,
            "\n",
            r#"{"type":"assistant","message":{"model":"<synthetic>"}}"#,
            "\n",
            r#"{"type":"assistant","message":{"mod"#,
        );
        fs::write(&path, format!("{padding}{lines}")).unwrap();
        let newest = InEffect {
            permission_mode: Some("auto".into()),
            model: Some("claude-two".into()),
        };
        assert_eq!(in_transcript(&path).unwrap(), newest);
        fs::write(&path, format!("{lines}\n{padding}")).unwrap();
        assert_eq!(in_transcript(&path).unwrap(), InEffect::default());
        assert!(in_transcript(dir.path()).is_err());
        assert!(in_transcript(&dir.path().join("none")).is_err());
    }

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(name(&"auto".into()).as_deref(), Some("auto"));
        for value in [
            Value::Null,
            7.into(),
            "".into(),
            "a\u{1b}b".into(),
            "x".repeat(NAME_MAX + 1).into(),
        ] {
            assert_eq!(name(&value), None);
        }
    }
}

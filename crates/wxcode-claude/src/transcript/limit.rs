//! Reads from the transcript which usage limit ended the last turn.
//!
//! Measured with 2.1.329: the record of an API error has `error: rate_limit`. A limit of the
//! account adds `quotaLimits` with the time of the reset in seconds; a passing limit of the server
//! has `apiErrorIsTransient: true`. With an API key neither is there.

use std::path::Path;

use memchr::memmem;
use serde_json::Value;
use wxcode_files::FileError;

use super::outcome;

/// The error that ended a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnError {
    /// Whether the account's limit is the reason.
    pub is_limit: bool,
    /// When the limit resets, in seconds since the epoch.
    pub resets_at: Option<i64>,
}

/// The kind of an API error that may be a limit.
const RATE_LIMIT: &str = "rate_limit";

/// Whether a failed turn with this kind and message of an error met the account's usage limit, by
/// the hook alone.
#[must_use]
pub fn is_limit(kind: &str, message: Option<&str>) -> bool {
    kind == RATE_LIMIT && !message.is_some_and(|text| text.contains("not your usage limit"))
}

/// The last turn's error in the transcript; `None` if its last record is another one, or not
/// written yet.
///
/// # Errors
/// The file exists but cannot be read.
pub fn last_error(path: &Path) -> Result<Option<TurnError>, FileError> {
    let (lines, _) = outcome::tail(path, 0)?;
    Ok(lines
        .split(|byte| *byte == b'\n')
        .rev()
        .find_map(of_record)
        .flatten())
}

/// The error in a record; the outer `None` for a record that says nothing about turns.
#[expect(
    clippy::option_option,
    reason = "a message without an error ends the search"
)]
fn of_record(line: &[u8]) -> Option<Option<TurnError>> {
    memmem::find(line, b"\"type\":\"assistant\"")?;
    let record: Value = serde_json::from_slice(line).ok()?;
    if record["type"] != "assistant" || record["isSidechain"] == true {
        return None;
    }
    if record["isApiErrorMessage"] != true || record["error"] != RATE_LIMIT {
        return Some(None);
    }
    Some(Some(TurnError {
        is_limit: record["apiErrorIsTransient"] != true,
        resets_at: record["quotaLimits"]["resetsAt"].as_i64(),
    }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn last(records: &[Value]) -> Option<TurnError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        fs::write(&path, lines).unwrap();
        last_error(&path).unwrap()
    }

    fn failed(fields: &Value) -> Value {
        let mut record = json!({ "type": "assistant", "isSidechain": false,
            "isApiErrorMessage": true, "error": "rate_limit", "apiErrorStatus": 429 });
        record
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        record
    }

    #[test]
    fn account_limit_names_its_reset() {
        let limits = json!({ "quotaLimits": { "status": "rejected", "resetsAt": 1_795_989_525 } });
        let notice = json!({ "type": "system", "subtype": "informational" });
        assert_eq!(
            last(&[failed(&limits), notice]),
            Some(TurnError {
                is_limit: true,
                resets_at: Some(1_795_989_525)
            })
        );
    }

    #[test]
    fn passing_limit_is_no_limit_of_the_account() {
        let error = last(&[failed(&json!({ "apiErrorIsTransient": true }))]);
        assert!(!error.unwrap().is_limit);
        let error = last(&[failed(&json!({ "apiErrorIsTransient": false }))]).unwrap();
        assert_eq!((error.is_limit, error.resets_at), (true, None));
        assert!(is_limit("rate_limit", Some("You've hit your 5-hour limit")));
        assert!(!is_limit("rate_limit", Some("busy (not your usage limit)")));
        assert!(!is_limit("server_error", None));
    }

    #[test]
    fn earlier_errors_do_not_count() {
        let answer = json!({ "type": "assistant", "message": { "content": [] } });
        assert_eq!(last(&[failed(&json!({})), answer]), None);
        assert_eq!(last(&[]), None);
    }
}

//! Claude Code's records of its processes: read as their JSON says, the same alone and in the list.

use std::fs;

use serde_json::{Map, Value};
use uuid::Uuid;
use wxcode_claude::running::{all, read};

/// Runs one input: a record.
pub fn run(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let sessions = folder.path().join("sessions");
    fs::create_dir(&sessions).unwrap();
    fs::write(sessions.join("7.json"), data).unwrap();
    let record = read(folder.path(), 7).unwrap();
    let listed = all(folder.path()).unwrap();
    let alone: Vec<_> = record.iter().map(|record| (7, record.clone())).collect();
    assert_eq!(listed, alone);
    assert_eq!(read(folder.path(), 8).unwrap(), None);

    // A field that nobody reads may hold anything in its string.
    let text = String::from_utf8_lossy(data);
    let fields = serde_json::from_str::<Map<String, Value>>(&text).ok();
    let Some(record) = record else {
        return;
    };
    // A repeated field is an error, so each field has one value.
    let fields = fields.expect("a record is an object");
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let id = text("sessionId").and_then(|id| Uuid::parse_str(id).ok());
    assert_eq!(Some(record.session_id), id);
    assert_eq!(record.version.as_deref(), text("version"));
    assert_eq!(record.waiting_for.as_deref(), text("waitingFor"));
    let cwd = record.cwd.as_deref().map(|path| path.to_str().unwrap());
    assert_eq!(cwd, text("cwd"));
    let started = text("procStart").and_then(|ticks| ticks.parse().ok());
    assert_eq!(record.started, started);
}

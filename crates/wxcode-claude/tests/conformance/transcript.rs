//! Where a conversation is written, and what of it can be resumed.

use std::{fs, path::PathBuf};

use serde_json::json;
use uuid::Uuid;
use wxcode_claude::{command::Start, transcript::Transcript};

use crate::bench::{Bench, submit};

/// The project folder of Claude Code for the bench's folder.
fn folder(bench: &Bench) -> PathBuf {
    let path = fs::canonicalize(bench.folder.path()).unwrap();
    let slug: String = path
        .to_string_lossy()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    bench.home.config_dir().join("projects").join(slug)
}

fn record(bench: &Bench, kind: &str, more: &serde_json::Value) -> String {
    let message = json!({ "role": "user", "content": "hello" });
    let mut record = json!({
        "parentUuid": null, "isSidechain": false, "type": kind, "subtype": "informational", "content": "x",
        "message": message, "uuid": Uuid::new_v4(), "timestamp": "2026-01-01T00:00:00.000Z",
        "version": bench.version, "cwd": bench.folder.path(), "sessionId": "ID",
    });
    let record_fields = record.as_object_mut().unwrap();
    record_fields.extend(more.as_object().unwrap().clone());
    record.to_string()
}

pub(crate) fn place(bench: &Bench) -> String {
    let id = Uuid::new_v4();
    let terminal = bench.start_ready(Start::New(id), 1);
    let told = bench.nth("SessionStart", 1).transcript_path;
    assert_eq!(bench.transcript(id), Transcript::Missing);
    submit(&terminal, "first words");
    bench.nth("Stop", 1);
    let path = bench.spoken(id);
    assert_eq!(Some(&path), told.as_ref());
    assert_eq!(path, folder(bench).join(format!("{id}.jsonl")));
    "so it is; the slug is the folder with each character that is no letter or digit as `-`"
        .to_owned()
}

/// The CLI itself says which transcripts can be resumed.
pub(crate) fn judged(bench: &Bench) -> String {
    let folder = folder(bench);
    fs::create_dir_all(&folder).unwrap();
    let mode = json!({ "type": "mode", "mode": "normal", "sessionId": "ID" }).to_string();
    let summary =
        json!({ "type": "summary", "summary": "x", "leafUuid": Uuid::new_v4() }).to_string();
    let plain = json!({});
    let user = record(bench, "user", &plain);
    let half = &user[..user.len() / 2];
    let cases = [
        ("nothing", String::new()),
        (
            "a mode and a last prompt",
            format!(
                "{mode}\n{}\n",
                json!({ "type": "last-prompt", "lastPrompt": "x", "sessionId": "ID" })
            ),
        ),
        ("a summary", format!("{summary}\n")),
        ("a message", format!("{mode}\n{user}\n")),
        (
            "a subagent's message",
            format!(
                "{}\n",
                record(bench, "user", &json!({ "isSidechain": true }))
            ),
        ),
        (
            "what a command left",
            format!("{}\n", record(bench, "system", &plain)),
        ),
        (
            "an attachment",
            format!("{}\n", record(bench, "attachment", &plain)),
        ),
        (
            "a progress",
            format!("{}\n", record(bench, "progress", &plain)),
        ),
        (
            "an error of the API",
            format!(
                "{}\n",
                record(bench, "assistant", &json!({ "isApiErrorMessage": true }))
            ),
        ),
        (
            "a message from another folder",
            format!(
                "{}\n",
                record(bench, "user", &json!({ "cwd": "/elsewhere" }))
            ),
        ),
        ("half a message", format!("{mode}\n{half}")),
        ("a message behind half of one", format!("{half}\n{user}\n")),
        (
            "a message behind zeros",
            format!("{}\n{user}\n", "\0".repeat(5_000)),
        ),
    ];
    let mut resumable = Vec::new();
    for (what, text) in cases {
        let id = Uuid::new_v4();
        let text = text.replace("ID", &id.to_string());
        fs::write(folder.join(format!("{id}.jsonl")), text).unwrap();
        let starts = bench.count("SessionStart");
        let mut terminal = bench.start(Start::Resume(id), None);
        match bench.transcript(id) {
            Transcript::Spoken(_) => {
                let start = bench.nth("SessionStart", starts + 1);
                assert_eq!(start.session_id, id, "{what}");
                resumable.push(what);
            }
            Transcript::Empty(_) => assert_eq!(terminal.wait_exit().code(), Some(1), "{what}"),
            Transcript::Missing => panic!("{what} was not found"),
        }
    }
    format!(
        "resumed: {}; refused: all others of {} kinds",
        resumable.join(", "),
        13
    )
}

pub(crate) fn any_folder(bench: &Bench) -> String {
    let own = folder(bench);
    let other = own.with_file_name("-another-folder");
    for folder in [&own, &other] {
        fs::create_dir_all(folder).unwrap();
    }
    let mode = json!({ "type": "mode", "mode": "normal" }).to_string();
    let resumes = |what: &str, files: &[(&PathBuf, &str)]| {
        let id = Uuid::new_v4();
        for (folder, text) in files {
            let text = text.replace("ID", &id.to_string());
            fs::write(folder.join(format!("{id}.jsonl")), text).unwrap();
        }
        assert!(
            matches!(bench.transcript(id), Transcript::Spoken(_)),
            "{what}"
        );
        let starts = bench.count("SessionStart");
        let _terminal = bench.start(Start::Resume(id), None);
        let start = bench.nth("SessionStart", starts + 1);
        assert_eq!(start.session_id, id, "{what}");
    };
    let user = record(bench, "user", &json!({}));
    let elsewhere = record(bench, "user", &json!({ "cwd": "/usr" }));
    resumes("in another folder", &[(&other, &user)]);
    resumes("of another working folder", &[(&other, &elsewhere)]);
    resumes("beside an empty one", &[(&own, &mode), (&other, &user)]);
    // A symlink in the place of the folder is as good as one.
    let moved = own.with_file_name("-moved");
    fs::rename(&own, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &own).unwrap();
    resumes("behind a symlink", &[(&moved, &user)]);
    "from another folder, of another working folder, beside one without messages, behind a symlink"
        .to_owned()
}

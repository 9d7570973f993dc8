//! Transcripts: spoken if one of their lines is a message, for any other lines.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tempfile::TempDir;
use uuid::Uuid;
use wxcode_claude::transcript::{Transcript, find};

const ID: Uuid = Uuid::from_u128(1);
/// Most lines that are also checked alone.
const LINES: usize = 32;
const MESSAGE: &[u8] = b"\n{\"type\":\"user\",\"uuid\":\"u\"}";

thread_local! {
    static CONFIG: Config = Config::new();
}

/// A configuration folder with one transcript.
struct Config {
    folder: TempDir,
    file: PathBuf,
}

impl Config {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("projects").join("-p");
        fs::create_dir_all(&project).unwrap();
        let file = project.join(format!("{ID}.jsonl"));
        Self { folder, file }
    }

    fn is_spoken(&self, transcript: &[u8]) -> bool {
        fs::write(&self.file, transcript).unwrap();
        match find(self.folder.path(), ID).unwrap() {
            Transcript::Missing => panic!("it is there"),
            Transcript::Empty(path) => is_file(&path, &self.file, false),
            Transcript::Spoken(path) => is_file(&path, &self.file, true),
        }
    }
}

fn is_file(path: &Path, file: &Path, spoken: bool) -> bool {
    assert_eq!(path, file);
    spoken
}

/// Runs one input: a transcript.
pub fn run(data: &[u8]) {
    CONFIG.with(|config| {
        let spoken = config.is_spoken(data);
        let lines: Vec<&[u8]> = data.split(|byte| *byte == b'\n').collect();
        if lines.len() <= LINES {
            let any = lines.iter().any(|line| config.is_spoken(line));
            assert_eq!(spoken, any, "each line speaks for itself");
        }
        for line in &lines {
            match is_spoken(line) {
                Some(true) => assert!(spoken, "{}", line.escape_ascii()),
                Some(false) => assert!(!config.is_spoken(line), "{}", line.escape_ascii()),
                None => {}
            }
        }
        assert!(config.is_spoken(&[data, MESSAGE].concat()));
    });
}

/// Whether a line is certainly a message, or certainly none.
fn is_spoken(line: &[u8]) -> Option<bool> {
    let text = str::from_utf8(line).ok()?;
    let doubtful = |name: &str| text.matches(name).count() > 1;
    if text.contains('\\') || ["type", "isSidechain", "uuid"].into_iter().any(doubtful) {
        return None;
    }
    let Ok(record) = serde_json::from_str::<Map<String, Value>>(text) else {
        return None;
    };
    let is_sidechain = match record.get("isSidechain") {
        None => false,
        Some(value) => value.as_bool()?,
    };
    let is_message = match record.get("type")?.as_str()? {
        "user" | "assistant" => true,
        "system" | "attachment" => record.get("uuid").is_some_and(|uuid| !uuid.is_null()),
        _ => false,
    };
    Some(is_message && !is_sidechain)
}

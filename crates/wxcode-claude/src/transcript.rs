//! Decides from the transcript on disk whether a conversation can be resumed.
//!
//! Measured: Claude Code writes the transcript slightly after its hooks, and a `Stop` may precede
//! the first message on disk. So a transcript is evidence for an ended process only.

pub mod command;
pub mod limit;
pub mod outcome;

use std::{
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::IgnoredAny};
use uuid::Uuid;
use wxcode_files::{FileError, Folder, Kind, Links, RegularFile};

/// Most bytes of a transcript searched for its first message.
const LOOK_MAX: u64 = 64 << 20; // 64 MiB
/// Bytes per read.
const READ: usize = 64 << 10; // 64 KiB
/// Most project folders searched.
const FOLDERS_MAX: usize = 100_000;
/// Longest line parsed, in bytes, without buffering it. The reader skips a longer line.
const LINE_MAX: usize = 64 << 20; // 64 MiB

/// Longest name of a project folder, in characters.
const SLUG_MAX: usize = 200;

/// The state of a conversation on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transcript {
    /// There is no file.
    Missing,
    /// There is a file without a message: Claude Code can neither resume the conversation nor reuse
    /// its id.
    Empty(PathBuf),
    /// There is a file with messages: Claude Code can resume the conversation.
    Spoken(PathBuf),
}

/// Claude Code's configuration folder: `CLAUDE_CONFIG_DIR`, or `.claude` in the home folder.
#[must_use]
pub fn config_dir(claude_config_dir: Option<&Path>, home: &Path) -> PathBuf {
    claude_config_dir
        .filter(|dir| !dir.as_os_str().is_empty())
        .map_or_else(|| home.join(".claude"), Path::to_path_buf)
}

/// Looks for the transcript of `id` in every project folder of `config_dir`.
///
/// A conversation may have moved to another project folder; among several files the one with
/// messages counts.
///
/// # Errors
/// A folder or file exists but cannot be read, or the file is not regular: nothing is known, and
/// the caller must not decide.
pub fn find(config_dir: &Path, id: Uuid) -> Result<Transcript, FileError> {
    let projects = match Folder::open(&config_dir.join("projects")) {
        Err(error) if error.is_missing() => return Ok(Transcript::Missing),
        projects => projects?,
    };
    let name = format!("{id}.jsonl");
    let mut found = Transcript::Missing;
    for folder in projects.names(FOLDERS_MAX)? {
        let file = match projects.file(&Path::new(&folder).join(&name), Links::Follow) {
            Err(error) if is_absence(&error) => continue,
            file => file?,
        };
        let (path, len) = (file.path().to_owned(), file.len());
        let reader = BufReader::with_capacity(READ, file.reader(LOOK_MAX));
        let has_message = has_message(reader, LINE_MAX);
        match has_message {
            Ok(true) => return Ok(Transcript::Spoken(path)),
            Ok(false) if len > LOOK_MAX => {
                let max = LOOK_MAX;
                return Err(FileError::TooLarge { path, len, max });
            }
            Ok(false) => found = Transcript::Empty(path),
            Err(source) => {
                let action = "read";
                return Err(FileError::Io {
                    action,
                    path,
                    source,
                });
            }
        }
    }
    Ok(found)
}

/// The name of the project folder in which Claude Code keeps the transcripts of a workspace.
///
/// Measured: each character except letters and digits becomes `-`. Claude Code finds a transcript in
/// any project folder, so a long name may end earlier than its own.
#[must_use]
pub fn project_folder(workspace: &Path) -> String {
    let text = workspace.to_string_lossy();
    let characters = text.chars().take(SLUG_MAX);
    characters
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}

/// Whether a transcript holds a message. Reads at most [`LOOK_MAX`] bytes.
///
/// # Errors
/// The transcript cannot be read.
pub fn speaks(transcript: impl Read) -> io::Result<bool> {
    let reader = BufReader::with_capacity(READ, transcript.take(LOOK_MAX));
    has_message(reader, LINE_MAX)
}

/// Opens the transcript of `id`, if there is one. `known` is its path, as Claude Code reported it;
/// among several files elsewhere the longest counts.
///
/// # Errors
/// The folder of the transcripts is missing, or a folder or file cannot be read.
pub fn open(
    config_dir: &Path,
    id: Uuid,
    known: Option<&Path>,
) -> Result<Option<RegularFile>, FileError> {
    let root = config_dir.join("projects");
    let projects = Folder::open(&root)?;
    let name = format!("{id}.jsonl");
    let known = known
        .and_then(|path| path.strip_prefix(&root).ok())
        .filter(|below| below.ends_with(&name) && below.components().count() == 2);
    if let Some(below) = known {
        match projects.file(below, Links::Follow) {
            Err(error) if is_absence(&error) => {}
            file => return file.map(Some),
        }
    }
    let mut longest: Option<RegularFile> = None;
    for folder in projects.names(FOLDERS_MAX)? {
        match projects.file(&Path::new(&folder).join(&name), Links::Follow) {
            Err(error) if is_absence(&error) => {}
            file => {
                let file = file?;
                if longest.as_ref().is_none_or(|old| old.len() < file.len()) {
                    longest = Some(file);
                }
            }
        }
    }
    Ok(longest)
}

/// Whether the entry is no transcript: a folder with a conversation's attachments, or an unrelated
/// file next to the project folders.
fn is_absence(error: &FileError) -> bool {
    match error {
        FileError::Missing(_) => true,
        FileError::Kind { found, wanted, .. } => *found == Kind::Folder || *wanted == Kind::Folder,
        _ => false,
    }
}

/// Whether a transcript holds a message. Reads up to the first one, line by line, and keeps no
/// line.
fn has_message(mut transcript: impl BufRead, line_max: usize) -> io::Result<bool> {
    loop {
        let mut line = LineReader {
            transcript: &mut transcript,
            left: line_max,
            ended: false,
            failed: None,
        };
        // Skip a line that is no record: half-written, not JSON, too long.
        let is_message = serde_json::from_reader(&mut line)
            .is_ok_and(|record: TranscriptRecord| record.is_message());
        if is_message {
            return Ok(true);
        }
        if let Some(error) = line.failed.take() {
            return Err(error);
        }
        if !line.ended && !skip_line(&mut transcript)? {
            return Ok(false);
        }
        if transcript.fill_buf()?.is_empty() {
            return Ok(false);
        }
    }
}

/// The fields of a record that decide whether it belongs to the conversation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TranscriptRecord {
    r#type: String,
    #[serde(default)]
    is_sidechain: bool,
    uuid: Option<IgnoredAny>,
}

impl TranscriptRecord {
    /// Measured: `--resume` accepts a transcript with at least one record of the conversation's
    /// chain, also a command's (`system`) or a message's attachment (`attachment`). Records of
    /// subagents and all other types (`mode`, `permission-mode`, `atis-latch`, `summary`,
    /// `file-history-snapshot`, `last-prompt`, `cost-state`, `custom-title`…) do not count.
    fn is_message(&self) -> bool {
        !self.is_sidechain
            && match self.r#type.as_str() {
                "user" | "assistant" => true,
                "system" | "attachment" => self.uuid.is_some(),
                _ => false,
            }
    }
}

/// Reads the rest of the current line, without its end.
struct LineReader<'a, R> {
    transcript: &'a mut R,
    left: usize,
    /// The line's end was consumed.
    ended: bool,
    failed: Option<io::Error>,
}

impl<R: BufRead> Read for LineReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended || self.left == 0 {
            return Ok(0);
        }
        let available = match self.transcript.fill_buf() {
            Ok(available) => available,
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                return Err(kind.into());
            }
        };
        let room = buffer.len().min(available.len()).min(self.left);
        let end = memchr::memchr(b'\n', &available[..room]);
        let count = end.unwrap_or(room);
        buffer[..count].copy_from_slice(&available[..count]);
        self.transcript.consume(count + usize::from(end.is_some()));
        self.left -= count;
        self.ended = end.is_some();
        Ok(count)
    }
}

/// Skips the rest of a line; false at the end of the file.
fn skip_line(transcript: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = transcript.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let end = memchr::memchr(b'\n', buffer);
        let count = end.map_or(buffer.len(), |at| at + 1);
        transcript.consume(count);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Cursor};

    use super::*;

    /// The content of a real transcript without a conversation.
    const IDLE: &str = r#"{"type":"mode","mode":"normal","sessionId":"x"}
{"type":"permission-mode","permissionMode":"auto","sessionId":"x"}
{"type":"atis-latch","atis":"","sessionId":"x"}
{"type":"file-history-snapshot","messageId":"m","snapshot":{"messageId":"m"},"isSnapshotUpdate":false}
{"type":"summary","summary":"about","leafUuid":"u"}
{"type":"custom-title","customTitle":"foo","sessionId":"x"}
{"type":"last-prompt","lastPrompt":"hello","leafUuid":"u","sessionId":"x"}
{"type":"api-request-blob","message":{"role":"user","content":"not a record of the conversation"}}
{"type":"cost-state","sessionId":"x","totalCostUSD":0}
"#;
    const USER: &str = r#"{"parentUuid":null,"isSidechain":false,"type":"user","message":{"role":"user","content":"hi"},"uuid":"u"}"#;

    fn speaks(text: impl AsRef<[u8]>) -> bool {
        has_message(Cursor::new(text), LINE_MAX).unwrap()
    }

    #[test]
    fn only_records_of_the_conversation_count() {
        assert!(!speaks(""));
        assert!(!speaks(IDLE));
        assert!(speaks(format!("{IDLE}{USER}\n")));
        assert!(speaks(USER), "the last line may have no end");
        assert!(speaks(USER.replace("user", "assistant")));
        assert!(!speaks(
            USER.replace("\"isSidechain\":false", "\"isSidechain\":true")
        ));
        assert!(speaks(
            r#"{"parentUuid":null,"type":"system","subtype":"local_command","uuid":"u"}"#
        ));
        assert!(!speaks(r#"{"type":"system","subtype":"init"}"#));
    }

    #[test]
    fn lines_without_a_record_are_skipped() {
        assert!(!speaks(&USER[..USER.len() - 1]), "half-written");
        assert!(speaks(format!("{}\n{USER}\n", &USER[..20])));
        assert!(speaks(format!(
            "garbage\n\n[]\n\"type\"\n{{\"type\":7}}\n{USER}\n"
        )));
        assert!(speaks([b"\xff\xfe{}\n", USER.as_bytes()].concat()));
        let broken =
            [&b"{\"type\":\"user\",\"message\":\"\xff\xfe\",\"uuid\":\"u\"}\n"[..]].concat();
        assert!(
            speaks(broken),
            "invalid UTF-8 in a text does not hide the record"
        );
    }

    #[test]
    fn oversized_lines_are_skipped() {
        const BOUND: usize = 1 << 10;
        let long = |size: usize| {
            format!(
                "{{\"message\":\"{}\",\"type\":\"user\"}}\n",
                "a".repeat(size)
            )
        };
        let speaks = |text: String| {
            has_message(BufReader::with_capacity(64, Cursor::new(text)), BOUND).unwrap()
        };
        assert!(speaks(long(BOUND / 2)));
        assert!(!speaks(long(BOUND * 2)));
        assert!(!speaks(long(BOUND * 2) + IDLE));
        assert!(speaks(long(BOUND * 2) + IDLE + USER));
    }

    #[test]
    fn an_error_is_no_answer() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::PermissionDenied.into())
            }
        }
        let reader = BufReader::new(Cursor::new(b"{\"type\":").chain(Broken));
        assert_eq!(
            has_message(reader, LINE_MAX).unwrap_err().kind(),
            io::ErrorKind::PermissionDenied
        );
    }

    #[test]
    fn a_transcript_is_found_in_any_folder() {
        let root = tempfile::tempdir().unwrap();
        let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(find(root.path(), id).unwrap(), Transcript::Missing);
        let folder = |name: &str| root.path().join("projects").join(name);
        for name in ["-a", "-b", "-c"] {
            fs::create_dir_all(folder(name)).unwrap();
        }
        fs::write(root.path().join("projects/file"), "").unwrap();
        fs::write(folder("-a").join(format!("{other}.jsonl")), USER).unwrap();
        assert_eq!(
            find(root.path(), id).unwrap(),
            Transcript::Missing,
            "a newer file has another id"
        );
        let empty = folder("-b").join(format!("{id}.jsonl"));
        fs::write(&empty, IDLE).unwrap();
        assert_eq!(find(root.path(), id).unwrap(), Transcript::Empty(empty));
        let spoken = folder("-c").join(format!("{id}.jsonl"));
        fs::write(&spoken, USER).unwrap();
        assert_eq!(
            find(root.path(), id).unwrap(),
            Transcript::Spoken(spoken.clone())
        );
        fs::remove_file(&spoken).unwrap();
        fs::create_dir(&spoken).unwrap();
        assert!(
            matches!(find(root.path(), id).unwrap(), Transcript::Empty(_)),
            "a folder is no transcript"
        );
        let huge = fs::File::create(folder("-a").join(format!("{id}.jsonl"))).unwrap();
        huge.set_len(10 << 30).unwrap();
        let error = find(root.path(), id).unwrap_err();
        assert_eq!(error.code(), "file_too_large", "{error}");
    }

    #[test]
    fn the_configuration_folder_may_be_named() {
        let home = Path::new("/home/u");
        assert_eq!(config_dir(None, home), Path::new("/home/u/.claude"));
        assert_eq!(
            config_dir(Some(Path::new("")), home),
            Path::new("/home/u/.claude")
        );
        assert_eq!(config_dir(Some(Path::new("/c")), home), Path::new("/c"));
    }
}

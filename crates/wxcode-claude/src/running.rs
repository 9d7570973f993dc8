//! Reads the state files of running Claude Code processes in the configuration folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, de::IgnoredAny};
use uuid::Uuid;
use wxcode_files::{FileError, Folder, Links};

/// Largest state file, in bytes; measured files are below one kilobyte.
const FILE_MAX: u64 = 64 << 10; // 64 KiB

/// Most files read to find all processes; a killed process leaves its file behind.
const FILES_MAX: usize = 1_024;

/// Most entries of the folder examined; the folder also holds other files.
const ENTRIES_MAX: usize = 16_384;

/// The content of `sessions/<pid>.json`. A field unknown to the writing version is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The start of the process, in clock ticks since the boot (field 22 of `/proc/<pid>/stat`).
    pub started: Option<u64>,
    /// The current conversation of the process.
    pub session_id: Uuid,
    pub cwd: Option<PathBuf>,
    pub status: Status,
    /// The obstacle in Claude Code's words, for example `permission prompt`.
    pub waiting_for: Option<String>,
    /// Claude Code's version.
    pub version: Option<String>,
    /// Whether the process shows its list of agents while a background daemon runs its
    /// conversation.
    pub parked: bool,
}

/// The activity of a running process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// The prompt is free.
    Idle,
    /// A turn is in progress.
    Busy,
    /// A dialog waits for the user.
    Waiting,
    /// Another word, or none.
    Other(Option<String>),
}

/// Reads the state file of the process `pid`; `None` if it is missing or incomplete.
///
/// # Errors
/// The file exists but cannot be read.
pub fn read(config_dir: &Path, pid: u32) -> Result<Option<Running>, FileError> {
    let read = Folder::open(&config_dir.join("sessions")).and_then(|folder| read_in(&folder, pid));
    match read {
        Err(error) if error.is_missing() => Ok(None),
        read => read,
    }
}

fn read_in(folder: &Folder, pid: u32) -> Result<Option<Running>, FileError> {
    let name = format!("{pid}.json");
    let file = folder.file(Path::new(&name), Links::Follow)?;
    Ok(parse(&file.read(FILE_MAX)?))
}

/// Reads the state files of all processes, by pid, in no order, at most 1,024. Killed processes are
/// among them.
///
/// # Errors
/// The folder exists but cannot be read.
pub fn all(config_dir: &Path) -> Result<Vec<(u32, Running)>, FileError> {
    let folder = match Folder::open(&config_dir.join("sessions")) {
        Err(error) if error.is_missing() => return Ok(Vec::new()),
        folder => folder?,
    };
    let names = folder.names(ENTRIES_MAX)?;
    let pids = names.iter().filter_map(|name| {
        let number = name.to_str()?.strip_suffix(".json")?;
        number.parse::<u32>().ok()
    });
    // An unreadable file is not Claude Code's: skip it.
    let read = |pid| Some((pid, read_in(&folder, pid).ok()??));
    Ok(pids.take(FILES_MAX).filter_map(read).collect())
}

fn parse(bytes: &[u8]) -> Option<Running> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Document {
        proc_start: Option<String>,
        session_id: Uuid,
        cwd: Option<PathBuf>,
        status: Option<String>,
        waiting_for: Option<String>,
        version: Option<String>,
        parked_job_id: Option<IgnoredAny>,
    }
    // An array would be read as the values of the fields, in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let document: Document = serde_json::from_slice(bytes).ok()?;
    let status = match document.status.as_deref() {
        Some("idle") => Status::Idle,
        Some("busy") => Status::Busy,
        Some("waiting") => Status::Waiting,
        _ => Status::Other(document.status),
    };
    Some(Running {
        started: document.proc_start.and_then(|ticks| ticks.parse().ok()),
        session_id: document.session_id,
        cwd: document.cwd,
        status,
        waiting_for: document.waiting_for,
        version: document.version,
        parked: document.parked_job_id.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of the real CLI.
    const FILE: &str = r#"{"pid":14302,"sessionId":"11111111-1111-4111-8111-111111111111","cwd":"/w","startedAt":1,
        "procStart":"166229","version":"2.1.329","kind":"interactive","name":"work-76","status":"waiting",
        "updatedAt":2,"waitingFor":"dialog open"}"#;

    #[test]
    fn reads_the_file_of_the_real_cli() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path(), 14302).unwrap(), None);
        std::fs::create_dir(root.path().join("sessions")).unwrap();
        std::fs::write(root.path().join("sessions/14302.json"), FILE).unwrap();
        let running = read(root.path(), 14302).unwrap().unwrap();
        assert_eq!(
            running.session_id.to_string(),
            "11111111-1111-4111-8111-111111111111"
        );
        assert_eq!(running.cwd, Some("/w".into()));
        assert_eq!(running.status, Status::Waiting);
        assert_eq!(running.waiting_for.as_deref(), Some("dialog open"));
        assert_eq!(running.version.as_deref(), Some("2.1.329"));
        assert_eq!(running.started, Some(166_229));
        assert!(!running.parked);
        assert_eq!(read(root.path(), 1).unwrap(), None);
        for (name, text) in [("7.json", "half"), ("7.key", ""), ("x.json", FILE)] {
            std::fs::write(root.path().join("sessions").join(name), text).unwrap();
        }
        assert_eq!(all(root.path()).unwrap(), [(14302, running)]);
        assert_eq!(all(&root.path().join("sessions")).unwrap(), []);
    }

    #[test]
    fn a_parked_process_names_its_job() {
        let parked = |job: &str| {
            let text = FILE.replace("\"pid\"", &format!("\"parkedJobId\":{job},\"pid\""));
            parse(text.as_bytes()).unwrap().parked
        };
        assert!(parked("\"cda28e23\""));
        assert!(!parked("null"));
    }

    #[test]
    fn tolerates_unknown_fields() {
        let status = |word: &str| {
            parse(FILE.replace("waiting\"", &format!("{word}\"")).as_bytes())
                .unwrap()
                .status
        };
        assert_eq!(status("idle"), Status::Idle);
        assert_eq!(status("busy"), Status::Busy);
        assert_eq!(status("dreaming"), Status::Other(Some("dreaming".into())));
        assert_eq!(parse(&FILE.as_bytes()[..100]), None, "half-written");
        assert_eq!(parse(b""), None);
        assert_eq!(parse(FILE.replace("11111111-", "x").as_bytes()), None);
        let small = parse(br#"{"sessionId":"11111111-1111-4111-8111-111111111111"}"#).unwrap();
        assert_eq!((small.status, small.version), (Status::Other(None), None));
    }
}

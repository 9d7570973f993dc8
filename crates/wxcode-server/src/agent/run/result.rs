//! The outcome of a run, as a file in the run's folder: the file's presence means that all
//! consequences are recorded.

use std::{fs, io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use wxcode_core::run::RunState;
use wxcode_holder::folder::write_whole;

use crate::disk::on_disk;

/// The file.
const FILE: &str = "result.json";
/// The version written by this build.
const VERSION: u32 = 1;

/// The outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::agent) struct RunResult {
    version: u32,
    pub(in crate::agent) state: RunState,
    pub(in crate::agent) claude_session_id: Uuid,
    pub(in crate::agent) result: Option<String>,
    pub(in crate::agent) error: Option<String>,
    pub(in crate::agent) warning: Option<String>,
    pub(in crate::agent) ended_at: Timestamp,
}

impl RunResult {
    pub(in crate::agent) const fn new(
        state: RunState,
        claude_session_id: Uuid,
        result: Option<String>,
        error: Option<String>,
        warning: Option<String>,
        ended_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            state,
            claude_session_id,
            result,
            error,
            warning,
            ended_at,
        }
    }
}

/// Writes the file, whole or not at all.
pub(in crate::agent) fn write(dir: &Path, record: &RunResult) -> io::Result<()> {
    write_whole(dir, FILE, &serde_json::to_vec(record)?).map_err(io::Error::other)
}

/// Reads the file; `None` without a file readable for this build.
pub(in crate::agent) fn read(dir: &Path) -> Option<RunResult> {
    let bytes = on_disk(|| fs::read(dir.join(FILE))).ok()?;
    let record: RunResult = serde_json::from_slice(&bytes).ok()?;
    (record.version == VERSION).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_round_trips_and_rejects_others() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()), None);
        let at = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let text = Some("é".to_owned());
        let record = RunResult::new(RunState::Failed, Uuid::from_u128(7), None, text, None, at);
        write(dir.path(), &record).unwrap();
        assert_eq!(read(dir.path()), Some(record));
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no draft is left"
        );
        fs::write(dir.path().join(FILE), "{\"version\":2}").unwrap();
        assert_eq!(read(dir.path()), None);
    }
}

//! When to read the transcript of a turn.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;

/// Time from the end of a turn to the reading of the turn's transcript. Claude Code writes the
/// transcript later.
const TRANSCRIPT_DELAY: Duration = Duration::from_secs(2);

/// The next reading of a transcript.
#[derive(Debug, Default)]
pub(super) struct TranscriptReader(Option<(Instant, PathBuf)>);

impl TranscriptReader {
    /// The time of the next reading.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|(due, _)| *due)
    }

    /// The transcript to read now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<PathBuf> {
        self.0.take_if(|(due, _)| now >= *due).map(|(_, path)| path)
    }

    /// Reads this transcript of a turn that just ended, if any.
    pub(super) fn turn_ended(&mut self, path: Option<PathBuf>) {
        self.0 = path.map(|path| (Instant::now() + TRANSCRIPT_DELAY, path));
    }
}

//! Troubles of a running session, for the session's warning: missing hooks, invalid settings, a
//! missing transcript, errors of the API.

use std::{path::PathBuf, time::Duration};

use tokio::time::Instant;

/// Time from a usable prompt to the hook of the start before hooks count as missing.
pub(in crate::agent) const HOOKS_LATE: Duration = Duration::from_secs(5);
/// Time between two searches for the reason of missing hooks.
pub(in crate::agent) const HOOKS_AGAIN: Duration = Duration::from_secs(15);
/// Time from the end of a turn to the turn's records in the transcript; later records count as
/// lost.
pub(in crate::agent) const TRANSCRIPT_LATE: Duration = Duration::from_secs(10);
/// Time between two samples of a starting agent's activity.
pub(in crate::agent) const ACTIVITY_EVERY: Duration = Duration::from_secs(1);
/// Longest published error of the API, in characters.
pub(in crate::agent) const ERROR_MAX: usize = 500;

/// The present troubles.
#[derive(Debug, Default)]
pub(in crate::agent) struct Troubles {
    /// Why hooks do not run.
    pub(in crate::agent) hooks: Option<String>,
    /// Invalid settings files.
    pub(in crate::agent) settings: Option<String>,
    /// Why the conversation is not kept.
    pub(in crate::agent) transcript: Option<String>,
    /// The API's error at the end of the last turn.
    pub(in crate::agent) service: Option<String>,
    /// When to look for the reason of missing hooks; `None` without a usable prompt that lacks
    /// hooks.
    pub(in crate::agent) hooks_due: Option<Instant>,
    /// When to look for the records of the last turn.
    pub(in crate::agent) transcript_due: Option<(Instant, EndedTurn)>,
    /// When to sample the starting agent's activity.
    pub(in crate::agent) activity_due: Option<Instant>,
    /// The last sample.
    pub(in crate::agent) activity: Activity,
}

/// A turn whose records belong into a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::agent) struct EndedTurn {
    /// The id of the turn's prompt.
    pub(in crate::agent) prompt_id: String,
    /// The transcript at the turn's end. A later `/clear` begins another one.
    pub(in crate::agent) transcript: Option<PathBuf>,
}

/// Counters of a process that grow while the process works.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(in crate::agent) struct Activity {
    /// Bytes written to the terminal.
    pub(in crate::agent) output: u64,
    /// Time on a processor, in clock ticks of 10 ms.
    pub(in crate::agent) ticks: u64,
    /// Bytes read by system calls.
    pub(in crate::agent) read: u64,
}

impl Activity {
    /// Least processor time between two samples of a working process, in clock ticks.
    const TICKS_MIN: u64 = 10; // a tenth of a processor
    /// Least bytes read between two samples of a working process.
    const READ_MIN: u64 = 256 << 10; // 256 KiB

    /// Whether the process worked since an earlier sample.
    pub(in crate::agent) const fn is_after(&self, before: &Self) -> bool {
        self.output > before.output
            || self.ticks >= before.ticks + Self::TICKS_MIN
            || self.read >= before.read + Self::READ_MIN
    }

    /// Samples a process; the output is known to the caller.
    pub(in crate::agent) fn of(pid: i32, output: u64) -> Self {
        let read =
            |name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let stat = read("stat");
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let times = fields.split_whitespace().skip(11).take(2);
        let io = read("io");
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        Self {
            output,
            ticks: times.filter_map(|time| time.parse::<u64>().ok()).sum(),
            read: read.and_then(|bytes| bytes.parse().ok()).unwrap_or(0),
        }
    }
}

impl Troubles {
    /// The time of the next look.
    pub(in crate::agent) fn deadline(&self) -> Option<Instant> {
        let transcript = self.transcript_due.as_ref().map(|(at, _)| *at);
        let times = [self.hooks_due, transcript, self.activity_due];
        times.into_iter().flatten().min()
    }

    /// All troubles, as a single text.
    pub(in crate::agent) fn text(&self, identity: Option<&str>) -> Option<String> {
        let own = [&self.hooks, &self.settings, &self.transcript, &self.service];
        let own = own.into_iter().filter_map(|text| text.as_deref());
        let all: Vec<&str> = identity.into_iter().chain(own).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_stand_side_by_side() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.text(None), None);
        assert_eq!(troubles.text(Some("one")).as_deref(), Some("one"));
        troubles.transcript = Some("two".into());
        assert_eq!(troubles.text(Some("one")).as_deref(), Some("one; two"));
    }

    #[test]
    fn output_time_and_reading_are_activity() {
        let before = Activity::default();
        let with = |output, ticks, read| Activity {
            output,
            ticks,
            read,
        };
        assert!(with(1, 0, 0).is_after(&before));
        assert!(with(0, 10, 0).is_after(&before));
        assert!(with(0, 0, 1 << 20).is_after(&before));
        assert!(!with(0, 3, 4096).is_after(&before), "idle");
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(Activity::of(own, 0).read > 0);
    }
}

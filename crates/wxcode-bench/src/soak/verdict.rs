//! The verdict on a soak run.

use std::{fmt, sync::atomic::Ordering::Relaxed};

use wxcode_testbed::slope::Slope;

use super::{
    crowd::Crowd,
    traffic::{CLIENTS, Seen},
    window::Window,
};
use crate::samples::Samples;

/// Most certain growth of memory, in KiB a minute: of the server, and of a holder.
const SERVER_RISE: f64 = 64.0;
const HOLDER_RISE: f64 = 1.0;
/// Largest p99 ratio of the last third, as a multiple of the first third's.
const SLOWER: f64 = 2.0;
/// Most additional descriptors of the last third over the first: those of clients just connecting,
/// at both ends.
const DESCRIPTORS: usize = 4 * CLIENTS;

/// A line of the verdict.
pub(super) struct Line {
    pub(super) held: bool,
    what: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.held { "ok    " } else { "FAILED" };
        write!(f, "{word}  {}", self.what)
    }
}

/// Judges the windows; `alive` is the number of remaining sessions.
pub(super) fn judge(windows: &[Window], crowd: &Crowd, seen: &Seen, alive: usize) -> Vec<Line> {
    let total = crowd.all().count();
    let log = crowd.server.log();
    let errors = log
        .lines()
        .filter(|line| line.contains(" ERROR ") || line.contains("panicked"))
        .count();
    vec![
        rise("the server", windows, SERVER_RISE, |window| window.server),
        rise("a holder", windows, HOLDER_RISE, |window| window.holder),
        echo(windows),
        descriptors("the server", windows, |window| window.server_descriptors),
        descriptors("all holders", windows, |window| window.holder_descriptors),
        Line {
            held: alive == total,
            what: format!("sessions that run in the end: {alive} of {total}"),
        },
        Line {
            held: errors == 0,
            what: format!("errors in the server's log: {errors}"),
        },
        meanwhile(seen),
    ]
}

fn meanwhile(seen: &Seen) -> Line {
    let [visits, bytes, deliveries, failed] =
        [&seen.visits, &seen.bytes, &seen.deliveries, &seen.failed]
            .map(|count| count.load(Relaxed));
    let read = bytes as f64 / 1e6;
    Line {
        held: visits > 0 && deliveries > 0 && failed == 0,
        what: format!(
            "meanwhile: {visits} visits that read {read:.1} MB, {deliveries} deliveries were submitted and {failed} not"
        ),
    }
}

/// Only certain growth fails: a short run in noise has a wide interval, and says so.
fn rise(whose: &str, windows: &[Window], bound: f64, value: impl Fn(&Window) -> f64) -> Line {
    let Some(first) = windows.first() else {
        return unknown(format!("memory of {whose}"));
    };
    let minutes = |window: &Window| window.at.duration_since(first.at).as_secs_f64() / 60.0;
    let points: Vec<_> = windows
        .iter()
        .map(|window| (minutes(window), value(window)))
        .collect();
    let Some(Slope { median, low, high }) = Slope::of(&points) else {
        return unknown(format!("memory of {whose}"));
    };
    Line {
        held: low <= bound,
        what: format!(
            "memory of {whose}: {median:+.2} KiB a minute, 95 % between {low:+.2} and {high:+.2}; at most {bound}"
        ),
    }
}

fn echo(windows: &[Window]) -> Line {
    let third = windows.len().div_ceil(3);
    let p99 = |windows: &[Window]| {
        let ratios: Samples = windows.iter().map(|window| window.ratio(0.99)).collect();
        ratios.median()
    };
    let first = p99(&windows[..third]);
    let last = p99(&windows[windows.len() - third..]);
    Line {
        held: last <= SLOWER * first,
        what: format!(
            "p99 of the echo: {last:.1} times the limit's in the last third, {first:.1} in the first; at most {SLOWER} times as much"
        ),
    }
}

fn descriptors(whose: &str, windows: &[Window], count: impl Fn(&Window) -> usize) -> Line {
    let third = windows.len().div_ceil(3);
    let most = |windows: &[Window]| windows.iter().map(&count).max().unwrap_or(0);
    let first = most(&windows[..third]);
    let last = most(&windows[windows.len() - third..]);
    Line {
        held: last <= first + DESCRIPTORS,
        what: format!(
            "descriptors of {whose}: {last} at most in the last third, {first} in the first; at most {DESCRIPTORS} more"
        ),
    }
}

fn unknown(what: String) -> Line {
    Line {
        held: false,
        what: format!("{what}: too few windows"),
    }
}

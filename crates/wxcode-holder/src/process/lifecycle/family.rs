//! All descendants of this process, in any session or group: reaping, asking to end, killing.
//!
//! As a subreaper, this process is an ancestor of all its descendants for its whole life: an orphan
//! becomes its child.
//!
//! Invariant: signals go only to descendants of this process, or to processes known by boot and
//! start time through a handle.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait},
};

use crate::proc;

/// Longest time of a sweep of kills.
const SWEEP: Duration = Duration::from_millis(10);
/// Pause between looks for new processes when the last look found none.
pub(crate) const KILL_AGAIN: Duration = Duration::from_millis(20);

/// Reaps all ended children; `false` when no child, and so no descendant, is left.
pub(crate) fn reap(mut ended: impl FnMut(Pid, WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid, status),
            Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Sends SIGTERM to every descendant.
pub(crate) fn terminate() {
    signal(Signal::TERM, &mut HashSet::new());
}

/// Kills every visible descendant, and processes started by descendants meanwhile, for at most
/// [`SWEEP`]; returns the time of the next look.
///
/// `killed` are the earlier killed processes; the function calls `ended` for every ended child.
pub(crate) fn kill(
    killed: &mut HashSet<(i32, u64)>,
    ended: &mut impl FnMut(Pid, WaitStatus),
) -> Instant {
    let until = Instant::now() + SWEEP;
    loop {
        kill_children(until, ended);
        let fresh = signal(Signal::KILL, killed);
        if !reap(&mut *ended) || !fresh {
            return Instant::now() + KILL_AGAIN;
        }
        // A process that forks as fast as this loop kills must not get a pause.
        if Instant::now() >= until {
            return Instant::now();
        }
    }
}

/// Kills the children repeatedly, as long as new children appear. A chain of short-lived forks
/// always has its youngest orphan among the children; a child keeps its pid until this process
/// reaps the child.
fn kill_children(until: Instant, ended: &mut impl FnMut(Pid, WaitStatus)) {
    let mut last = Vec::new();
    while Instant::now() < until {
        let children = proc::children_of(own());
        if children == last {
            return;
        }
        for pid in children.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        reap(&mut *ended);
        last = children;
    }
}

/// Signals all descendants outside of `known`, and adds them to `known`; returns whether there was
/// a new descendant.
fn signal(signal: Signal, known: &mut HashSet<(i32, u64)>) -> bool {
    let mut fresh = false;
    for stat in proc::with_descendants(&proc::all(), HashSet::from([own()])) {
        if stat.pid != own()
            && !known.contains(&stat.identity())
            && let Some(process) = stat.handle()
        {
            process.signal(signal);
            fresh |= known.insert(stat.identity());
        }
    }
    fresh
}

fn own() -> i32 {
    std::process::id().cast_signed()
}

//! Everything that descends from this process, whatever sessions and groups it made: reaped, told to end, killed to the last.
//!
//! As a subreaper this process is an ancestor of all of it for as long as it lives: an orphan becomes its child.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait},
};

use crate::proc;

/// The longest time that killing takes at once, before whoever asked does something else.
const SWEEP: Duration = Duration::from_millis(10);
/// How often newly started processes are looked for when the last look found none.
pub(super) const KILL_AGAIN: Duration = Duration::from_millis(20);

/// Takes the exits of all children that have ended; `false` when there is no child left, and so no descendant.
pub(super) fn reap(mut ended: impl FnMut(Pid, WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid, status),
            Err(Errno::INTR) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Tells every descendant to end.
pub(super) fn terminate() {
    signal(Signal::TERM, &mut HashSet::new());
}

/// Kills every descendant that is seen, and those that they start meanwhile, for at most [`SWEEP`]; when to look again.
///
/// `killed` are those that were killed before, `ended` is told of every child that has ended.
pub(super) fn kill(
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
        // Whoever forks as fast as this kills must not be given a pause.
        if Instant::now() >= until {
            return Instant::now();
        }
    }
}

/// Kills the children as often as there are other ones than the last time. A process that forks and ends is always the
/// youngest orphan, and so a child; and a child keeps its number until it is reaped here.
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

/// Signals all descendants that are not in `known`, which they are then; whether there was one.
fn signal(signal: Signal, known: &mut HashSet<(i32, u64)>) -> bool {
    let mut fresh = false;
    for stat in proc::with_descendants(&proc::all(), HashSet::from([own()])) {
        if stat.pid != own()
            && !known.contains(&stat.identity())
            && let Some(pidfd) = stat.pin()
        {
            proc::signal(&pidfd, signal);
            fresh |= known.insert(stat.identity());
        }
    }
    fresh
}

fn own() -> i32 {
    std::process::id().cast_signed()
}

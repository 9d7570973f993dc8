//! Ends the remains of a lost holder, and marks the session as lost.

use std::{
    collections::HashSet,
    io,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    EXIT, Exit, FolderError, HolderFile, now,
    orphans::{kill_scope, wait_for_guardian},
    read_exit, write_json,
};
use crate::proc::{self, Stat};

/// Time for the remaining processes to end on SIGTERM.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// Further time after SIGKILL; longer only for processes stuck in the kernel.
const KILL_GRACE: Duration = Duration::from_secs(3);

/// Ends the remains of a lost holder's agent, and records its end.
///
/// Blocks for up to 13 seconds. The holder's guardian ends everything. If the guardian was killed
/// too, boot and start time identify the agent, and the function ends the agent's session, process
/// group and descendants: SIGTERM first, then SIGKILL. With an existing record of the end, the
/// function returns the record and touches nothing.
///
/// # Errors
/// The folder cannot be read or written, or the holder runs after all.
pub fn mark_lost(dir: &Path, holder: &HolderFile, reason: &str) -> Result<Exit, FolderError> {
    if let Some(exit) = read_exit(dir)? {
        return Ok(exit);
    }
    if holder.runs() {
        return Err(FolderError::Io {
            path: dir.to_owned(),
            error: io::Error::new(
                io::ErrorKind::ResourceBusy,
                "the holder runs, so ask it to stop instead",
            ),
        });
    }
    if holder.is_of_this_boot() {
        if let Some(guardian) = holder.guardian() {
            wait_for_guardian(&guardian);
        }
        end_what_is_left(holder);
        kill_scope(holder);
    }
    // The holder may have written a record in its last moment.
    if let Some(exit) = read_exit(dir)? {
        return Ok(exit);
    }
    record(dir, reason)
}

/// Records the end of a session with only a reason, and the end of the session's log.
pub(crate) fn record(dir: &Path, reason: &str) -> Result<Exit, FolderError> {
    let exit = Exit {
        code: None,
        signal: None,
        at: now(),
        reason: reason.to_owned(),
        offset: crate::log::end(dir),
    };
    write_json(dir, EXIT, &exit)?;
    let _ = std::fs::remove_file(dir.join(super::SOCKET));
    Ok(exit)
}

fn end_what_is_left(holder: &HolderFile) {
    for (signal, grace) in [(Signal::TERM, TERM_GRACE), (Signal::KILL, KILL_GRACE)] {
        let until = Instant::now() + grace;
        let mut signaled = HashSet::new();
        // Each round also finds processes started since the last round.
        loop {
            let left = remains(holder);
            if left.is_empty() {
                return;
            }
            let mut watched = Vec::new();
            for stat in left {
                let Some(process) = stat.handle() else {
                    continue;
                };
                if signaled.insert(stat.identity()) {
                    process.signal(signal);
                }
                watched.push(process);
            }
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                break;
            }
            proc::wait_for_one(&watched, rest);
        }
    }
}

/// The agent, its session, its process group, and all their descendants, without the dead.
fn remains(holder: &HolderFile) -> Vec<Stat> {
    let all = proc::all();
    let agent = holder.agent_pid;
    if let Some(now) = all.iter().find(|stat| stat.pid == agent)
        && now.start_time != holder.agent_start_time
    {
        return Vec::new(); // another process reused the pid, so the session has ended
    }
    let roots = all
        .iter()
        .filter(|stat| stat.start_time >= holder.agent_start_time)
        .filter(|stat| stat.pid == agent || stat.session == agent || stat.pgrp == agent)
        .map(|stat| stat.pid)
        .collect();
    proc::with_descendants(&all, roots)
}

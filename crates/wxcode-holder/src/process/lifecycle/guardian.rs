//! The guardian: a holder's parent. Its only work is to end the descendants of a killed holder.
//!
//! A dead holder leaves its descendants to the next subreaper above, the guardian. No other process
//! could find descendants in new sessions.

use std::{
    collections::HashSet,
    io::{Read, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::{Pid, Signal, WaitStatus},
};

use super::{detach, family};
use crate::process::own_log::log;

/// Time for the descendants to end on SIGTERM, before SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// Pause between tries with processes stuck in the kernel.
const KILL_LATER: Duration = Duration::from_secs(1);
/// Time from the first SIGKILL; processes still there count as stuck.
const HELD: Duration = Duration::from_secs(5);

/// Sends a holder's only message to its guardian: the start succeeded, and the requester has the
/// answer.
pub(crate) fn report_start(mut line: std::io::PipeWriter) {
    // Fails only without a guardian.
    let _ = line.write_all(b"1");
}

/// Guards the descendants of `holder` to their end.
///
/// An orderly ended holder may leave orphans of its agent: the guardian reaps the orphans, and ends
/// them on SIGTERM. Any other holder leaves nothing.
pub(crate) fn guard(holder: Pid, mut line: std::io::PipeReader) -> ExitCode {
    let Ok(signals) = detach::signals() else {
        return ExitCode::FAILURE;
    };
    // A starter waits for this process too, if there is nothing to guard.
    let started = line.read_exact(&mut [0]).is_ok();
    drop(line);
    if started {
        let _ = detach::disconnect_caller();
    }
    let mut guard = Guard {
        holder,
        status: None,
        terminated: false,
        childless: false,
    };
    guard.reap();
    while !guard.childless && !guard.is_to_end() {
        wait(&signals, None);
        guard.terminated |= detach::take_signals(&signals).contains(&Signal::TERM.as_raw());
        guard.reap();
    }
    if !guard.childless {
        guard.end(&signals);
    }
    ExitCode::SUCCESS
}

struct Guard {
    holder: Pid,
    status: Option<WaitStatus>,
    /// SIGTERM came.
    terminated: bool,
    childless: bool,
}

impl Guard {
    fn reap(&mut self) {
        let Self { holder, status, .. } = self;
        self.childless = !family::reap(|pid, how| {
            if pid == *holder {
                *status = Some(how);
            }
        });
    }

    /// While the holder lives, SIGTERM is for the holder alone.
    fn is_to_end(&self) -> bool {
        self.status
            .is_some_and(|status| self.terminated || status.exit_status() != Some(0))
    }

    fn end(&mut self, signals: &OwnedFd) {
        if let Some(signal) = self.status.and_then(WaitStatus::terminating_signal) {
            log(&format!(
                "the holder was killed by signal {signal}; ending its processes"
            ));
        }
        family::terminate();
        let kill_at = Instant::now() + TERM_GRACE;
        let mut killed = HashSet::new();
        let mut next = kill_at;
        while !self.childless {
            let now = Instant::now();
            if now >= next {
                next = family::kill(&mut killed, &mut |_, _| {});
                if now >= kill_at + HELD {
                    next = next.max(now + KILL_LATER);
                }
            }
            wait(signals, Some(next));
            detach::take_signals(signals);
            self.reap();
        }
    }
}

fn wait(signals: &OwnedFd, until: Option<Instant>) {
    let timeout = until
        .map(|at| at.saturating_duration_since(Instant::now()))
        .and_then(|left| Timespec::try_from(left).ok());
    let _ = poll(&mut [PollFd::new(signals, PollFlags::IN)], timeout.as_ref());
}

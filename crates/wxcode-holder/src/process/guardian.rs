//! The parent of a holder: a process that does nothing but end the family of a holder that was killed.
//!
//! A holder that dies leaves its descendants to the next subreaper above it, which is this one. What the agent started
//! in sessions of its own could not be found by anybody else any more.

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

use super::{detach, family, log};

/// How long the family may take to end on SIGTERM, before SIGKILL.
const TERM_GRACE: Duration = Duration::from_secs(2);
/// How often it is tried again with processes that the kernel holds, once that is clear.
const KILL_LATER: Duration = Duration::from_secs(1);
/// When it is clear, after the first SIGKILL.
const HELD: Duration = Duration::from_secs(5);

/// What a holder tells its guardian once: that it will live on, and nobody waits for its start any more.
pub(super) fn let_go(mut line: std::io::PipeWriter) {
    // Without a guardian it is nobody's business.
    let _ = line.write_all(b"1");
}

/// Guards the family of `holder` to its end.
///
/// A holder that ends in order may leave processes behind, which its agent left when it ended by itself: they are reaped
/// here, and ended when SIGTERM says so. Of any other holder nothing is left.
pub(super) fn guard(holder: Pid, mut line: std::io::PipeReader) -> ExitCode {
    let Ok(signals) = detach::signals() else {
        return ExitCode::FAILURE;
    };
    // Whoever waits for the start also waits for this process, if there is nothing to guard.
    let started = line.read_exact(&mut [0]).is_ok();
    drop(line);
    if started {
        let _ = detach::hang_up();
    }
    let mut guard = Guard {
        holder,
        status: None,
        told: false,
        childless: false,
    };
    guard.reap();
    while !guard.childless && !guard.is_to_end() {
        wait(&signals, None);
        guard.told |= detach::take_signals(&signals).contains(&Signal::TERM.as_raw());
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
    told: bool,
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

    /// While the holder lives SIGTERM is for it alone.
    fn is_to_end(&self) -> bool {
        self.status
            .is_some_and(|status| self.told || status.exit_status() != Some(0))
    }

    fn end(&mut self, signals: &OwnedFd) {
        if let Some(signal) = self.status.and_then(WaitStatus::terminating_signal) {
            log(&format!(
                "the holder was killed by signal {signal}: what it held is ended"
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

//! The phase of a session: running, draining or ended; and a stop in progress.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use rustix::{
    fd::OwnedFd,
    io::fcntl_dupfd_cloexec,
    process::{Pid, WaitStatus},
};

use super::{family, oom::Kills};
use crate::folder::{Exit, OOM_KILLED, TERMINATED, now};

/// Longest time after the agent's end for reading its terminal while bytes still arrive.
const MAX_DRAIN: Duration = Duration::from_millis(500);
/// Time for connections to receive the exit.
const MAX_FLUSH: Duration = Duration::from_secs(2);
/// The grace of a stop by SIGTERM to the holder.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);
/// Time after SIGKILL for processes stuck in the kernel.
const MAX_KILL: Duration = Duration::from_secs(5);

/// The phase of the session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// The agent lives.
    Running,
    /// The agent has ended; the holder reads the last bytes until this time at most.
    Draining(Instant),
    /// The agent's end is recorded; connections receive the end until this time at most.
    Ended(Instant),
}

/// A stop of everything in progress.
#[derive(Clone, Debug)]
struct Stop {
    /// The reason for the exit record.
    reason: &'static str,
    /// SIGKILL from here on.
    kill_at: Instant,
    give_up_at: Instant,
    /// The next search for remaining processes.
    next: Instant,
    /// Processes killed so far.
    killed: HashSet<(i32, u64)>,
}

/// The life of the agent and its descendants.
pub(crate) struct Life {
    agent: Pid,
    /// SIGTERM and SIGCHLD arrive here.
    signals: OwnedFd,
    /// Released for the end: finding and recording processes takes two descriptors at a time.
    reserve: Vec<OwnedFd>,
    phase: Phase,
    stop: Option<Stop>,
    status: Option<WaitStatus>,
    /// No child is left, and so no descendant.
    childless: bool,
    /// Kills for lack of memory in the session's cgroup.
    kills: Kills,
    /// A kill was counted at the agent's end.
    out_of_memory: bool,
    exit: Option<Exit>,
}

impl Life {
    pub(crate) fn new(agent: Pid, signals: OwnedFd, kills: Kills) -> Self {
        let spare = || fcntl_dupfd_cloexec(&signals, 3).ok();
        Self {
            agent,
            reserve: spare().into_iter().chain(spare()).collect(),
            signals,
            phase: Phase::Running,
            stop: None,
            status: None,
            childless: false,
            kills,
            out_of_memory: false,
            exit: None,
        }
    }

    pub(crate) fn signals(&self) -> &OwnedFd {
        &self.signals
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// Whether the agent lives and nothing is to end it.
    pub(crate) fn is_upgradable(&self) -> bool {
        self.is_running() && self.stop.is_none()
    }

    /// The recorded end.
    pub(crate) fn exit(&self) -> Option<&Exit> {
        self.exit.as_ref()
    }

    /// Kills for lack of memory so far.
    pub(crate) fn kills(&self) -> u64 {
        self.kills.count()
    }

    /// Counts kills for lack of memory, so that the count is recent at the agent's end.
    pub(crate) fn count_kills(&mut self, now: Instant) {
        if self.is_running() {
            self.kills.refresh(now);
        }
    }

    /// Ends the agent and all descendants of this process on a client's request; a repetition only
    /// shortens the grace.
    pub(crate) fn stop(&mut self, grace: Duration) {
        self.end_family(grace, "stopped");
    }

    /// The same on SIGTERM.
    pub(crate) fn terminate(&mut self) {
        self.end_family(DEFAULT_GRACE, TERMINATED);
    }

    fn end_family(&mut self, grace: Duration, reason: &'static str) {
        let at = Instant::now() + grace;
        self.reserve.clear();
        let stop = self.stop.get_or_insert_with(|| {
            family::terminate();
            Stop {
                reason,
                kill_at: at,
                give_up_at: at,
                next: at,
                killed: HashSet::new(),
            }
        });
        stop.kill_at = stop.kill_at.min(at);
        stop.give_up_at = stop.kill_at + MAX_KILL;
        stop.next = stop.kill_at;
    }

    /// Reaps all ended children: the agent, and orphans of its tree. Returns whether the agent
    /// ended.
    pub(crate) fn reap(&mut self) -> bool {
        let (agent, mut status) = (self.agent, None);
        self.childless = !family::reap(|pid, how| {
            if pid == agent {
                status = Some(how);
            }
        });
        self.note_end(status)
    }

    fn note_end(&mut self, status: Option<WaitStatus>) -> bool {
        let Some(status) = status.filter(|status| status.exited() || status.signaled()) else {
            return false;
        };
        let now = Instant::now();
        self.reserve.clear();
        self.status = Some(status);
        self.out_of_memory = self.kills.happened(now);
        self.phase = Phase::Draining(now + MAX_DRAIN);
        true
    }

    /// Kills the rest once the grace of a stop is over. Returns whether the agent ended, and
    /// whether the stop, if any, is complete.
    pub(crate) fn press(&mut self, now: Instant) -> (bool, bool) {
        let Some(stop) = &mut self.stop else {
            return (false, true);
        };
        if self.childless || now >= stop.give_up_at {
            return (false, true);
        }
        if now < stop.next {
            return (false, false);
        }
        let (agent, mut status) = (self.agent, None);
        stop.next = family::kill(&mut stop.killed, &mut |pid, how| {
            if pid == agent {
                status = Some(how);
            }
        });
        let mut ended = self.note_end(status);
        // There may be no child left to report the end.
        ended |= self.reap();
        (ended, self.childless)
    }

    /// The time of the next [`Life::press`].
    pub(crate) fn press_due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Ended(_) => None,
            _ => self.stop.as_ref().map(|stop| stop.next),
        }
    }

    /// The end, in its recorded form.
    pub(crate) fn ended(&self, offset: u64) -> Exit {
        let code = self.status.and_then(WaitStatus::exit_status);
        let signal = self.status.and_then(WaitStatus::terminating_signal);
        let reason = match (&self.stop, signal) {
            (Some(stop), _) => stop.reason,
            (None, Some(9)) if self.out_of_memory => OOM_KILLED,
            (None, Some(_)) => "signaled",
            (None, None) => "exited",
        };
        Exit {
            code,
            signal,
            at: now(),
            reason: reason.to_owned(),
            offset,
        }
    }

    /// The end is recorded: connections receive it now.
    pub(crate) fn recorded(&mut self, exit: Exit, at: Instant) {
        self.exit = Some(exit);
        self.phase = Phase::Ended(at + MAX_FLUSH);
    }

    /// Whether a stop gave up with processes left: then the guardian ends the rest, as after any
    /// failure.
    pub(crate) fn leaves_processes(&self) -> bool {
        self.stop.is_some() && !self.childless
    }

    /// Kills all processes, and waits for them at most [`MAX_KILL`].
    pub(crate) fn kill_all(&mut self) {
        let until = Instant::now() + MAX_KILL;
        self.reserve.clear();
        let mut killed = HashSet::new();
        while !self.childless && Instant::now() < until {
            let next = family::kill(&mut killed, &mut |_, _| {});
            self.childless = !family::reap(|_, _| {});
            if !self.childless {
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        }
    }
}

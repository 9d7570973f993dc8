//! The end of a session: the agent's own or on request, its last bytes, its record, its
//! descendants.

use std::{
    collections::HashSet,
    io,
    time::{Duration, Instant},
};

use rustix::process::WaitStatus;
use wxcode_terminal::Screen;

use super::{
    family,
    holder::{Holder, Phase},
    log,
    peer::{self, Peer},
};
use crate::folder::{
    EXIT, Exit, HOLDER, HOOK, OOM_KILLED, SCREEN, SOCKET, TERMINATED, now, write_json, write_whole,
};

/// Longest time after the agent's end for reading its terminal while bytes still arrive.
pub(super) const MAX_DRAIN: Duration = Duration::from_millis(500);
/// Silence after the agent's end after which its terminal counts as drained.
const DRAIN_QUIET: Duration = Duration::from_millis(50);
/// More bytes than the kernel holds for a terminal.
const KERNEL_BUFFER: u64 = 256 << 10; // 256 KiB
/// Time for connections to receive the exit.
const MAX_FLUSH: Duration = Duration::from_secs(2);
/// The grace of a stop by SIGTERM to the holder.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);
/// Time after SIGKILL for processes stuck in the kernel.
const MAX_KILL: Duration = Duration::from_secs(5);

/// A stop of everything in progress.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// The reason for the exit record.
    reason: &'static str,
    /// SIGKILL from here on.
    kill_at: Instant,
    give_up_at: Instant,
    /// The next look for remaining processes.
    next: Instant,
    /// Processes killed so far.
    killed: HashSet<(i32, u64)>,
}

impl Holder {
    /// Ends the agent and all descendants of this process on a client's request; a repetition only
    /// shortens the grace.
    pub(super) fn stop(&mut self, grace: Duration) {
        self.end_family(grace, "stopped");
    }

    /// The same on SIGTERM.
    pub(super) fn terminate(&mut self) {
        self.end_family(DEFAULT_GRACE, TERMINATED);
    }

    fn end_family(&mut self, grace: Duration, reason: &'static str) {
        let at = Instant::now() + grace;
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

    /// Reaps all ended children: the agent, and orphans of its tree.
    pub(super) fn reap(&mut self) {
        let (agent, mut agents) = (self.agent, None);
        self.childless = !family::reap(|pid, status| {
            if pid == agent {
                agents = Some(status);
            }
        });
        if let Some(status) = agents {
            self.agent_ended(status);
        }
    }

    fn agent_ended(&mut self, status: WaitStatus) {
        if !(status.exited() || status.signaled()) {
            return;
        }
        let now = Instant::now();
        self.status = Some(status);
        self.out_of_memory = self.kills.happened(now);
        self.pty.release();
        self.last_byte = now;
        self.dry = false;
        self.end_at_exit = self.ring.end();
        self.phase = Phase::Draining(now + MAX_DRAIN);
    }

    /// The time of the next [`Holder::end_when_due`].
    pub(super) fn ending_due(&self) -> Option<Instant> {
        let stop = match self.phase {
            Phase::Ended(_) => None,
            _ => self.stop.as_ref().map(|stop| stop.next),
        };
        let phase = match self.phase {
            Phase::Running => None,
            Phase::Draining(until) if !self.drained => {
                Some(until.min(self.last_byte + DRAIN_QUIET))
            }
            Phase::Draining(_) => None,
            Phase::Ended(until) => Some(until),
        };
        stop.into_iter().chain(phase).min()
    }

    /// Continues the end.
    pub(super) fn end_when_due(&mut self, peers: &mut [Peer]) {
        let now = Instant::now();
        let gone = self.press(now);
        if let Phase::Draining(until) = self.phase {
            // Bytes in the kernel at the agent's end are read in any case.
            let beyond = self.ring.end() > self.end_at_exit + KERNEL_BUFFER;
            self.drained |= now >= until && (self.dry || beyond);
            self.drained |= now >= self.last_byte + DRAIN_QUIET && self.dry;
            if self.drained && gone {
                self.finish(peers, now);
            }
        }
    }

    /// Whether the session has ended and every reachable client has heard of it.
    pub(super) fn is_over(&self, peers: &[Peer]) -> bool {
        let told = |peer: &Peer| {
            let open = peer.phase == peer::Phase::Open;
            !open || (peer.told_exit && peer.is_flushed())
        };
        match self.phase {
            Phase::Ended(until) => Instant::now() >= until || peers.iter().all(told),
            _ => false,
        }
    }

    /// After a stop that gave up, the guardian ends the rest, as after any failure.
    pub(super) fn leave_nothing(&self) -> io::Result<()> {
        match self.stop.is_none() || self.childless {
            true => Ok(()),
            false => Err(io::Error::other("SIGKILL has not ended all processes yet")),
        }
    }

    /// Kills the rest once the grace is over; returns whether the stop is complete.
    fn press(&mut self, now: Instant) -> bool {
        let Some(stop) = &mut self.stop else {
            return true;
        };
        if self.childless || now >= stop.give_up_at {
            return true;
        }
        if now < stop.next {
            return false;
        }
        let (agent, mut agents) = (self.agent, None);
        stop.next = family::kill(&mut stop.killed, &mut |pid, status| {
            if pid == agent {
                agents = Some(status);
            }
        });
        if let Some(status) = agents {
            self.agent_ended(status);
        }
        // There may be no child left to report it.
        self.reap();
        self.childless
    }

    fn finish(&mut self, peers: &mut [Peer], at: Instant) {
        let code = self.status.and_then(WaitStatus::exit_status);
        let signal = self.status.and_then(WaitStatus::terminating_signal);
        let reason = match (&self.stop, signal) {
            (Some(stop), _) => stop.reason,
            (None, Some(9)) if self.out_of_memory => OOM_KILLED,
            (None, Some(_)) => "signaled",
            (None, None) => "exited",
        };
        let exit = Exit {
            code,
            signal,
            at: now(),
            reason: reason.to_owned(),
            offset: self.ring.end(),
        };
        self.refuse_inputs(peers);
        // Before the record, so that a reader of the exit finds the log whole.
        self.log.exited(&exit, at);
        let snapshot = self.screen.snapshot();
        let screen = write_whole(&self.dir, SCREEN, &snapshot);
        let written = screen.and(write_json(&self.dir, EXIT, &exit));
        if let Err(error) = written {
            log(&format!("the exit cannot be recorded: {error}"));
        }
        self.exit = Some(exit);
        // From now on a new client finds no listener, and the record.
        self.listener = None;
        for name in [SOCKET, HOOK] {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
        self.phase = Phase::Ended(at + MAX_FLUSH);
    }

    /// Ends the agent and removes the files of the start.
    pub(super) fn undo(mut self) {
        let until = Instant::now() + MAX_KILL;
        let mut killed = HashSet::new();
        while !self.childless && Instant::now() < until {
            let next = family::kill(&mut killed, &mut |_, _| {});
            self.childless = !family::reap(|_, _| {});
            if !self.childless {
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        }
        for name in [SOCKET, HOOK, HOLDER] {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
    }
}

//! How a session ends: the agent by itself or by order, its last bytes, its record, its family.

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

/// How long after the agent's end its terminal is read while bytes still come.
pub(super) const MAX_DRAIN: Duration = Duration::from_millis(500);
/// With the agent gone and no byte for this long the terminal is read out.
const DRAIN_QUIET: Duration = Duration::from_millis(50);
/// More bytes than the kernel holds for a terminal.
const KERNEL_BUFFER: u64 = 256 << 10; // 256 KiB
/// How long connections may take to hear of the exit.
const MAX_FLUSH: Duration = Duration::from_secs(2);
/// The grace of a stop by SIGTERM to the holder.
const DEFAULT_GRACE: Duration = Duration::from_secs(5);
/// How long after SIGKILL processes that the kernel holds are waited for.
const MAX_KILL: Duration = Duration::from_secs(5);

/// An order to end everything.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// Why, as the exit tells it.
    reason: &'static str,
    /// SIGKILL from here on.
    kill_at: Instant,
    give_up_at: Instant,
    /// The next look for what is left.
    next: Instant,
    /// What was killed.
    killed: HashSet<(i32, u64)>,
}

impl Holder {
    /// Ends the agent and all that descends from this process, as a client asks; a repeat only shortens the grace.
    pub(super) fn stop(&mut self, grace: Duration) {
        self.end_family(grace, "stopped");
    }

    /// The same, as the system asks.
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

    /// Takes the exits of all children: the agent's, and those of orphans of its family.
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

    /// When [`Holder::end_when_due`] is to be called next.
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

    /// Goes on with the ending.
    pub(super) fn end_when_due(&mut self, peers: &mut [Peer]) {
        let now = Instant::now();
        let gone = self.press(now);
        if let Phase::Draining(until) = self.phase {
            // What the kernel held when the agent ended is read in any case.
            let beyond = self.ring.end() > self.end_at_exit + KERNEL_BUFFER;
            self.drained |= now >= until && (self.dry || beyond);
            self.drained |= now >= self.last_byte + DRAIN_QUIET && self.dry;
            if self.drained && gone {
                self.finish(peers, now);
            }
        }
    }

    /// Whether the session has ended and all who can hear of it have.
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

    /// After a stop that gave up the rest is the guardian's, which goes on after any failure.
    pub(super) fn leave_nothing(&self) -> io::Result<()> {
        match self.stop.is_none() || self.childless {
            true => Ok(()),
            false => Err(io::Error::other("SIGKILL has not ended all processes yet")),
        }
    }

    /// Kills what is left once the grace is over; whether a stop waits for nothing more.
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
        // There may be no child left to tell of it.
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
        // Before the record, so that whoever sees the exit finds the log whole.
        self.log.exited(&exit, at);
        let dump = self.screen.dump();
        let screen = write_whole(&self.dir, SCREEN, &dump);
        let written = screen.and(write_json(&self.dir, EXIT, &exit));
        if let Err(error) = written {
            log(&format!("the exit cannot be recorded: {error}"));
        }
        self.exit = Some(exit);
        // Whoever comes now finds no one, and the record.
        self.listener = None;
        for name in [SOCKET, HOOK] {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
        self.phase = Phase::Ended(at + MAX_FLUSH);
    }

    /// Ends the agent and removes what the start made.
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

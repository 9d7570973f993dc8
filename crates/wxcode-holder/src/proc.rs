//! Reads `/proc`: parents and children, and the identity of a process with a pid.
//!
//! Invariant: the holder never trusts a bare pid. Pid, start time and boot identify a process. A
//! signal goes only to a descendant of the sender, or to a process identified by boot and start
//! time through its [`Handle`].

use std::{
    collections::HashSet,
    fs, io,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal},
};

/// Pause between looks at a process without a descriptor.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Fields of `/proc/<pid>/stat` that identify and relate processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: i32,
    pub(crate) state: u8,
    pub(crate) ppid: i32,
    pub(crate) pgrp: i32,
    pub(crate) session: i32,
    /// In clock ticks since the boot.
    pub(crate) start_time: u64,
}

impl Stat {
    /// Reads the process with a pid, if any.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Opens a handle on exactly this process; `None` when the process is gone.
    pub(crate) fn handle(&self) -> Option<Handle> {
        let pidfd = match pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(Errno::SRCH | Errno::INVAL) => return None,
            // Linux before 5.3, a seccomp filter, or no descriptor left.
            Err(_) => None,
        };
        // The pid cannot be reused while the descriptor is open, so the comparison holds.
        self.is_there().then(|| Handle {
            pidfd,
            stat: self.clone(),
        })
    }

    /// Whether the pid still means this process.
    fn is_there(&self) -> bool {
        Self::of(self.pid).is_some_and(|now| now.start_time == self.start_time)
    }

    /// The identity among all processes of this boot.
    pub(crate) fn identity(&self) -> (i32, u64) {
        (self.pid, self.start_time)
    }

    /// Whether the process has ended and waits to be reaped.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    fn parse(line: &[u8]) -> Option<Self> {
        // The name in parentheses may contain parentheses and spaces.
        let open = line.iter().position(|&b| b == b'(')?;
        let close = line.iter().rposition(|&b| b == b')')?;
        let pid = std::str::from_utf8(&line[..open]).ok()?.trim();
        let rest = std::str::from_utf8(line.get(close + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            pid: pid.parse().ok()?,
            state: *fields.first()?.as_bytes().first()?,
            ppid: fields.get(1)?.parse().ok()?,
            pgrp: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_time: fields.get(19)?.parse().ok()?,
        })
    }
}

/// A handle on a process, safe against pid reuse: by a descriptor, or else by a look at the start
/// time right before each signal.
#[derive(Debug)]
pub(crate) struct Handle {
    pidfd: Option<OwnedFd>,
    stat: Stat,
}

impl Handle {
    /// Signals the process, and continues a stopped process, so that the signal arrives.
    pub(crate) fn signal(&self, signal: Signal) {
        self.send(signal);
        if signal != Signal::KILL {
            self.send(Signal::CONT);
        }
    }

    fn send(&self, signal: Signal) {
        // The process may be gone, or belong to another user; the caller looks again.
        let sent = match &self.pidfd {
            Some(pidfd) => pidfd_send_signal(pidfd, signal),
            None => Err(Errno::NOSYS),
        };
        if let Err(Errno::NOSYS | Errno::PERM) = sent
            && self.stat.is_there()
            && let Some(pid) = Pid::from_raw(self.stat.pid)
        {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until the process has ended, for at most this time; returns whether the process has
    /// ended.
    pub(crate) fn wait(&self, most: Duration) -> bool {
        wait_for_one(std::slice::from_ref(self), most)
    }

    fn has_ended(&self) -> bool {
        Stat::of(self.stat.pid)
            .is_none_or(|now| now.start_time != self.stat.start_time || now.is_dead())
    }
}

/// Waits until at least one of the processes has ended, for at most this time; returns whether a
/// process has ended.
pub(crate) fn wait_for_one(handles: &[Handle], most: Duration) -> bool {
    let until = Instant::now().checked_add(most);
    let pidfds = handles.iter().filter_map(|handle| handle.pidfd.as_ref());
    let mut fds: Vec<_> = pidfds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let looks = fds.len() < handles.len();
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let pause = match looks {
            true => Some(left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN))),
            false => left,
        };
        let timeout = pause.and_then(|pause| Timespec::try_from(pause).ok());
        let ended = poll(&mut fds, timeout.as_ref()).is_ok_and(|ended| ended > 0)
            || (looks && handles.iter().any(Handle::has_ended));
        if ended || left.is_some_and(|left| left.is_zero()) {
            return ended;
        }
    }
}

/// The children of a single-threaded process, including children waiting to be reaped. A child may
/// be missing while its siblings end, and on kernels without lists of children.
pub(crate) fn children_of(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_ascii_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect()
}

/// The kernel's id of the present boot.
pub(crate) fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?
        .trim()
        .to_owned())
}

/// The start of process 1, if visible.
pub(crate) fn init_start_time() -> Option<u64> {
    Stat::of(1).map(|init| init.start_time)
}

/// All visible processes.
pub(crate) fn all() -> Vec<Stat> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Stat::of)
        .collect()
}

/// The `roots` among `all` and their descendants, without dead processes.
pub(crate) fn with_descendants(all: &[Stat], roots: HashSet<i32>) -> Vec<Stat> {
    let mut family = roots;
    // A round adds a generation; a child may precede its parent in the list.
    loop {
        let before = family.len();
        for stat in all {
            if family.contains(&stat.ppid) {
                family.insert(stat.pid);
            }
        }
        if family.len() == before {
            break;
        }
    }
    all.iter()
        .filter(|stat| family.contains(&stat.pid) && !stat.is_dead())
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_are_parsed() {
        let line = b"42 (a) b (c)) S 7 42 42 34816 42 4194304 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1\n";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(
            (stat.pid, stat.state, stat.ppid, stat.pgrp, stat.session),
            (42, b'S', 7, 42, 42)
        );
        assert_eq!(stat.start_time, 12345);
    }

    #[test]
    fn this_process_descends_from_its_parent() {
        let own = Stat::of(std::process::id() as i32).unwrap();
        assert!(!own.is_dead());
        let family = with_descendants(&all(), HashSet::from([own.ppid]));
        assert!(family.iter().any(|stat| stat.pid == own.pid));
    }
}

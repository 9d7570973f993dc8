//! Measures the depth of a process below the agent in the process tree.

pub use wxcode_protocol::{Ancestry, MAX_GENERATIONS};

use crate::proc::Stat;

/// Measures the present depth of process `pid` below a session's agent, given by pid and start. A
/// process with an ended ancestor is no descendant: the holder has adopted the process.
#[must_use]
pub fn of(pid: i32, agent: (i32, u64)) -> Ancestry {
    below(pid, agent, Stat::of).map_or(Ancestry::Foreign, Ancestry::Below)
}

/// Most ancestors of a process that [`line`] follows.
const LINE_MAX: usize = 1_024;
/// Most attempts at a line that changes meanwhile.
const ATTEMPTS_MAX: usize = 3;
/// The name of a holder's process.
const HOLDER: &[u8] = b"wxcode-holder";

/// A process and its ancestors, youngest first; `None` if the process ended, if the line changes
/// with each look, or if it has more than 1,024 processes.
///
/// The line ends below an ancestor that the system hides (`hidepid` of `/proc`): such a process
/// belongs to another user.
#[must_use]
pub fn line(pid: i32) -> Option<Vec<i32>> {
    (0..ATTEMPTS_MAX).find_map(|_| line_in(pid, Stat::of))
}

fn line_in(pid: i32, stat: impl Fn(i32) -> Option<Stat>) -> Option<Vec<i32>> {
    let mut process = stat(pid)?;
    let mut line = vec![pid];
    while process.ppid != 0 {
        if line.len() > LINE_MAX {
            return None;
        }
        let Some(parent) = stat(process.ppid) else {
            // A process whose parent has ended has another parent.
            let again = stat(process.pid)?;
            let is_same = (again.ppid, again.start_time) == (process.ppid, process.start_time);
            return is_same.then_some(line);
        };
        if parent.start_time > process.start_time {
            return None;
        }
        line.push(parent.pid);
        process = parent;
    }
    Some(line)
}

/// Whether a process is an agent, or a tool of one: it runs below a holder that this process does
/// not run below itself. `None` if unknown.
///
/// A holder is the subreaper of its agent, so no process leaves the holder by losing its parent. A
/// process with a holder's name locks out only itself and its descendants.
#[must_use]
pub fn is_of_agent(pid: i32) -> Option<bool> {
    let own = line(std::process::id().cast_signed())?;
    let above = own.get(1..).unwrap_or_default();
    let mut others = line(pid)?.into_iter().filter(|pid| !above.contains(pid));
    Some(others.any(is_holder))
}

fn is_holder(pid: i32) -> bool {
    let name = std::fs::read(format!("/proc/{pid}/comm"));
    name.is_ok_and(|name| name.trim_ascii_end() == HOLDER)
}

/// The start of the living process `pid`, in clock ticks since the boot; `None` without one.
#[must_use]
pub fn started(pid: i32) -> Option<u64> {
    let stat = Stat::of(pid).filter(|stat| !stat.is_dead())?;
    Some(stat.start_time)
}

/// The generations from `agent` (pid and start) down to `pid`.
fn below(pid: i32, agent: (i32, u64), stat: impl Fn(i32) -> Option<Stat>) -> Option<u8> {
    let mut process = stat(pid)?;
    for generations in 0..=MAX_GENERATIONS {
        if process.pid == agent.0 {
            return (process.start_time == agent.1).then_some(generations);
        }
        let parent = stat(process.ppid)?;
        // A parent is older than its child: a younger process has the reused pid of a dead parent.
        if parent.start_time > process.start_time {
            return None;
        }
        process = parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world of processes: pid, parent, start.
    fn world(processes: &[(i32, i32, u64)]) -> impl Fn(i32) -> Option<Stat> {
        move |pid| {
            let (pid, ppid, start_time) = *processes.iter().find(|(p, ..)| *p == pid)?;
            Some(Stat {
                pid,
                state: b'S',
                ppid,
                pgrp: pid,
                session: pid,
                start_time,
            })
        }
    }

    #[test]
    fn generations_are_counted_up_to_the_agent() {
        let world = world(&[
            (1, 0, 0),
            (5, 1, 5),
            (10, 5, 10),
            (11, 10, 11),
            (12, 11, 12),
            (20, 5, 20),
        ]);
        let agent = (10, 10);
        assert_eq!(below(10, agent, &world), Some(0));
        assert_eq!(below(12, agent, &world), Some(2));
        assert_eq!(below(20, agent, &world), None, "adopted by the holder");
        assert_eq!(below(99, agent, &world), None, "gone");
        assert_eq!(
            below(12, (10, 9), &world),
            None,
            "another one of that number"
        );
    }

    #[test]
    fn a_reused_pid_is_no_parent() {
        let world = world(&[(10, 1, 10), (11, 10, 30), (12, 11, 12)]);
        assert_eq!(below(12, (10, 10), world), None);
    }

    #[test]
    fn a_line_ends_at_the_first_process() {
        let processes = [(1, 0, 0), (5, 1, 5), (11, 5, 11), (12, 99, 12), (13, 13, 1)];
        assert_eq!(line_in(11, world(&processes)), Some(vec![11, 5, 1]));
        assert_eq!(line_in(12, world(&processes)), Some(vec![12]), "hidden");
        for unknown in [13, 98] {
            assert_eq!(line_in(unknown, world(&processes)), None, "{unknown}");
        }
    }

    #[test]
    fn a_changed_parent_makes_a_line_unknown() {
        let looks = std::cell::Cell::new(0);
        let changing = |pid| {
            looks.set(looks.get() + 1);
            let parent = if looks.get() > 2 { 1 } else { 5 };
            world(&[(1, 0, 0), (11, parent, 11)])(pid)
        };
        assert_eq!(line_in(11, changing), None);
        assert_eq!(line_in(11, changing), Some(vec![11, 1]));
    }

    #[test]
    fn this_process_is_no_agent_to_itself() {
        let own = std::process::id().cast_signed();
        assert_eq!(is_of_agent(own), Some(false));
        assert_eq!(is_of_agent(i32::MAX), None);
    }

    #[test]
    fn the_walk_is_bounded() {
        assert_eq!(
            below(12, (10, 10), world(&[(11, 12, 1), (12, 11, 1)])),
            None
        );
        let line: Vec<_> = (0..=100).map(|n| (100 + n, 99 + n, 1)).collect();
        assert_eq!(below(100 + 64, (100, 1), world(&line)), Some(64));
        assert_eq!(below(100 + 65, (100, 1), world(&line)), None);
    }

    #[test]
    fn this_process_is_one_below_its_parent() {
        let own = Stat::of(std::process::id().cast_signed()).unwrap();
        let parent = Stat::of(own.ppid).unwrap();
        assert_eq!(
            below(own.pid, (parent.pid, parent.start_time), Stat::of),
            Some(1)
        );
    }
}

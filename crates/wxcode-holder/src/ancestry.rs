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

/// A process and its ancestors, youngest first; `None` if one of them ended meanwhile, or if there
/// are more than 1,024.
#[must_use]
pub fn line(pid: i32) -> Option<Vec<i32>> {
    line_in(pid, Stat::of)
}

fn line_in(pid: i32, stat: impl Fn(i32) -> Option<Stat>) -> Option<Vec<i32>> {
    let mut process = stat(pid)?;
    let mut line = vec![pid];
    while process.ppid != 0 {
        if line.len() > LINE_MAX {
            return None;
        }
        let parent = stat(process.ppid)?;
        if parent.start_time > process.start_time {
            return None;
        }
        line.push(parent.pid);
        process = parent;
    }
    Some(line)
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
        for unknown in [12, 13, 98] {
            assert_eq!(line_in(unknown, world(&processes)), None, "{unknown}");
        }
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

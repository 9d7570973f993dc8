//! The kernel's figures of a process: memory, processor time, sleeps.

use std::{fs, ops::Sub, thread, time::Duration};

use anyhow::Context;

/// A process's memory with its share of shared pages, in KiB.
pub(crate) fn pss(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "Pss:")
}

/// The anonymous part of the memory: the system adds and drops file pages at will, so file pages
/// show no leaks.
pub(crate) fn anonymous(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "Pss_Anon:")
}

fn memory(pid: u32, what: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(what))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{path} has no line {what}"))
}

/// The most memory of this process so far, in KiB.
pub(crate) fn peak() -> anyhow::Result<f64> {
    peak_of(std::process::id())
}

/// The most memory of a process so far, in KiB.
pub(crate) fn peak_of(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{path} has no line VmHWM"))
}

/// The number of entries in a folder of the process: `fd` for descriptors, `task` for threads.
pub(crate) fn count(pid: u32, what: &str) -> anyhow::Result<usize> {
    let path = format!("/proc/{pid}/{what}");
    let entries = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(entries.count())
}

/// The interval between two readings of memory.
const SETTLE: Duration = Duration::from_millis(300);
/// Readings until memory counts as settled in any case.
const LOOKS: usize = 20;

/// [`pss`] once the memory stays within 2 %: no event marks the end of a process's work.
pub(crate) fn settled(pid: u32) -> anyhow::Result<f64> {
    let mut last = pss(pid)?;
    for _ in 0..LOOKS {
        thread::sleep(SETTLE);
        let now = pss(pid)?;
        if (now - last).abs() <= last * 0.02 {
            return Ok(now);
        }
        last = now;
    }
    Ok(last)
}

/// Usage of a process since its start, over all threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time in seconds.
    pub(crate) seconds: f64,
    /// Voluntary sleeps of the process's threads.
    pub(crate) sleeps: u64,
}

impl Usage {
    /// The usage up to now; zero for an ended process.
    pub(crate) fn of(pid: u32) -> Self {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
            return Self::default();
        };
        let mut usage = Self::default();
        for task in tasks.flatten() {
            let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let nanoseconds = read("schedstat")
                .split_whitespace()
                .next()
                .and_then(|first| first.parse().ok())
                .unwrap_or(0.0);
            usage.seconds += nanoseconds / 1e9;
            usage.sleeps += read("status")
                .lines()
                .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
                .and_then(|count| count.trim().parse::<u64>().ok())
                .unwrap_or(0);
        }
        usage
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            seconds: self.seconds - before.seconds,
            sleeps: self.sleeps - before.sleeps,
        }
    }
}

//! What the kernel says of a process: memory, time on a processor, how often it waited.

use std::{fs, ops::Sub, thread, time::Duration};

use anyhow::Context;

/// Memory of a process, shared pages counted in part, in KiB.
pub(crate) fn pss(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "Pss:")
}

/// The part of it that is no file's: the system takes and gives pages of programs as it likes, so that they tell nothing of a leak.
pub(crate) fn anonymous(pid: u32) -> anyhow::Result<f64> {
    memory(pid, "Pss_Anon:")
}

fn memory(pid: u32, what: &str) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    text.lines()
        .find_map(|line| line.strip_prefix(what))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .with_context(|| format!("{path} says nothing of {what}"))
}

/// How many entries a process has in this folder of its own: `fd` for its descriptors, `task` for its threads.
pub(crate) fn count(pid: u32, what: &str) -> anyhow::Result<usize> {
    let path = format!("/proc/{pid}/{what}");
    let entries = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    Ok(entries.count())
}

/// Between two looks at memory.
const SETTLE: Duration = Duration::from_millis(300);
/// Looks until memory counts as settled, whatever it does.
const LOOKS: usize = 20;

/// [`pss`] once it stays within 2 %: nothing tells when a process has done all that an event asks of it.
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

/// What a process has used since its start, all threads together.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Seconds on a processor.
    pub(crate) seconds: f64,
    /// How often a thread of it went to sleep, to be woken again.
    pub(crate) sleeps: u64,
}

impl Usage {
    /// Up to now; nothing of a process that is gone.
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

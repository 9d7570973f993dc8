//! The system's process table: working folders and ancestry.

use std::{
    collections::{HashMap, HashSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, Signal, kill_process};

/// A process, distinct from a later process with the same pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// In clock ticks since the boot.
    pub(crate) start: u64,
}

impl Process {
    /// The current process with this pid.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        let (_, _, start) = stat(pid)?;
        Some(Self { pid, start })
    }

    /// Whether the process exists and is no zombie.
    pub(crate) fn is_alive(self) -> bool {
        stat(self.pid)
            .is_some_and(|(state, _, start)| start == self.start && !matches!(state, 'Z' | 'X'))
    }

    /// Sends a signal; false if the process is gone.
    pub(crate) fn signal(self, signal: Signal) -> bool {
        let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) else {
            return false;
        };
        kill_process(pid, signal).is_ok()
    }

    /// The process's proportional share of memory, in KiB.
    pub(crate) fn memory(self) -> Option<u64> {
        self.share("Pss:")
    }

    /// The anonymous part of the memory: file pages come and go with other work of the machine.
    pub(crate) fn anonymous(self) -> Option<u64> {
        self.share("Pss_Anon:")
    }

    fn share(self, name: &str) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        let line = rollup.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// The number of open descriptors.
    pub(crate) fn descriptors(self) -> Option<usize> {
        Some(fs::read_dir(format!("/proc/{}/fd", self.pid)).ok()?.count())
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        write!(f, "{} {}", self.pid, line.trim_end())
    }
}

/// State, parent and start of a process.
fn stat(pid: i32) -> Option<(char, i32, u64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything, so the fields are counted from the name's end.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    Some((state, parent, fields.nth(17)?.parse().ok()?))
}

fn pids() -> Vec<i32> {
    let entries = fs::read_dir("/proc").map(|entries| {
        let name = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        entries.flatten().filter_map(name).collect()
    });
    entries.unwrap_or_default()
}

/// The running agents, by working folder.
///
/// A fork of an agent before its exec is no agent.
pub(crate) fn agents(program: &Path) -> HashMap<PathBuf, Vec<Process>> {
    let mut found = Vec::new();
    for pid in pids() {
        if !fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program) {
            continue;
        }
        let Ok(folder) = fs::read_link(format!("/proc/{pid}/cwd")) else {
            continue;
        };
        let Some((state, parent, start)) = stat(pid) else {
            continue;
        };
        if !matches!(state, 'Z' | 'X') {
            found.push((folder, parent, Process { pid, start }));
        }
    }
    let all: HashSet<i32> = found.iter().map(|(_, _, process)| process.pid).collect();
    let mut agents: HashMap<PathBuf, Vec<Process>> = HashMap::new();
    for (folder, parent, process) in found {
        if !all.contains(&parent) {
            agents.entry(folder).or_default().push(process);
        }
    }
    agents
}

/// These processes and all their descendants.
pub(crate) fn tree(roots: &[i32]) -> Vec<Process> {
    let parents: Vec<(i32, i32)> = pids()
        .into_iter()
        .filter_map(|pid| Some((pid, stat(pid)?.1)))
        .collect();
    let mut of: HashSet<i32> = roots.iter().copied().collect();
    loop {
        let before = of.len();
        let children = parents.iter().filter(|(_, parent)| of.contains(parent));
        let children: Vec<i32> = children.map(|(pid, _)| *pid).collect();
        of.extend(children);
        if of.len() == before {
            return of.into_iter().filter_map(Process::of).collect();
        }
    }
}

/// Processes related to a folder: by working folder, by program, or by an argument.
pub(crate) fn about(folder: &Path) -> Vec<(Process, String)> {
    let name = folder.to_string_lossy();
    let about = |pid: i32| {
        let process = Process::of(pid).filter(|process| process.is_alive())?;
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let is_there = |link: &str| {
            fs::read_link(format!("/proc/{pid}/{link}")).is_ok_and(|to| to.starts_with(folder))
        };
        let found = line.contains(&*name) || is_there("cwd") || is_there("exe");
        found.then_some((process, line))
    };
    let own = std::process::id();
    pids()
        .into_iter()
        .filter(|pid| u32::try_from(*pid) != Ok(own))
        .filter_map(about)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_program_in_a_folder_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep")
            .arg("1000")
            .current_dir(&folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let process = Process::of(pid).unwrap();
        let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
        let there = folder.path().canonicalize().unwrap();
        assert_eq!(agents(&exe)[&there], [process]);
        assert!(about(&there).iter().any(|(found, _)| *found == process));
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(tree(&[own]).contains(&process));
        assert!(process.is_alive() && process.memory().unwrap() > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.is_alive() && !process.signal(Signal::CONT));
        assert!(!agents(&exe).contains_key(&there));
    }
}

//! The running sessions and their cgroups.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use wxcode_holder::folder::{self, BUILD, HolderFile, State};

use super::Findings;

/// A running session.
pub(super) struct Running {
    pub(super) dir: PathBuf,
    pub(super) holder: HolderFile,
    /// The cgroup of the session's holder; `None` if unknown.
    pub(super) cgroup: Option<String>,
}

/// The running sessions, by their folders; unreadable folders are reported.
pub(super) fn running(data_dir: &Path, findings: &mut Findings) -> Vec<Running> {
    let entries = fs::read_dir(data_dir.join("sessions"))
        .into_iter()
        .flatten();
    let mut running = Vec::new();
    let mut damaged = Vec::new();
    let mut all = 0_usize;
    for entry in entries.flatten() {
        all += 1;
        match folder::inspect(&entry.path()) {
            Ok(State::Live(holder)) => running.push(Running {
                dir: entry.path(),
                cgroup: cgroup_of(holder.pid),
                holder,
            }),
            Ok(_) => {}
            Err(error) => damaged.push(error.to_string()),
        }
    }
    findings.good(
        "sessions",
        &format!("{} running, of {all} stored", running.len()),
    );
    let others: BTreeSet<&str> = running
        .iter()
        .map(|session| session.holder.build.as_str())
        .filter(|build| *build != BUILD)
        .collect();
    if !others.is_empty() {
        let others: Vec<_> = others.into_iter().collect();
        findings.note(
            "holders",
            &format!(
                "some have build {}, this is {BUILD}; a server of {BUILD} upgrades them, unless `[holder] upgrade` is false",
                others.join(", ")
            ),
        );
    }
    for error in damaged {
        findings.doubtful("sessions", &error);
    }
    running
}

/// The cgroup of a process in systemd's hierarchy.
pub(super) fn cgroup_of(pid: i32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let of = |hierarchy: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.split_once(hierarchy).map(|(_, path)| path.to_owned()))
    };
    // Version 2 has no name; next to version 1 systemd has its own hierarchy.
    let unified = text
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .map(str::to_owned);
    match unified {
        Some(path) if path != "/" => Some(path),
        unified => of(":name=systemd:").or(unified),
    }
}

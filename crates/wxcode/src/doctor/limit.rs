//! Checks the room for more sessions: disk, descriptors, terminals.

use std::{fs, path::Path};

use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};

use super::{Findings, session::Running};

/// Free space below which the doctor warns: a session may keep 64 MiB of output.
const SPACE_LOW: u64 = 1 << 30; // 1 GiB
/// Free space below which nothing can be stored safely.
const SPACE_MIN: u64 = 64 << 20; // 64 MiB
/// Descriptors of a server: a client or a session takes two.
const DESCRIPTORS_MIN: u64 = 1024;
/// Terminals that should be free.
const TERMINALS_MIN: u64 = 16;

pub(super) fn check(
    server: Option<i32>,
    sessions: &[Running],
    data_dir: &Path,
    findings: &mut Findings,
) {
    check_space(data_dir, findings);
    check_descriptors(server, findings);
    check_terminals(sessions.len(), findings);
}

fn check_space(data_dir: &Path, findings: &mut Findings) {
    let Ok(disk) = statvfs(data_dir) else {
        return; // another check reports an unusable folder
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let detail = format!("{} MiB free for {}", free >> 20, data_dir.display());
    match free {
        _ if free < SPACE_MIN => findings.bad("disk", &format!("{detail}: free some space")),
        _ if free < SPACE_LOW => findings.doubtful("disk", &detail),
        _ => findings.good("disk", &detail),
    }
}

fn check_descriptors(server: Option<i32>, findings: &mut Findings) {
    let limits = server.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/limits")).ok());
    let of_server = limits.and_then(|limits| {
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    });
    let whose = match of_server {
        Some(_) => "of the server",
        None => "of this shell",
    };
    let limit = of_server
        .or(getrlimit(Resource::Nofile).current)
        .unwrap_or(u64::MAX);
    let detail = format!("{limit} {whose}");
    match limit < DESCRIPTORS_MIN {
        true => findings.doubtful(
            "open files",
            &format!("{detail}: set LimitNOFILE=65536 in the unit, or `ulimit -n` in the shell"),
        ),
        false => findings.good("open files", &detail),
    }
}

fn check_terminals(sessions: usize, findings: &mut Findings) {
    let read = |name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/sys/kernel/pty/{name}")).ok()?;
        text.trim().parse().ok()
    };
    let (Some(max), Some(used)) = (read("max"), read("nr")) else {
        return;
    };
    let detail = format!("{used} of {max} in use, {sessions} of them by sessions");
    match max.saturating_sub(used) < TERMINALS_MIN {
        true => findings.doubtful(
            "terminals",
            &format!("{detail}: raise the sysctl kernel.pty.max"),
        ),
        false => findings.good("terminals", &detail),
    }
}

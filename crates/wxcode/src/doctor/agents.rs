//! Says what agents can reach of the server, of its data folder, and of other sessions.

use std::{fs, os::unix::fs::MetadataExt};

use rustix::process::geteuid;
use wxcode_holder::confine;
use wxcode_server::Settings;

use super::{Findings, session::Running};
use crate::confinement;

pub(super) fn check(
    settings: &Settings,
    server: Option<i32>,
    sessions: &[Running],
    findings: &mut Findings,
) {
    check_sockets(settings, findings);
    check_memory(server, sessions, findings);
    check_data(settings, findings);
    check_terminals(findings);
}

fn check_sockets(settings: &Settings, findings: &mut Findings) {
    match settings.agents_may_use_api {
        false => findings.good(
            "agents' sockets",
            "the server and the holders of sessions refuse agents and their tools",
        ),
        true => findings.note(
            "agents' sockets",
            "`[agent] may_use_api = true`: agents use the API as an admin, and can answer their own \
             questions; holders refuse them",
        ),
    }
}

/// The files in `/proc` of a process that is closed to its user belong to root.
fn check_memory(server: Option<i32>, sessions: &[Running], findings: &mut Findings) {
    if geteuid().is_root() {
        return findings.note(
            "agents' memory access",
            "run as root, agents can read and change every process: run wxcode as a user of its own",
        );
    }
    let holders = sessions.iter().map(|session| session.holder.pid);
    let open: Vec<String> = server
        .into_iter()
        .chain(holders)
        .filter(|pid| {
            let owner = fs::metadata(format!("/proc/{pid}/environ")).map(|found| found.uid());
            owner.is_ok_and(|uid| uid == geteuid().as_raw())
        })
        .map(|pid| pid.to_string())
        .collect();
    match open.is_empty() {
        true => findings.good(
            "agents' memory access",
            "memory and environment of the server and of holders are closed to them",
        ),
        false => findings.doubtful(
            "agents' memory access",
            &format!(
                "agents can read memory and environment of the processes {}: start them without WXCODE_DUMPABLE, \
                 and mount /proc without hidepid",
                open.join(", ")
            ),
        ),
    }
}

fn check_data(settings: &Settings, findings: &mut Findings) {
    let data_dir = settings.data_dir.display();
    if settings.protect_data {
        return match confinement::check(&settings.data_dir) {
            Ok(()) => findings.good(
                "agents' data access",
                &format!(
                    "{data_dir} is closed to agents by Landlock, but for workspaces and hooks"
                ),
            ),
            Err(error) => findings.bad("agents' data access", &format!("{error:#}")),
        };
    }
    let remedy = match confine::check() {
        Ok(()) => "`[agent] protect_data = true` closes it: this kernel has Landlock".to_owned(),
        Err(_) => {
            "this kernel has no Landlock to close it: run wxcode in a container or as a user of \
                   its own"
                .to_owned()
        }
    };
    findings.note(
        "agents' data access",
        &format!(
            "agents run as this user, and can read and change {data_dir}; it has no token in plain text, but \
             conversations and the store; {remedy}"
        ),
    );
}

/// With TIOCSTI, a tool types into the terminal in which it runs: the agent's own.
fn check_terminals(findings: &mut Findings) {
    let setting = fs::read_to_string("/proc/sys/dev/tty/legacy_tiocsti");
    match setting.as_deref().map(str::trim) {
        Ok("0") if geteuid().is_root() => findings.note(
            "agents' terminals",
            "a tool of an agent that runs as root can type into the agent's own terminal (TIOCSTI)",
        ),
        Ok("0") => findings.good(
            "agents' terminals",
            "no tool of an agent can type into the agent's own terminal",
        ),
        _ => findings.doubtful(
            "agents' terminals",
            "a tool of an agent can type into the agent's own terminal, and so answer its questions (TIOCSTI): \
             set `sysctl dev.tty.legacy_tiocsti=0`, on Linux 6.2 or newer",
        ),
    }
}

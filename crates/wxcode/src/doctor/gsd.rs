//! Checks the commands of milestones: the configured commands, or the commands of the installed
//! GSD.

use std::{sync::mpsc, thread, time::Duration};

use wxcode_claude::gsd;
use wxcode_server::{
    Settings,
    agent::{Outlook, config_dir},
};

use super::Findings;

/// How long the search for GSD may take: a folder may be on a hanging mount.
const DEADLINE: Duration = Duration::from_secs(5);

pub(super) fn check(settings: &Settings, seen: Option<Outlook>, findings: &mut Findings) {
    let commands = &settings.commands;
    if commands.new_project.is_some() && commands.new_milestone.is_some() {
        return findings.good(
            "commands",
            "new_project and new_milestone are in wxcode.toml",
        );
    }
    let folder = seen.map_or_else(|| config_dir(settings), |seen| seen.config_dir);
    let (sender, found) = mpsc::channel();
    let looked_into = folder.clone();
    thread::spawn(move || {
        // After the deadline the result is no longer needed.
        let _ = sender.send(gsd::find(None, &looked_into));
    });
    let folder = folder.display();
    match found.recv_timeout(DEADLINE) {
        Ok(Some(gsd)) => findings.good(
            "GSD",
            &format!(
                "{} in {}, called by {}; a project with another form in its .claude uses its own",
                gsd.layout,
                gsd.folder.display(),
                gsd.new_project.split(' ').next().unwrap_or_default()
            ),
        ),
        Ok(None) => findings.doubtful(
            "GSD",
            &format!(
                "not found in {folder} nor in its plugins: milestones of projects without GSD in their .claude cannot start; install it (npx get-shit-done-cc --claude --global), or set new_project and new_milestone of [commands] in wxcode.toml"
            ),
        ),
        Err(_) => findings.doubtful(
            "GSD",
            &format!(
                "the search in {folder} took longer than {} s: check for a hanging file system",
                DEADLINE.as_secs()
            ),
        ),
    }
}

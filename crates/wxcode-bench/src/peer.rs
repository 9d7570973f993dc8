//! Comparable programs on the machine: measured in the same run, never required.

use std::{ffi::OsStr, path::Path};

use crate::{paths::Paths, pty::Pty};

/// The peers' names; both keep a terminal alive, without a network.
pub(crate) const NAMES: [&str; 2] = ["dtach", "tmux"];

/// Starts an agent behind a peer, where it is installed.
pub(crate) fn start(name: &str, paths: &Paths, folder: &Path) -> anyhow::Result<Option<Pty>> {
    let Some(program) = Paths::installed(name) else {
        return Ok(None);
    };
    let socket = folder.join(format!("{name}.sock"));
    let (socket, agent) = (socket.as_os_str(), paths.agent.as_os_str());
    let word = OsStr::new;
    let argv = match name {
        "dtach" => vec![
            program.as_os_str(),
            word("-c"),
            socket,
            word("-z"),
            word("-E"),
            agent,
        ],
        "tmux" => vec![
            program.as_os_str(),
            word("-S"),
            socket,
            word("-f"),
            word("/dev/null"),
            word("new-session"),
            agent,
        ],
        _ => return Ok(None),
    };
    Pty::start(paths, folder, argv).map(Some)
}

/// The names of missing peers, for the footnotes.
pub(crate) fn absent() -> Option<String> {
    let absent: Vec<&str> = NAMES
        .into_iter()
        .filter(|name| Paths::installed(name).is_none())
        .collect();
    (!absent.is_empty()).then(|| format!("not installed: {}", absent.join(", ")))
}

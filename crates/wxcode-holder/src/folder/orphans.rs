//! Ends orphans: processes that an ended agent left running.

use std::{fs::File, io::Write, path::Path, time::Duration};

use rustix::process::Signal;

use super::{FolderError, HolderFile, Scoped, State, inspect};
use crate::proc::Handle;

/// The mount point of the version 2 hierarchy.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Time for a guardian to end all descendants; longer than its own limit.
const GUARDIAN_TIMEOUT: Duration = Duration::from_secs(8);

/// Ends the orphans of an ended session's agent: every process started in the agent's terminal, and
/// all descendants of such processes, in any session or group. Blocks for up to eight seconds;
/// returns whether no orphan is left.
///
/// # Errors
/// The folder cannot be read.
pub fn end_orphans(dir: &Path) -> Result<bool, FolderError> {
    let State::Exited(Some(holder), _) = inspect(dir)? else {
        return Ok(true);
    };
    let Some(guardian) = holder.guardian() else {
        kill_scope(&holder);
        return Ok(true); // an intact guardian lives as long as any orphan
    };
    guardian.signal(Signal::TERM);
    Ok(guardian.wait(GUARDIAN_TIMEOUT))
}

/// Kills everything in the scope of a dead holder and guardian, if there was a scope: the scope
/// holds only their descendants.
pub(super) fn kill_scope(holder: &HolderFile) {
    if let Some(Scoped::Entered { unit, cgroup }) = &holder.scope
        && cgroup.ends_with(unit)
    {
        let file = format!("{CGROUPS}{cgroup}/cgroup.kill");
        // The scope is gone with its last process; older kernels and version 1 have no such file.
        let opened = File::options().write(true).open(file);
        let _ = opened.and_then(|mut file| file.write_all(b"1"));
    }
}

/// Waits until the guardian of a killed holder has ended the holder's descendants, if a guardian is
/// left.
pub(super) fn wait_for_guardian(guardian: &Handle) {
    guardian.wait(GUARDIAN_TIMEOUT);
}

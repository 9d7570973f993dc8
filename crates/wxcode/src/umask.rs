//! The process's umask: wxcode's own files are private, agents get the user's umask back.

use std::sync::OnceLock;

use rustix::{fs::Mode, process::umask};

/// Removes all permissions of the group and of other users.
const PRIVATE: Mode = Mode::from_bits_truncate(0o077);

/// The process's original umask.
static USERS: OnceLock<u32> = OnceLock::new();

/// Makes all files created from here on private; called before anything else.
pub(crate) fn restrict() {
    let users = umask(PRIVATE);
    USERS.get_or_init(|| users.bits());
}

/// The process's original umask.
pub(crate) fn users() -> u32 {
    USERS.get().copied().unwrap_or(PRIVATE.bits())
}

/// Runs a function with the user's umask, while the process has a single thread.
pub(crate) fn with_users<T>(work: impl FnOnce() -> T) -> T {
    let private = umask(Mode::from_bits_truncate(users()));
    let result = work();
    umask(private);
    result
}

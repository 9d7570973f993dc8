//! The process's umask: wxcode's own files are private, agents get the user's umask back.

use std::sync::OnceLock;

use rustix::{fs::Mode, process::umask};

/// Nothing for the group and for others.
const PRIVATE: Mode = Mode::from_bits_truncate(0o077);

/// The umask that the process was started with.
static USERS: OnceLock<u32> = OnceLock::new();

/// Makes what the process creates from here on private; to be called first of all.
pub(crate) fn restrict() {
    let users = umask(PRIVATE);
    USERS.get_or_init(|| users.bits());
}

/// The umask that the process was started with.
pub(crate) fn users() -> u32 {
    USERS.get().copied().unwrap_or(PRIVATE.bits())
}

/// Runs something with the user's umask, while the process has one thread.
pub(crate) fn with_users<T>(work: impl FnOnce() -> T) -> T {
    let private = umask(Mode::from_bits_truncate(users()));
    let result = work();
    umask(private);
    result
}

//! The lock of a start: separates a running session from a start before its success or rollback.
//!
//! The holder takes the lock before its first file. The holder releases the lock when its requester
//! has the answer or nothing of the start is left.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::SPEC;

/// Pause between two looks at an unfinished start.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Takes the lock while the returned guard lives. Waits for any other holder starting in the same
/// folder.
pub(crate) fn lock(dir: &Path) -> io::Result<File> {
    let spec = File::open(dir.join(SPEC))?;
    loop {
        match flock(&spec, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return Ok(locked.map(|()| spec)?),
        }
    }
}

/// Waits until no holder is starting in `dir`, until `until` at most; returns whether none is.
/// Blocks.
///
/// The lock has no event to wait for with a bound.
pub fn is_started(dir: &Path, until: Instant) -> bool {
    loop {
        let Ok(spec) = File::open(dir.join(SPEC)) else {
            return true; // nothing can start there
        };
        match flock(&spec, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) if Instant::now() >= until => return false,
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOOK_AGAIN),
            // Without lock support no holder has a lock.
            _ => return true,
        }
    }
}

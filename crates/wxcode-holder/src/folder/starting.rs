//! The lock of a start: tells a session that runs from one whose start may yet be undone.
//!
//! The holder has it from before it makes anything until whoever asked for the start has its answer, or nothing of it is left.

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

/// How often it is looked whether a start is over.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Takes the lock, for as long as the answer lives. Waits for another holder that starts in the same folder.
pub(crate) fn lock(dir: &Path) -> io::Result<File> {
    let spec = File::open(dir.join(SPEC))?;
    loop {
        match flock(&spec, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return Ok(locked.map(|()| spec)?),
        }
    }
}

/// Whether no holder is in the middle of its start in `dir`; waits for that until `until` at most, and blocks.
///
/// The lock has no event that could be waited for with a bound.
pub fn is_started(dir: &Path, until: Instant) -> bool {
    loop {
        let Ok(spec) = File::open(dir.join(SPEC)) else {
            return true; // nothing can be started there
        };
        match flock(&spec, FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) if Instant::now() >= until => return false,
            Err(Errno::WOULDBLOCK) => std::thread::sleep(LOOK_AGAIN),
            // Where there are no locks nobody has one.
            _ => return true,
        }
    }
}

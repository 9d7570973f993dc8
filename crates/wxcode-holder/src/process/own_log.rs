//! The holder's own log: bounded lines on standard error, a file of the session's folder.

use std::{
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Most bytes of a holder's own log.
const MAX_LOG: usize = 64 << 10; // 64 KiB

/// The size of the log, in bytes.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Counts the lines of earlier programs in this process.
pub(super) fn continue_log() {
    let written = rustix::fs::fstat(rustix::stdio::stderr()).map_or(0, |file| file.st_size);
    WRITTEN.store(usize::try_from(written).unwrap_or(0), Ordering::Relaxed);
}

/// Writes a line to the holder's log, while there is room.
pub(super) fn log(message: &str) {
    let line = format!("{} {message}\n", crate::folder::now());
    if WRITTEN.fetch_add(line.len(), Ordering::Relaxed) + line.len() <= MAX_LOG {
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

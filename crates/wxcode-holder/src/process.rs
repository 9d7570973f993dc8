//! The holder's process: one thread, one poll loop, one agent.

use std::{path::Path, process::ExitCode};

/// Runs the holder of the session in `dir`; its `spec.json` says what to run.
pub fn run(dir: &Path) -> ExitCode {
    let _ = dir;
    ExitCode::FAILURE
}

//! The holder's process: one thread, one poll loop, one agent.
//!
//! Invariant: nothing here waits for a client. What a client asks is done or refused at once, and
//! what it is to be told is taken from the ring, the journal and the screen when its socket takes it.

mod bus;
mod claim;
mod detach;
mod ending;
mod family;
mod guardian;
mod holder;
mod inputs;
mod numbers;
mod oom;
mod paste;
mod peer;
mod pty;
mod replay;
mod requests;
mod scope;
mod sizes;
mod start;
mod stream;

use std::{
    io::Write,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::launch::{Answer, Failure};
use detach::Left;

/// The most bytes that a holder writes to its log.
const MAX_LOG: usize = 64 << 10; // 64 KiB

/// Runs the holder of the session in `dir`; its `spec.json` says what to run, and the process's own
/// environment is the agent's.
///
/// To be called first of all in a process of one thread that has opened no files: it closes all but
/// the standard three. The answer to the caller goes to standard output, messages to standard error.
pub fn run(dir: &Path) -> ExitCode {
    // Resolved before the working directory changes.
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let guardian = match detach::leave() {
        Ok(Left::Holder(guardian)) => guardian,
        Ok(Left::Guardian(holder, line)) => return guardian::guard(holder, line),
        Err(error) => {
            let what = "start a process".to_owned();
            let message = error.to_string();
            let _ = answer(&Answer::Failed(Failure::System { what, message }));
            return ExitCode::FAILURE;
        }
    };
    let holder = match start::start(&dir) {
        Ok(holder) => holder,
        Err(failure) => {
            let _ = answer(&Answer::Failed(failure));
            return ExitCode::FAILURE;
        }
    };
    // A caller that has given up is told by no one: then nothing is to remain.
    if answer(&Answer::Ready(holder.file().clone())).is_err() || detach::hang_up().is_err() {
        holder.undo();
        return ExitCode::FAILURE;
    }
    guardian::let_go(guardian);
    match holder.hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("the holder failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn answer(answer: &Answer) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// Writes a line to the holder's log, while there is room.
fn log(message: &str) {
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let line = format!("{} {message}\n", crate::folder::now());
    if WRITTEN.fetch_add(line.len(), Ordering::Relaxed) + line.len() <= MAX_LOG {
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

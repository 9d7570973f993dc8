//! The holder's process: one thread, one poll loop, one agent.
//!
//! Invariant: the holder never waits for a client. It carries out or refuses a request at once, and
//! takes a client's output from the ring buffer, the journal and the screen when the client's
//! socket has room.

mod bus;
mod candidate;
mod claim;
mod detach;
mod ending;
mod exec;
mod family;
mod guardian;
mod holder;
mod inputs;
mod memfd;
mod numbers;
mod oom;
mod paste;
mod peer;
mod pty;
mod replay;
mod requests;
mod resume;
mod scope;
mod sizes;
mod start;
mod stream;
mod upgrade;

use std::{
    fs::File,
    io::Write,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde::Serialize;

use crate::{
    answer::{Answer, Failure},
    folder::{self, BUILD},
};
use candidate::Verdict;
use detach::Left;
use holder::Holder;

/// Most bytes of a holder's own log.
const MAX_LOG: usize = 64 << 10; // 64 KiB

/// Runs the holder of the session in `dir`; its `spec.json` names the program, and the process's
/// own environment is the agent's.
///
/// Call it first in a single-threaded process without open files: it closes all files except the
/// standard three. The answer to the caller goes to standard output, messages to standard error.
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
    // Released after the start, successful or not.
    let starting = folder::lock(&dir);
    let holder = match start::start(&dir) {
        Ok(holder) => holder,
        Err(failure) => {
            let _ = answer(&Answer::Failed(failure));
            return ExitCode::FAILURE;
        }
    };
    // A caller that gave up hears nothing more: then nothing may remain.
    if answer(&Answer::Ready(holder.file().clone())).is_err() || detach::hang_up().is_err() {
        holder.undo();
        return ExitCode::FAILURE;
    }
    drop(starting);
    guardian::let_go(guardian);
    hold(holder)
}

fn hold(holder: Holder) -> ExitCode {
    match holder.hold() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("the holder failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Continues the session in `dir`, which another program held in this very process before it
/// executed this one; `lifeline` names the handed-over descriptors.
///
/// Call it first, like [`run`].
pub fn resume(dir: &Path, lifeline: &str) -> ExitCode {
    let written = rustix::fs::fstat(rustix::stdio::stderr()).map_or(0, |file| file.st_size);
    WRITTEN.store(usize::try_from(written).unwrap_or(0), Ordering::Relaxed);
    // The kernel names a program after the descriptor that executed it.
    let _ = std::fs::write("/proc/self/comm", "wxcode-holder");
    match resume::resume(dir, lifeline) {
        Ok(holder) => {
            log(&format!("the session goes on with {BUILD}"));
            hold(holder)
        }
        Err(error) => {
            log(&format!("the session cannot go on, and ends: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Checks whether this build can continue the state in this descriptor, and reports on standard
/// output, as one line of JSON. Does nothing else.
pub fn check_state(fd: i32) -> ExitCode {
    // Reopened, for a file position of its own.
    let bytes = File::open(format!("/proc/self/fd/{fd}")).and_then(memfd::read);
    let checked = bytes.and_then(|bytes| {
        resume::look(&bytes).map_err(std::io::Error::other)?;
        Ok(crc32c::crc32c(&bytes))
    });
    let verdict = match checked {
        Ok(checksum) => Verdict::Sound {
            build: BUILD.to_owned(),
            checksum,
        },
        Err(error) => Verdict::Unsound {
            reason: error.to_string(),
        },
    };
    match answer(&verdict) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn answer(answer: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}

/// The size of the log, in bytes.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// Writes a line to the holder's log, while there is room.
fn log(message: &str) {
    let line = format!("{} {message}\n", crate::folder::now());
    if WRITTEN.fetch_add(line.len(), Ordering::Relaxed) + line.len() <= MAX_LOG {
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

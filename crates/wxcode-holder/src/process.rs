//! The holder's process: one thread, one poll loop, one agent.
//!
//! Invariants: only the holder forks an agent, and only the holder owns a PTY. Only this module has
//! `unsafe` blocks, each with a reason. A killed holder leaves no process running: its guardian, a
//! parent without other work, ends every descendant.
//!
//! [`holder`] has the parts of the state, each part in a separate file; [`event_loop`] drives the
//! parts.

mod event_loop;
mod holder;
mod input;
mod io;
mod lifecycle;
mod own_log;
mod requests;
mod session;
mod systemd;
mod upgrade;

use std::{fs::File, io::Write, path::Path, process::ExitCode};

use serde::Serialize;

use crate::{
    answer::{Answer, Failure},
    folder::{self, BUILD},
};
use holder::Holder;
use lifecycle::{
    detach::{self, Role},
    ending::roll_back,
    guardian, start,
};
use own_log::{continue_log, log};
use upgrade::{candidate::Verdict, memfd, resume};

/// Runs the holder of the session in `dir`. The session's `spec.json` names the agent's program,
/// and the process's environment becomes the agent's.
///
/// Call this function first in a single-threaded process without open files: the function closes
/// all files except the standard three. The answer to the caller goes to standard output, messages
/// to standard error. With `is_open`, a debugger of the user may look into the process.
pub fn run(dir: &Path, is_open: bool) -> ExitCode {
    if !is_open {
        crate::protect();
    }
    // Resolved before the working directory changes.
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let guardian = match detach::detach() {
        Ok(Role::Holder(guardian)) => guardian,
        Ok(Role::Guardian(holder, line)) => return guardian::guard(holder, line),
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
    // A caller that gave up gets no answer: nothing of the start may remain.
    if answer(&Answer::Ready(holder.session.file().clone())).is_err()
        || detach::disconnect_caller().is_err()
    {
        roll_back(holder);
        return ExitCode::FAILURE;
    }
    drop(starting);
    guardian::report_start(guardian);
    hold(holder)
}

fn hold(holder: Holder) -> ExitCode {
    match event_loop::hold(holder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(&format!("the holder failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Continues the session in `dir`. An earlier program held the session in this very process before
/// executing this program; `handoff` names the handed-over descriptors.
///
/// Call this function first, like [`run`].
pub fn resume(dir: &Path, handoff: &str) -> ExitCode {
    continue_log();
    // The kernel names a program after the executed descriptor.
    let _ = std::fs::write("/proc/self/comm", "wxcode-holder");
    crate::protect();
    match resume::resume(dir, handoff) {
        Ok(holder) => {
            log(&format!("the session continues with {BUILD}"));
            hold(holder)
        }
        Err(error) => {
            log(&format!("the session cannot continue, and ends: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Checks whether this build can continue the state in this descriptor, and reports on standard
/// output, as one line of JSON. Does nothing else.
pub fn check_state(fd: i32) -> ExitCode {
    // Reopened, for a separate file position.
    let bytes = File::open(format!("/proc/self/fd/{fd}")).and_then(memfd::read);
    let checked = bytes.and_then(|bytes| {
        resume::check(&bytes).map_err(std::io::Error::other)?;
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

/// Reads a bus's messages up to the end or to an error: how many, and the error's text.
#[cfg(feature = "fuzzing")]
pub fn read_bus(stream: &[u8]) -> (usize, String) {
    let (messages, error) = systemd::read_all(stream);
    (messages, error.to_string())
}

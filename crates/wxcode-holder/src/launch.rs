//! Starting a holder so that it outlives whoever starts it.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::folder::HolderFile;

/// A holder or an agent that did not start. Nothing of it is left, but for its log.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The holder's own executable does not start.
    #[error("{exe} does not start: {error}; install wxcode again")]
    Holder {
        /// The executable.
        exe: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The holder ended or babbled before it answered.
    #[error("the holder ended before it was ready: {0}")]
    Died(String),
    /// The holder did not answer in 10 s.
    #[error(
        "the holder was not ready within 10 s; the machine is overloaded, or the workspace is on a file system that hangs"
    )]
    Timeout,
    /// The holder said why the agent does not start.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a holder could not start its agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Failure {
    /// No such program.
    #[error(
        "{program} was not found, or the interpreter that it names; install it, or set its path"
    )]
    ProgramNotFound {
        /// The program as the spec names it.
        program: String,
    },
    /// The program may not be executed.
    #[error("{program} is not executable; set its permissions, or name another program")]
    NotExecutable {
        /// The program as the spec names it.
        program: String,
    },
    /// The program does not execute for another reason.
    #[error(
        "{program} does not execute: {message} (errno {errno}); is it a program for this machine?"
    )]
    Exec {
        /// The program as the spec names it.
        program: String,
        /// The error number of `execve`.
        errno: i32,
        /// Its text.
        message: String,
    },
    /// The working directory is not there, or may not be entered.
    #[error(
        "the workspace folder {cwd} is missing or cannot be entered; create it, or give the project another one"
    )]
    CwdMissing {
        /// The directory.
        cwd: PathBuf,
    },
    /// No terminal to be had.
    #[error("no terminal could be opened: {message}; end other sessions, or raise kernel.pty.max")]
    Pty {
        /// Why not.
        message: String,
    },
    /// The socket could not be made.
    #[error("the holder's socket could not be made: {message}; check the data directory")]
    Bind {
        /// Why not.
        message: String,
    },
    /// The folder was used by an earlier holder.
    #[error("the session's folder was used before; start a new session")]
    Used,
    /// The spec or another file of the folder is not usable.
    #[error("{message}")]
    Folder {
        /// Why not, and what to do.
        message: String,
    },
    /// Something else that the system refused.
    #[error("the system refused to {what}: {message}; check its limits on processes and files")]
    System {
        /// What was asked.
        what: String,
        /// Why not.
        message: String,
    },
}

/// Runs `<exe> holder <dir>` for the spec in `dir`, and waits until its agent runs.
///
/// The holder, and so the agent, has exactly the environment `env`. It is no child of the caller,
/// shares no session, signal or file with it, and outlives it.
///
/// # Errors
/// It did not start within 10 s; nothing of it is left then, but for its log where it wrote one.
pub async fn launch(
    exe: &Path,
    dir: &Path,
    env: Vec<(OsString, OsString)>,
) -> Result<HolderFile, LaunchError> {
    let _ = (dir, env);
    Err(LaunchError::Died(exe.display().to_string()))
}

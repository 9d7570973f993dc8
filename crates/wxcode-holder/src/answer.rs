//! The answer of a started holder: the holder runs, or the reason of the failure.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::folder::HolderFile;

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
        /// The text of the error.
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
    /// No terminal is available.
    #[error("no terminal could be opened: {message}; end other sessions, or raise kernel.pty.max")]
    Pty { message: String },
    /// The socket could not be created.
    #[error("the holder's socket could not be made: {message}; check the data directory")]
    Bind { message: String },
    /// The folder was used by an earlier holder.
    #[error("the session's folder was used before; start a new session")]
    Used,
    /// The spec or another file of the folder cannot be used.
    #[error("{message}")]
    Folder {
        /// The reason, with a remedy.
        message: String,
    },
    /// Another refusal of the system.
    #[error("the system refused to {what}: {message}; check its limits on processes and files")]
    System {
        /// The operation.
        what: String,
        message: String,
    },
}

/// The holder's answer on its standard output, one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The agent runs.
    Ready(HolderFile),
    /// The agent did not start, and nothing is left.
    Failed(Failure),
}

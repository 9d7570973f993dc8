//! The program `wxcode-holder`: the process that owns a session's PTY and outlives the server.
//!
//! The folder of a session ([`folder`]) is the truth about it. [`run`] is the process, and [`hook`]
//! passes the agent's reports to the process. The feature `client` adds the server's side: `launch`
//! starts a holder and `client` talks to it. The program is built without the feature, and so
//! without an asynchronous runtime.
//!
//! Invariant: no code here knows stores, HTTP or the kind of the agent.

// The printing macros panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod ancestry;
mod answer;
#[cfg(feature = "client")]
pub mod client;
pub mod confine;
pub mod folder;
pub mod hook;
mod journal;
#[cfg(feature = "client")]
mod launch;
pub mod log;
mod memory_file;
mod proc;
mod process;
mod protect;
#[cfg(feature = "client")]
mod repair;
mod segment;
pub mod state;
pub mod status_line;

pub use answer::Failure;
#[cfg(feature = "client")]
pub use launch::{DUMPABLE, LaunchError, launch};
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use process::read_bus;
pub use process::{check_state, resume, run};
pub use protect::protect;
#[cfg(feature = "client")]
pub use repair::repair;

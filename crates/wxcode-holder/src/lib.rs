//! The process that owns one session's PTY and outlives the server: the program `wxcode-holder`.
//!
//! The folder of a session ([`folder`]) is the truth about it. [`run`] is the process, and [`hook`]
//! hands it what the agent reports. The feature `client` adds what a server needs: `launch` starts a
//! holder and `client` talks to it. The program is built without: it has no asynchronous runtime.
//!
//! Invariant: nothing here knows stores, HTTP or which agent it is.

// They panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod ancestry;
mod answer;
#[cfg(feature = "client")]
pub mod client;
pub mod folder;
pub mod hook;
mod journal;
#[cfg(feature = "client")]
mod launch;
pub mod log;
mod proc;
mod process;
#[cfg(feature = "client")]
mod repair;
pub mod state;

pub use answer::Failure;
#[cfg(feature = "client")]
pub use launch::{LaunchError, launch};
pub use process::{check_state, resume, run};
#[cfg(feature = "client")]
pub use repair::repair;

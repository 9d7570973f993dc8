//! The process that owns one session's PTY and outlives the server, and its client.
//!
//! The folder of a session ([`folder`]) is the truth about it. [`launch`] starts a holder there,
//! [`run`] is that process, [`client`] talks to it, and [`hook`] hands it what the agent reports.
//!
//! Invariant: nothing here knows stores, HTTP or which agent it is.

pub mod client;
pub mod folder;
pub mod hook;
mod journal;
mod launch;
pub mod lineage;
pub mod log;
mod mend;
mod proc;
mod process;
pub mod state;

pub use launch::{Failure, LaunchError, launch};
pub use mend::mend;
pub use process::{check_state, resume, run};

//! The agents of this server: at most one running process per output project, adopted after a
//! restart.
//!
//! An agent's process is a session (interactive, in a terminal) or a run (headless, one prompt).

mod answer;
mod clock;
mod context;
mod conversation;
mod delivery;
#[cfg(test)]
mod double;
mod drain;
mod ending;
mod folder;
mod hibernation;
mod launch;
mod manager;
mod metadata;
mod monitor;
mod outlook;
mod process;
mod recovery;
mod retention;
mod run;
mod session;
mod slot;
mod superseded;
mod takeover;

pub use conversation::{relocation::RelocateError, switch::ResumeError};
pub use delivery::queue::Delivered;
pub use ending::Retired;
pub(crate) use hibernation::HIBERNATED;
pub(crate) use launch::lease::Home;
pub use launch::{
    error::StartError, plan::config_dir, plan::config_dir_of, scope::bus, session::Found,
};
pub(crate) use manager::Glance;
pub use manager::Manager;
pub use outlook::{Outlook, outlook};
pub use recovery::reboot::RESUMED_AT_ONCE;
pub(crate) use retention::run as keep_transcripts;
pub use run::{Account, RESULT_MAX, RUNS_KEPT, Run};
pub(crate) use session::role::Member;
pub use session::{Attendance, Session, View};

use std::time::Duration;

/// Time for an agent to end by itself on request, before it is killed.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// Time for ending a session in all.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Folders of ended sessions kept per project, the latest ones.
pub const ENDED_KEPT: usize = 10;

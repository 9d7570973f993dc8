//! The sessions of this server: at most one running agent per output project, adopted after a
//! restart.

mod adoption;
mod anew;
mod answer;
mod claim;
mod courier;
mod crosscheck;
mod deletion;
#[cfg(test)]
mod double;
mod identity;
mod learned;
mod lease;
mod left;
mod live;
mod look;
mod older;
mod own;
mod plan;
mod record;
#[cfg(test)]
mod recorded;
mod registry;
mod relocation;
mod report;
mod resumption;
mod retention;
mod role;
mod run;
mod scope;
mod seat;
mod start;
mod survey;
mod upgrade;
mod version;
mod waiting;
mod watcher;

pub use plan::config_dir;
pub(crate) use retention::run as keep_transcripts;

pub use live::{Attendance, Session, View};
pub use older::ResumeError;
pub use registry::{Delivered, Found, Retired, Sessions};
pub use relocation::RelocateError;
pub use resumption::RESUMED_AT_ONCE;
pub use run::{Account, RESULT_MAX, RUNS_KEPT, Run};
pub use scope::bus;
pub use start::StartError;

use std::time::Duration;

/// Time for an agent to end by itself on request, before it is killed.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// Time for ending a session in all.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Folders of ended sessions kept per project, the latest ones.
pub const ENDED_KEPT: usize = 10;

//! The end of an agent.

use serde::{Deserialize, Serialize};

/// The end of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, if it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it, if any.
    pub signal: Option<i32>,
    /// RFC 3339.
    pub at: String,
    /// `exited`, `signaled`, `oom_killed` (SIGKILL, and the session's cgroup counts one for want of
    /// memory), `stopped` (by a `Stop`), `terminated` (by SIGTERM to the holder), or the reason that
    /// the server found later: `holder_lost`, `rebooted`, `damaged`, `not_started`.
    pub reason: String,
    /// Bytes written by the agent in all; the end of the log when the holder did not say.
    pub offset: u64,
}

//! The end of an agent.

use serde::{Deserialize, Serialize};

/// How the agent ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, where it exited by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// RFC 3339.
    pub at: String,
    /// `exited`, `signaled`, `oom_killed` (SIGKILL, and the session's cgroup counts one for want of
    /// memory), `stopped` (by a `Stop`), `terminated` (by SIGTERM to the holder), or the reason that
    /// the server found later: `holder_lost`, `rebooted`, `damaged`, `not_started`.
    pub reason: String,
    /// How many bytes the agent wrote in all; as many as the log holds where the holder did not say.
    pub offset: u64,
}

//! The end of an agent.

use serde::{Deserialize, Serialize};

/// The end of the agent: its exit code or its signal, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, 0 to 255, if the agent exited by itself.
    pub code: Option<i32>,
    /// The number of the signal behind the agent's end, if any (`signal(7)`).
    pub signal: Option<i32>,
    /// The time of the end, in RFC 3339.
    pub at: String,
    /// `exited`, `signaled`, `oom_killed` (SIGKILL, and the session's cgroup counts one for want of
    /// memory), `stopped` (by a `Stop`), `terminated` (by SIGTERM to the holder), or the reason that
    /// the server found later: `holder_lost`, `rebooted`, `damaged`, `not_started`.
    pub reason: String,
    /// The number of bytes written by the agent; the length of the log after the loss of the holder.
    pub offset: u64,
}

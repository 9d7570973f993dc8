//! Callers on the socket of the data folder: processes of this user, except agents.
//!
//! A process below a session's holder is an agent, or a tool of one. The holder is the subreaper of
//! all of them, so no process leaves by losing its parent.

use std::time::Duration;

use axum::http::StatusCode;
use tokio::{net::unix::UCred, task::spawn_blocking, time::timeout};

/// How long the system may take to describe the line of a process.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The process at the other end of the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A process of this user.
    Own {
        pid: i32,
    },
    Refused(Refused),
}

/// Why a process may not use the socket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error(
        "this socket is of the user {own}, and the process is of the user {uid}: use a token over the server's address"
    )]
    User { uid: u32, own: u32 },
    #[error(
        "process {pid} runs in the session of an agent, and agents may not use the API: set `may_use_api = true` in \
         `[agent]` of wxcode.toml to allow it"
    )]
    Agent { pid: i32 },
    #[error(
        "the server cannot tell whether this process is of an agent: use a token, or set `may_use_api = true` in \
         `[agent]` of wxcode.toml"
    )]
    Unknown,
}

impl Refused {
    pub(crate) const fn status(&self) -> StatusCode {
        StatusCode::FORBIDDEN
    }

    /// The stable word of the problem.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::User { .. } => "forbidden",
            Self::Agent { .. } | Self::Unknown => "agent_refused",
        }
    }
}

/// The rules of the socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge {
    /// `[agent] may_use_api`.
    pub(crate) agents_may: bool,
}

impl Judge {
    /// Judges a process by its credentials at the time of its connection.
    pub(crate) async fn judge(self, peer: UCred) -> Peer {
        let own = rustix::process::geteuid().as_raw();
        let uid = peer.uid();
        // Root can become any user anyhow.
        if uid != own && uid != 0 {
            return Peer::Refused(Refused::User { uid, own });
        }
        let pid = peer.pid().unwrap_or(0);
        if self.agents_may {
            return Peer::Own { pid };
        }
        let looked = spawn_blocking(move || wxcode_holder::ancestry::is_of_agent(pid));
        match timeout(DESCRIBE_TIMEOUT, looked).await {
            Ok(Ok(Some(false))) => Peer::Own { pid },
            Ok(Ok(Some(true))) => Peer::Refused(Refused::Agent { pid }),
            _ => Peer::Refused(Refused::Unknown),
        }
    }
}

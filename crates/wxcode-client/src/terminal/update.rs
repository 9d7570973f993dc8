//! Changes of a terminal, as its client sees them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use wxcode_protocol::{
    Exit, Size,
    websocket::{Role, Status},
};

use super::retry::Lost;

/// A change of a terminal.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Update {
    /// The connection is there again.
    Attached(Attached),
    /// The whole screen at an offset, for a freshly reset terminal of this size.
    Snapshot {
        /// The offset after the last byte on the screen.
        offset: u64,
        /// The size of the screen.
        size: Size,
        /// The bytes that draw it.
        bytes: Bytes,
    },
    /// Output of the agent, right after the last bytes: the terminal checks that none is missing.
    /// Answer no terminal query in it; the holder does.
    Output {
        /// The offset of the first byte.
        offset: u64,
        /// Bytes, cut anywhere.
        bytes: Bytes,
    },
    /// The session has this size from here on.
    Resized(Size),
    /// An input is in the agent's terminal.
    InputTaken(u64),
    /// An input was not, or not wholly, typed.
    InputRefused {
        /// Its number.
        number: u64,
        /// The reason, with a remedy.
        reason: String,
    },
    /// The client's role from now on.
    Role(Role),
    /// An event of the agent's hooks.
    Report(Value),
    /// A request failed.
    Error {
        /// A stable word for programs.
        code: String,
        /// The reason, with a remedy.
        message: String,
    },
    /// The agent ended, after its last output. [`Update::Ended`] follows.
    Exited(Exit),
    /// The connection broke; the next attempt follows the pause.
    Away {
        /// Why.
        lost: Lost,
        /// The pause before the next attempt.
        pause: Duration,
    },
    /// The session is over: the last update, and every further one.
    Ended,
    /// No attempt would succeed: the last update, and every further one.
    Failed(Lost),
}

/// A connection to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The server's account of the session.
    pub status: Status,
    /// Whether it is the client's first connection.
    pub is_first: bool,
    /// Whether it is the session of the connection before.
    pub is_same_session: bool,
    /// Whether unanswered inputs were for the session before, which ended: they are dropped.
    pub lost_inputs: bool,
}

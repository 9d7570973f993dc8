//! Changes of a terminal, as seen by the terminal's client.

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
        /// The bytes for drawing the screen.
        bytes: Bytes,
    },
    /// Output of the agent, right after the last bytes: the terminal checks that no byte is
    /// missing. Answer no terminal query in the output; the holder answers.
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
        /// The input's number.
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
    /// The agent ended, after the last output. [`Update::Ended`] follows.
    Exited(Exit),
    /// The connection broke; the next attempt follows the pause.
    Away {
        /// Why.
        lost: Lost,
        /// The pause before the next attempt.
        pause: Duration,
    },
    /// The session is over: the last update, and every further update.
    Ended,
    /// No attempt would succeed: the last update, and every further update.
    Failed(Lost),
}

/// A connection to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attached {
    /// The server's account of the session.
    pub status: Status,
    /// Whether the connection is the client's first.
    pub is_first: bool,
    /// Whether the session is the session of the previous connection.
    pub is_same_session: bool,
    /// Whether unanswered inputs were for the previous, ended session: such inputs are dropped.
    pub lost_inputs: bool,
}

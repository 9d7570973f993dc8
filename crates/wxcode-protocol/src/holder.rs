//! The protocol of a holder's socket: requests one way, events the other.

mod event;
pub mod frame;
mod request;
mod status;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use crate::fields::Malformed;
use crate::{BUILD, Exit, Size};
pub use event::{Event, write_output};
pub use request::Request;
pub use status::{BlockKind, ProgramState, ProgramStatus};

/// This build's version of the protocol. An incompatible change gets the next number; builds of
/// different numbers refuse each other by name.
pub const PROTOCOL: u16 = 1;
/// The agent's silence before the holder sends [`Event::Quiet`].
pub const QUIET: Duration = Duration::from_millis(200);

/// A client's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The client's oldest protocol version.
    pub protocol_min: u16,
    /// The client's newest protocol version.
    pub protocol_max: u16,
    /// The client's build, for logs.
    pub build: String,
}

impl Hello {
    /// Returns the message of this build.
    ///
    /// ```
    /// use wxcode_protocol::holder::{Hello, PROTOCOL};
    ///
    /// assert_eq!(Hello::ours().agree(), Some(PROTOCOL));
    /// ```
    pub fn ours() -> Self {
        Self {
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL,
            build: BUILD.to_owned(),
        }
    }

    /// Returns the common version; `None` if the client's range excludes [`PROTOCOL`].
    pub fn agree(&self) -> Option<u16> {
        (self.protocol_min..=self.protocol_max)
            .contains(&PROTOCOL)
            .then_some(PROTOCOL)
    }
}

/// The holder's answer to [`Hello`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the protocol on this connection.
    pub protocol: u16,
    /// The holder's build.
    pub build: String,
    /// The session.
    pub session_id: String,
    /// The present state of the session.
    #[serde(flatten)]
    pub info: Info,
}

/// The state of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The holder's process id.
    pub holder_pid: i32,
    /// The agent's process id.
    pub agent_pid: i32,
    /// The size of the terminal now.
    #[serde(with = "size")]
    pub size: Size,
    /// The offset of the oldest byte of output in memory.
    pub start: u64,
    /// The offset after the newest byte: the number of bytes written by the agent.
    pub end: u64,
    /// The sequence number of the next hook payload; the first is 1.
    pub next_hook_seq: u64,
    /// The number of input bytes waiting for the agent.
    pub input_waiting: u64,
    /// The number of connections, with this one.
    pub clients: u32,
    /// The agent's end; `None` while the agent runs.
    pub exit: Option<Exit>,
    /// The reason for a missing log, with a remedy; `None` while the log is on.
    #[serde(default)]
    pub log_off: Option<String>,
    /// The number of programs that held the session before this one.
    #[serde(default)]
    pub upgrades: u32,
}

/// Serializes a [`Size`] as a pair of numbers, for `#[serde(with)]`.
pub mod size {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::Size;

    /// Writes columns and rows.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(size: &Size, to: S) -> Result<S::Ok, S::Error> {
        (size.cols, size.rows).serialize(to)
    }

    /// Reads columns and rows within their bounds.
    ///
    /// # Errors
    /// Those of the deserializer, and a size out of bounds: 1 to 500 columns and rows are allowed.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        let (cols, rows) = <(u16, u16)>::deserialize(from)?;
        Size::new(cols, rows).ok_or_else(|| {
            D::Error::custom("a size out of bounds: 1 to 500 columns and rows are allowed")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_range_has_no_agreement() {
        let hello = |protocol_min, protocol_max| Hello {
            protocol_min,
            protocol_max,
            build: "another build".to_owned(),
        };
        assert_eq!(Hello::ours().agree(), Some(PROTOCOL));
        assert_eq!(hello(0, PROTOCOL + 1).agree(), Some(PROTOCOL));
        assert_eq!(hello(PROTOCOL + 1, PROTOCOL + 3).agree(), None);
        assert_eq!(hello(0, PROTOCOL - 1).agree(), None);
        assert_eq!(hello(PROTOCOL, 0).agree(), None, "a range upside down");
    }
}

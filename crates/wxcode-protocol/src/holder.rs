//! The protocol of a holder's socket: requests one way, events the other.

mod event;
mod fields;
pub mod frame;
mod request;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{BUILD, Exit, Size};
pub use event::{Event, write_output};
pub use fields::Malformed;
pub use request::Request;

/// The version of the protocol that this build speaks. A change that a build of this version would
/// not understand gets the next number; builds of different numbers refuse each other by name.
pub const PROTOCOL: u16 = 1;
/// How long the agent has written nothing when the holder sends [`Event::Quiet`].
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
    /// The message of this build.
    pub fn ours() -> Self {
        Self {
            protocol_min: PROTOCOL,
            protocol_max: PROTOCOL,
            build: BUILD.to_owned(),
        }
    }

    /// The version that both sides speak.
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
    /// Bytes of input waiting for the agent.
    pub input_waiting: u64,
    /// Present connections, with this one.
    pub clients: u32,
    /// The agent's end, once it ended.
    pub exit: Option<Exit>,
    /// Why the session's log is off, with a remedy; `None` while it is on.
    #[serde(default)]
    pub log_off: Option<String>,
    /// The number of programs that held the session before this one.
    #[serde(default)]
    pub upgrades: u32,
}

/// A [`Size`] as a pair of numbers.
pub mod size {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    use crate::Size;

    /// Columns and rows.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(size: &Size, to: S) -> Result<S::Ok, S::Error> {
        (size.cols, size.rows).serialize(to)
    }

    /// Columns and rows within their bounds.
    ///
    /// # Errors
    /// Those of the deserializer, and a size out of bounds.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        let (cols, rows) = <(u16, u16)>::deserialize(from)?;
        Size::new(cols, rows).ok_or_else(|| D::Error::custom("a size out of bounds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_version_range_is_refused() {
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

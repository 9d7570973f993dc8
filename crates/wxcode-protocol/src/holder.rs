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
    /// The oldest version of the protocol that the client speaks.
    pub protocol_min: u16,
    /// The newest one.
    pub protocol_max: u16,
    /// The client's build, for logs.
    pub build: String,
}

impl Hello {
    /// What this build says.
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
    /// The state of the session now.
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
    /// The offset of the oldest byte of output that is still held in memory.
    pub start: u64,
    /// The offset behind the newest byte: how many bytes the agent has written.
    pub end: u64,
    /// The sequence number that the next hook payload will have; the first is 1.
    pub next_hook_seq: u64,
    /// Bytes of input that wait for the agent to read.
    pub input_waiting: u64,
    /// Connections now, this one included.
    pub clients: u32,
    /// How the agent ended, once it did.
    pub exit: Option<Exit>,
    /// Why nothing more of the session is logged, and what to do; `None` while it is.
    #[serde(default)]
    pub log_off: Option<String>,
    /// How many programs held the session before this one.
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
    fn a_range_without_our_version_has_no_agreement() {
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

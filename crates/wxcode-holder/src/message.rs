//! What a client and a holder say to each other: requests one way, events the other.

mod event;
mod fields;
mod request;

use serde::{Deserialize, Serialize};
use wxcode_terminal::Size;

use crate::folder::Exit;
pub use event::Event;
pub(crate) use event::write_output;
pub use fields::Malformed;
pub use request::{Request, Signal};

/// The oldest version of the protocol that this build speaks.
pub const PROTOCOL_MIN: u16 = 1;
/// The newest version of the protocol that this build speaks.
pub const PROTOCOL_MAX: u16 = 3;
/// The first version in which a connection can have the keyboard for itself.
pub const PROTOCOL_CLAIMS: u16 = 2;
/// The first version in which a holder goes on as another program when it is asked to.
pub const PROTOCOL_UPGRADES: u16 = 3;

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
            protocol_min: PROTOCOL_MIN,
            protocol_max: PROTOCOL_MAX,
            build: crate::folder::BUILD.to_owned(),
        }
    }

    /// The newest version that both sides speak.
    pub fn agree(&self) -> Option<u16> {
        let newest = self.protocol_max.min(PROTOCOL_MAX);
        (newest >= self.protocol_min.max(PROTOCOL_MIN)).then_some(newest)
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

pub(crate) mod size {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use wxcode_terminal::Size;

    pub(crate) fn serialize<S: Serializer>(size: &Size, to: S) -> Result<S::Ok, S::Error> {
        (size.cols, size.rows).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Size, D::Error> {
        let (cols, rows) = <(u16, u16)>::deserialize(from)?;
        Size::new(cols, rows).ok_or_else(|| D::Error::custom("a size out of bounds"))
    }
}

//! The binary protocol `wxcode.v1` of the terminal's WebSocket, as docs/protocol.md lays it out.

mod client;
mod server;

pub use client::ClientFrame;
pub use server::{Notice, Role, ServerFrame, Status};

/// The WebSocket sub-protocol's name, with its version.
pub const PROTOCOL: &str = "wxcode.v1";
/// Most bytes of one [`ClientFrame::Input`].
pub const INPUT_MAX: usize = 4 << 20; // 4 MiB
/// Most unacknowledged bytes on the way to a client; a single snapshot may exceed it.
pub const CREDIT: usize = 256 << 10; // 256 KiB
/// Most bytes of history in a [`ClientFrame::Redraw`].
pub const HISTORY_MAX: u32 = 1 << 20; // 1 MiB

/// The name of a message without the layout of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}: send the layout of docs/protocol.md")]
pub struct MalformedMessage(pub &'static str);

/// The reason to reject a message of a client or a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The message is empty.
    #[error("an empty message: send the type as the first byte")]
    Empty,
    /// The payload does not have the layout of its type.
    #[error(transparent)]
    Malformed(#[from] MalformedMessage),
    /// An input of more than [`INPUT_MAX`] bytes, with its length.
    #[error("the input has {0} bytes: send at most 4194304 in one message")]
    TooLarge(usize),
}

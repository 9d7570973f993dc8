//! A client's message, interpreted by the client's protocol.

use wxcode_protocol::websocket::ClientFrame;
use wxcode_terminal::Size;

/// A client's message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// A request.
    Frame(ClientFrame),
    /// The session should follow the client's window, of this size.
    Drive(Size),
    /// No request.
    Nothing,
    /// An invalid message: the code, and the remedy.
    Refused(&'static str, String),
    /// The client leaves.
    Left,
}

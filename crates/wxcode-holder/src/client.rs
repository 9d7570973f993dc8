//! Client of a holder: a connection with a sender for requests and a receiver for events.

mod connection;
mod receiver;
mod sender;
mod socket;

use std::{io, time::Duration};

pub use connection::{Connection, connect};
pub use receiver::Receiver;
pub use sender::{MAX_UNSENT, Sender};
pub use wxcode_protocol::holder::frame::{MAX_HOOK, MAX_INPUT, MAX_KEY, MAX_LOCK_MS};
pub use wxcode_protocol::{
    Signal,
    holder::{BlockKind, Event, Hello, Info, ProgramState, ProgramStatus, QUIET, Request, Welcome},
};

/// Time for the holder's welcome in [`connect`].
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a holder cannot be reached or understood.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No process listens.
    #[error("the holder of the session does not answer ({0}); it has ended, so look at its folder")]
    Gone(io::Error),
    /// The connection broke.
    #[error("the connection to the holder broke ({0}); connect again")]
    Io(#[from] io::Error),
    /// No welcome in [`CONNECT_TIMEOUT`].
    #[error("the holder did not answer within 5 s; it is stopped, or the machine is overloaded")]
    Timeout,
    /// The holder and this build have no protocol version in common.
    #[error("the holder refused: {0}")]
    Refused(String),
    /// The holder sent an invalid frame.
    #[error(transparent)]
    TooLong(#[from] wxcode_protocol::holder::frame::TooLong),
    /// The holder sent an invalid message.
    #[error(transparent)]
    Malformed(#[from] wxcode_protocol::holder::Malformed),
    /// The holder takes nothing.
    #[error("{0} bytes wait for the holder, which takes nothing; connect again when it is there")]
    Stuck(usize),
    /// A request beyond a bound; nothing was sent.
    #[error("{what} of {len} bytes, where {limit} are allowed; send it in parts")]
    TooLarge {
        /// The name of the request.
        what: &'static str,
        /// The size, in bytes.
        len: usize,
        /// The bound, in bytes.
        limit: usize,
    },
}

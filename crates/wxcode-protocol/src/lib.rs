//! The two protocols of a session: the holder's socket ([`holder`]) and the WebSocket `wxcode.v1`
//! ([`websocket`]), and the types that both carry.
//!
//! Beside them, [`event_stream`] reads the server-sent events, which clients and nodes follow.
//!
//! Both are binary: a type byte, then numbers in big-endian order, then bytes. `docs/holder.md` and
//! `docs/protocol.md` lay them out. Start with [`holder::frame::Decoder`] for a holder's socket, and
//! with [`websocket::ServerFrame::decode`] for a terminal.
//!
//! Invariant: this crate depends on no other crate of the workspace and opens nothing.

#![warn(missing_docs)]

mod ancestry;
pub mod event_stream;
mod exit;
mod fields;
pub mod holder;
mod output;
mod signal;
mod terminal;
pub mod websocket;

pub use ancestry::{Ancestry, MAX_GENERATIONS, pack, unpack};
pub use exit::Exit;
pub use output::Output;
pub use signal::Signal;
pub use terminal::{Modes, Size};

/// The name of this build, for logs and for the comparison with another build.
pub const BUILD: &str = concat!("wxcode ", env!("CARGO_PKG_VERSION"));

//! The terminal of a session: `wxcode.v1` over WebSocket, as docs/protocol.md lays it out.
//!
//! [`Terminal`] keeps a connection. After a break the terminal goes on at the next byte.
//! Inputs have numbers, so each is typed once. The terminal acknowledges output, and its queues
//! are bounded.
//! [`Socket`] is a WebSocket for clients with other rules.
//!
//! ```no_run
//! use wxcode_client::terminal::{Size, Target, Terminal, Update};
//!
//! # async fn example(server: wxcode_client::Server) -> Result<(), Box<dyn std::error::Error>> {
//! let target = Target::new("0123456789abcdef01234567")?;
//! let (mut terminal, attached) = Terminal::attach(server, target).await?;
//! println!("session {}", attached.status.session_id);
//! if let Some(size) = Size::new(120, 40) {
//!     terminal.resize(size);
//!     terminal.drive();
//! }
//! terminal.input("hello\r".into())?;
//! loop {
//!     match terminal.next().await {
//!         // A terminal emulator is reset before a snapshot.
//!         Update::Snapshot { bytes, .. } | Update::Output { bytes, .. } => drop(bytes),
//!         Update::Away { lost, pause } => eprintln!("{lost}; again in {pause:?}"),
//!         Update::Exited(exit) => println!("the agent ended: {}", exit.reason),
//!         Update::Ended => break,
//!         Update::Failed(lost) => return Err(lost.into()),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod connection;
mod inputs;
mod link;
mod outgoing;
mod retry;
mod socket;
mod target;
mod update;

pub use tokio_tungstenite::tungstenite::Message;
pub use wxcode_protocol::{
    Exit, Output, Signal, Size,
    websocket::{ClientFrame, Notice, Role, ServerFrame, Status},
};

pub use self::{
    client::{Find, Terminal},
    inputs::{IN_FLIGHT_MAX, InputError, WAITING_MAX},
    link::{CLOSE_TIMEOUT, OUTBOX_MAX, PING_EVERY, SILENCE_MAX, WAKE_TIMEOUT},
    retry::Lost,
    socket::{CONNECT_TIMEOUT, MESSAGE_MAX, Socket},
    target::{Since, Target},
    update::{Attached, Update},
};

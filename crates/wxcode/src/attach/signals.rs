//! The signals that a program in a terminal gets.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that matter here.
pub(super) struct Signals {
    /// The window has another size.
    pub(super) window: Signal,
    /// The shell gives the terminal back.
    pub(super) resumed: Signal,
    /// The terminal is gone.
    pub(super) hangup: Signal,
    /// From others: the key is the agent's.
    pub(super) interrupt: Signal,
    /// It is to end.
    pub(super) terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            window: signal(SignalKind::window_change())?,
            resumed: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

//! The signals of a program in a terminal.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

pub(super) struct Signals {
    /// The window has another size.
    pub(super) window: Signal,
    /// The shell gives the terminal back.
    pub(super) resumed: Signal,
    /// The shell asks for the terminal.
    pub(super) stop: Signal,
    /// The terminal is gone.
    pub(super) hangup: Signal,
    /// From another process: the key goes to the agent.
    pub(super) interrupt: Signal,
    /// A request to end.
    pub(super) terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            window: signal(SignalKind::window_change())?,
            resumed: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }
}

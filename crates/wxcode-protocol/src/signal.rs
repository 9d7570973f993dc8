//! The signals that a client may send to the agent.

/// A signal for the foreground process group of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The signal's number on Linux: its code in both protocols.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }

    /// The signal of a code; `None` for all codes except 2 and 15.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            2 => Some(Self::Interrupt),
            15 => Some(Self::Terminate),
            _ => None,
        }
    }
}

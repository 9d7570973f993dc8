//! The steps of a client's stream, the same for one project and for all.

use serde::Serialize;

/// A client's pause before it reconnects, in milliseconds.
pub(super) const RETRY: &str = "retry: 1000\n\n";

/// The next part of a client's stream.
pub(super) enum Next {
    /// The beginning of every stream, with or without a `state`.
    Greeting { cursor: Option<u64> },
    /// The client's position is unknown: a `reset`, then a `state`.
    Present(&'static str),
    /// The events after a position.
    After(u64),
}

/// What a stream does next.
pub(super) enum Step {
    /// Sends [`RETRY`] alone: the client has a position.
    Greet,
    /// Sends this text and the present situation.
    Present(&'static str),
    /// Sends the events after a position.
    After(u64),
}

impl Next {
    pub(super) fn step(&mut self) -> Step {
        match *self {
            Self::Greeting { cursor: Some(seq) } => {
                *self = Self::After(seq);
                Step::Greet
            }
            Self::Greeting { cursor: None } => Step::Present(RETRY),
            Self::Present(before) => Step::Present(before),
            Self::After(seq) => Step::After(seq),
        }
    }
}

/// The event with the present situation.
pub(super) fn state_frame(before: &str, seq: u64, now: &impl Serialize) -> Option<String> {
    let json = serde_json::to_string(now).ok()?;
    Some(format!("{before}id: {seq}\nevent: state\ndata: {json}\n\n"))
}

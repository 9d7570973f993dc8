//! Orders to the agent as typed lines, and the agent's answers.

use std::fmt;

/// The agent's message of readiness for orders.
pub const READY: &str = "READY";
/// The word after a printing; the printing's number from 1, the microseconds of the writing, and CR
/// LF follow.
pub const DONE: &str = "DONE";
/// The file in the agent's working directory with the number and the microseconds of the last
/// printing.
pub const PRINTED: &str = "printed";
/// The socket in the agent's working directory for the payloads of [`Order::Report`].
pub const HOOKS: &str = "hooks.sock";
/// Ends the agent at any time.
pub const END: u8 = 0x04;

/// An order, typed as a line with CR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Echoes all input from now on, and takes no more orders.
    Echo,
    /// Prints this many lines of [`crate::text`] at the terminal's full speed.
    Print(usize),
    /// Prints this many bytes a second, in ten pieces, until the terminal is gone.
    Tick(usize),
    /// Runs hooks, and takes no more orders. The socket [`HOOKS`] carries the program and the
    /// program's file, a line each, then payloads; the answer to each payload is a line with the
    /// hook's microseconds.
    Report,
}

impl Order {
    /// Parses a line without the line end.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (word, number) = line.split_once(' ').unwrap_or((line, "0"));
        let number = number.parse().ok()?;
        match word {
            "echo" => Some(Self::Echo),
            "print" => Some(Self::Print(number)),
            "tick" => Some(Self::Tick(number)),
            "report" => Some(Self::Report),
            _ => None,
        }
    }
}

/// The line to type, with CR.
impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echo => write!(f, "echo\r"),
            Self::Print(lines) => write!(f, "print {lines}\r"),
            Self::Tick(rate) => write!(f, "tick {rate}\r"),
            Self::Report => write!(f, "report\r"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_orders_are_parsed() {
        for order in [
            Order::Echo,
            Order::Print(664_445),
            Order::Tick(10_240),
            Order::Report,
        ] {
            let typed = order.to_string();
            assert_eq!(Order::parse(typed.trim_end_matches('\r')), Some(order));
        }
        assert_eq!(Order::parse("print many"), None);
        assert_eq!(Order::parse(""), None);
    }
}

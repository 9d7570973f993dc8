//! What the agent can be told by typing a line, and what it answers.

use std::fmt;

/// The agent says this when it takes orders.
pub const READY: &str = "READY";
/// Printed text is followed by this word, the printing's number from 1, the microseconds that the writing took, and CR LF.
pub const DONE: &str = "DONE";
/// The file in the agent's working directory that holds the number and the microseconds of the last printing.
pub const PRINTED: &str = "printed";
/// The socket in the agent's working directory on which [`Order::Report`] takes what to report.
pub const HOOKS: &str = "hooks.sock";
/// Typed at any time, it ends the agent.
pub const END: u8 = 0x04;

/// An order; typed as one line that ends in CR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Writes back what is typed from now on, and takes no more orders.
    Echo,
    /// Prints so many lines of [`crate::text`], as fast as the terminal takes them.
    Print(usize),
    /// Prints so many bytes a second, in ten pieces, until the terminal is gone.
    Tick(usize),
    /// Runs hooks, and takes no more orders. On the socket [`HOOKS`] come the program and its file, a line each, then
    /// payloads; each is answered by a line with the microseconds that the hook took.
    Report,
}

impl Order {
    /// Reads a line without its end.
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

/// The line to type, with its CR.
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

//! The command line: the relevant part of the real agent's.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
};

use uuid::Uuid;

/// A parsed command line.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    pub(crate) session_id: Option<Uuid>,
    pub(crate) resume: Option<String>,
    pub(crate) settings: Option<PathBuf>,
    pub(crate) prompt: Option<String>,
    /// `-p`: answers the prompt and ends, without a screen.
    pub(crate) print: bool,
    /// With `-p`: prints the turn's messages as `stream-json`.
    pub(crate) stream: bool,
}

impl Arguments {
    /// Parses the arguments; skips unknown options with their value, if any.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Self {
        let mut arguments = Self::default();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--session-id" => {
                    arguments.session_id = words.next().and_then(|id| Uuid::parse_str(&id).ok())
                }
                "--resume" | "-r" => arguments.resume = words.next(),
                "--settings" => arguments.settings = words.next().map(PathBuf::from),
                "-p" | "--print" => arguments.print = true,
                "--output-format" => {
                    arguments.stream = words.next().is_some_and(|format| format == "stream-json");
                }
                "--permission-mode" | "--model" => drop(words.next()),
                "--" => {
                    arguments.prompt = words.next();
                    break;
                }
                option if option.starts_with('-') => {}
                _ => arguments.prompt = Some(word),
            }
        }
        arguments
    }

    /// With `-p` and without a prompt, the prompt is on standard input, unless that is a terminal.
    pub(crate) fn read_prompt(&mut self) -> io::Result<()> {
        if self.print && self.prompt.is_none() && !io::stdin().is_terminal() {
            self.prompt = Some(io::read_to_string(io::stdin())?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_behind_two_dashes_is_never_an_option() {
        let words = [
            "--session-id",
            "00000000-0000-4000-8000-000000000001",
            "--settings",
            "/s",
            "--",
            "-p",
        ];
        let arguments = Arguments::parse(words.map(String::from));
        assert_eq!(
            arguments.session_id,
            Some(Uuid::from_u128(0x4000_8000_0000_0000_0001))
        );
        assert_eq!(arguments.settings, Some("/s".into()));
        assert_eq!(arguments.prompt.as_deref(), Some("-p"));
        assert!(!arguments.print);
    }
}

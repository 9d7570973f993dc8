//! Output of commands: errors are returned instead of raised as panics, and a closed pipe ends a
//! command.

use std::{
    fmt::Display,
    io::{ErrorKind, IsTerminal, Write, stderr, stdout},
};

/// Standard output has no reader any more, as after `| head`: the command ends quietly.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub(crate) struct ReaderLeft;

/// Prints a line to standard output.
pub(crate) fn print(line: impl Display) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderLeft.into()),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write to standard output")),
    }
}

/// Prints a line to standard error, if possible.
pub(crate) fn note(line: impl Display) {
    // An error here cannot be reported anywhere.
    let _ = writeln!(stderr(), "{line}");
}

/// A text for a terminal: control characters, which could act there, become `�`. Line ends and tabs
/// stay.
pub(crate) fn plain(text: &str) -> String {
    let shown = text.chars().map(|char| match char {
        '\n' | '\t' => char,
        char if char.is_control() => char::REPLACEMENT_CHARACTER,
        char => char,
    });
    shown.collect()
}

/// Whether standard output is a terminal that wants colours: see <https://no-color.org>.
pub(crate) fn has_colours() -> bool {
    let is_off = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    stdout().is_terminal() && !is_off("NO_COLOR") && !is_dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_holds_no_escapes() {
        assert_eq!(plain("a\tb\nç"), "a\tb\nç");
        assert_eq!(plain("\u{1b}]52;c;x\u{7}\u{9b}2J\r"), "�]52;c;x��2J�");
    }
}

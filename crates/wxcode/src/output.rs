//! Output of commands: errors are returned instead of raised as panics, and a closed pipe ends a
//! command.

use std::{
    fmt::Display,
    io::{ErrorKind, Write, stderr, stdout},
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

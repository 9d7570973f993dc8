//! What commands print: errors are reported instead of raised as panics, and a reader that has left
//! ends a command.

use std::{
    fmt::Display,
    io::{ErrorKind, Write, stderr, stdout},
};

/// Nobody reads standard output any longer, as after `| head`: the command ends quietly.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any longer")]
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

/// Prints a line to standard error, where that can be written.
pub(crate) fn note(line: impl Display) {
    // There is nobody else to tell.
    let _ = writeln!(stderr(), "{line}");
}

//! A pipe in which whoever writes waits.

use std::io::{self, PipeReader, PipeWriter, Write, pipe};

/// Room in it, in bytes: one page, the least there is.
const ROOM: usize = 4 << 10;

/// A pipe that has no room left: a write waits until something is read or the reader is gone.
///
/// # Errors
/// The system gives no pipe.
pub fn full_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = pipe()?;
    let room = rustix::pipe::fcntl_setpipe_size(&writer, ROOM)?;
    writer.write_all(&vec![b' '; room])?;
    Ok((reader, writer))
}

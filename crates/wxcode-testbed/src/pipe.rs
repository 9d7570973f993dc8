//! A full pipe for blocking writers.

use std::io::{self, PipeReader, PipeWriter, Write, pipe};

/// The pipe's capacity in bytes: a page, the minimum.
const ROOM: usize = 4 << 10;

/// A full pipe: a write blocks until a read or until the reader is gone.
///
/// # Errors
/// The system gives no pipe.
pub fn full_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, mut writer) = pipe()?;
    let room = rustix::pipe::fcntl_setpipe_size(&writer, ROOM)?;
    writer.write_all(&vec![b' '; room])?;
    Ok((reader, writer))
}

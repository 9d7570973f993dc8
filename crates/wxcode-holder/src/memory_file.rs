//! Files in memory, as the standard input of a program.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
};

use rustix::fs::{MemfdFlags, memfd_create};

/// A nameless file with these bytes, read from its beginning.
pub(crate) fn with(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("wxcode-input", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

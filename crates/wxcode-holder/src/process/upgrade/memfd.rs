//! A sealed state in memory, for another program to read.

use std::{
    fs::File,
    io::{self, Read, Write},
};

use rustix::{
    fd::{AsFd, OwnedFd},
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, memfd_create},
};

use crate::state::MAX_STATE;

const SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::WRITE)
    .union(SealFlags::SEAL);

/// Writes bytes into a nameless file and seals it.
pub(crate) fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(memfd_create("wxcode-state", flags)?);
    file.write_all(bytes)?;
    fcntl_add_seals(&file, SEALS)?;
    Ok(file.into())
}

/// Copies the bytes of such a file, from its beginning.
pub(crate) fn read(fd: impl AsFd) -> io::Result<Vec<u8>> {
    if !fcntl_get_seals(&fd)?.contains(SEALS) {
        return Err(io::Error::other("the state is not sealed"));
    }
    // A separate file position.
    use std::os::fd::AsRawFd;
    let file = File::open(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()))?;
    let len = file.metadata()?.len();
    if len > MAX_STATE as u64 {
        return Err(io::Error::other("the state is too large"));
    }
    let mut bytes = Vec::with_capacity(len as usize);
    file.take(MAX_STATE as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_is_read_repeatedly() {
        let fd = sealed(b"a state").unwrap();
        assert_eq!(read(&fd).unwrap(), b"a state");
        assert_eq!(read(&fd).unwrap(), b"a state");
        let mut file = File::from(fd);
        assert!(file.write_all(b"x").is_err() && file.set_len(0).is_err());
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        assert!(read(memfd_create("open", flags).unwrap()).is_err());
    }
}

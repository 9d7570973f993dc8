//! Executes the successor program: the open descriptors, and its arguments.

#![allow(unsafe_code)] // execve has no safe form

use std::{ffi::CString, io, os::unix::ffi::OsStrExt, path::Path};

use rustix::{
    fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    io::{FdFlags, fcntl_getfd, fcntl_setfd},
};
use serde::{Deserialize, Serialize};

/// The handed-over descriptors, and facts for a successor that does not understand the state: the
/// successor's argument, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handoff {
    /// The sealed state.
    pub(crate) state: RawFd,
    /// The program itself.
    pub(crate) program: RawFd,
    /// The terminal's master.
    pub(crate) master: RawFd,
    /// The terminal's slave.
    pub(crate) slave: Option<RawFd>,
    /// The listening socket.
    pub(crate) listener: RawFd,
    /// The offset after the newest byte of output.
    pub(crate) end: u64,
    /// The number of the next hook payload.
    pub(crate) next_hook_seq: u64,
}

/// Executes a program in place of this program, with these descriptors left open. Returns only with
/// an error, and then nothing has changed.
pub(crate) fn become_program(
    path: &str,
    dir: &Path,
    handoff: &Handoff,
    kept: &[BorrowedFd<'_>],
) -> io::Error {
    let line = serde_json::to_string(handoff).unwrap_or_default();
    let arguments = [
        b"wxcode-holder",
        b"hold".as_slice(),
        b"--resume",
        line.as_bytes(),
    ];
    let arguments = arguments.into_iter().chain([dir.as_os_str().as_bytes()]);
    let arguments: Result<Vec<_>, _> = arguments.map(CString::new).collect();
    let (Ok(arguments), Ok(path)) = (arguments, CString::new(path)) else {
        return io::ErrorKind::InvalidInput.into();
    };
    let mut pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).collect();
    pointers.push(std::ptr::null());
    for fd in kept {
        if let Err(error) = fcntl_setfd(fd, FdFlags::empty()) {
            close_later(kept);
            return error.into();
        }
    }
    unsafe extern "C" {
        static environ: *const *const libc::c_char;
    }
    // SAFETY: the path and the arguments end in a zero and live until the call; the environment is
    // the process's own and constant, because there is one thread.
    unsafe { libc::execve(path.as_ptr(), pointers.as_ptr(), environ) };
    let error = io::Error::last_os_error();
    close_later(kept);
    error
}

/// Later executed programs do not inherit these.
fn close_later(kept: &[BorrowedFd<'_>]) {
    for fd in kept {
        let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
    }
}

/// Takes a descriptor left open by the previous program; once each, before anything is opened here.
pub(crate) fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: nothing in this process owns a descriptor above 2 yet except the descriptors taken
    // here, each once. A repeated call finds a closed descriptor, and then does not close it.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    match fcntl_getfd(&owned) {
        Ok(_) => {}
        Err(error) => {
            let _ = std::os::fd::IntoRawFd::into_raw_fd(owned);
            return Err(error.into());
        }
    }
    fcntl_setfd(&owned, FdFlags::CLOEXEC)?;
    Ok(owned)
}

impl Handoff {
    /// Whether each descriptor is named once.
    pub(crate) fn is_plausible(&self) -> bool {
        let mut fds = vec![self.state, self.program, self.master, self.listener];
        fds.extend(self.slave);
        fds.sort_unstable();
        fds.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// The number of a descriptor.
pub(crate) fn number(fd: &OwnedFd) -> RawFd {
    fd.as_raw_fd()
}

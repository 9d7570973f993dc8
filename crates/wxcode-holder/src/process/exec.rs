//! Going on as another program: what stays open, and what that program is told.

#![allow(unsafe_code)] // execve has no safe form

use std::{ffi::CString, io, os::unix::ffi::OsStrExt, path::Path};

use rustix::{
    fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    io::{FdFlags, fcntl_getfd, fcntl_setfd},
};
use serde::{Deserialize, Serialize};

/// What the next program finds open, and what it needs where it does not understand the state: its argument, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lifeline {
    /// The sealed state.
    pub(super) state: RawFd,
    /// The program itself.
    pub(super) program: RawFd,
    /// The terminal's master.
    pub(super) master: RawFd,
    /// The terminal's slave.
    pub(super) slave: Option<RawFd>,
    /// The socket that listens.
    pub(super) listener: RawFd,
    /// The offset behind the newest byte of output.
    pub(super) end: u64,
    /// The number that the next hook payload gets.
    pub(super) next_hook_seq: u64,
}

/// Executes a program in this process's place, with these descriptors left open. Comes back only with an error, and then
/// all is as it was.
pub(super) fn become_program(
    path: &str,
    dir: &Path,
    lifeline: &Lifeline,
    kept: &[BorrowedFd<'_>],
) -> io::Error {
    let line = serde_json::to_string(lifeline).unwrap_or_default();
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
    // SAFETY: the path and the arguments end in a zero and live until the call; the environment is the process's own, which
    // nothing changes, as there is one thread.
    unsafe { libc::execve(path.as_ptr(), pointers.as_ptr(), environ) };
    let error = io::Error::last_os_error();
    close_later(kept);
    error
}

/// Nothing that is executed from here on finds these open.
fn close_later(kept: &[BorrowedFd<'_>]) {
    for fd in kept {
        let _ = fcntl_setfd(fd, FdFlags::CLOEXEC);
    }
}

/// A descriptor that the program before this one left open; to be taken once each, before anything is opened here.
pub(super) fn inherited(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 3 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: nothing in this process owns a descriptor above 2 yet but what was taken here, each number once; one that is
    // not open is found out by the next call, and is not closed then.
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

impl Lifeline {
    /// Whether each descriptor is named once.
    pub(super) fn is_plausible(&self) -> bool {
        let mut fds = vec![self.state, self.program, self.master, self.listener];
        fds.extend(self.slave);
        fds.sort_unstable();
        fds.windows(2).all(|pair| pair[0] != pair[1])
    }
}

/// The number of a descriptor.
pub(super) fn number(fd: &OwnedFd) -> RawFd {
    fd.as_raw_fd()
}

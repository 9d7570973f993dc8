//! Closes every open file of this process except the standard three.
//!
//! `close_range` does the work in a single call. The call is missing in Linux before 5.9, the mark
//! before 5.11, and some seccomp filters forbid the call. Then `/proc/self/fd` lists the open
//! files, and without `/proc` the holder tries each number up to a bound.

#![allow(unsafe_code)] // calls without a safe form

use std::mem::MaybeUninit;

use rustix::{
    fd::{AsRawFd, RawFd},
    fs::{Mode, OFlags, RawDir, open},
    process::{Resource, getrlimit},
};

/// The first file after standard input, output and error.
const FIRST: RawFd = 3;
/// Without `/proc`, files with this number and higher ones stay open.
const MAX_FILES: RawFd = 1 << 20;
/// The flag of `close_range` for marking files instead of closing them.
const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
/// Bytes of a part of the list of files.
const LIST: usize = 2 << 10; // 2 KiB

/// Closes the files now. Call the function before this process owns a file.
pub(crate) fn close_all() {
    // SAFETY: no file is open yet, so no owned descriptor is closed without its owner.
    if unsafe { close_range(0) } != 0 {
        // SAFETY: likewise.
        each_file(|fd| unsafe {
            libc::close(fd);
        });
    }
}

/// Marks the files for closing at the next exec. Makes async-signal-safe calls only.
pub(crate) fn close_all_on_exec() {
    // SAFETY: an async-signal-safe call on constants.
    if unsafe { close_range(CLOSE_RANGE_CLOEXEC) } != 0 {
        // SAFETY: likewise; a closed number gives an error.
        each_file(|fd| unsafe {
            libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
        });
    }
}

/// The bare system call, because musl has no wrapper; not 0 when the kernel refuses the call.
///
/// # Safety
/// Without a flag, nothing may own a file from [`FIRST`] on.
unsafe fn close_range(flags: libc::c_uint) -> libc::c_long {
    let (first, last) = (FIRST as libc::c_uint, libc::c_uint::MAX);
    // SAFETY: a plain call on numbers; the caller owns no such file, or only marks such files.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }
}

/// Calls `act` for each open file, without allocating; where `/proc` is missing, also for closed
/// files.
fn each_file(act: impl Fn(RawFd)) {
    if !each_listed(&act) {
        let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
        let end = RawFd::try_from(limit).map_or(MAX_FILES, |limit| limit.min(MAX_FILES));
        (FIRST..end).for_each(act);
    }
}

/// Calls `act` for each file in the kernel's list; `false` when the list cannot be read.
fn each_listed(act: &impl Fn(RawFd)) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let Ok(list) = open(c"/proc/self/fd", flags, Mode::empty()) else {
        return false;
    };
    let mut buffer = [MaybeUninit::uninit(); LIST];
    let mut entries = RawDir::new(&list, &mut buffer);
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name().to_str().unwrap_or_default();
        if let Ok(fd) = name.parse::<RawFd>()
            && fd >= FIRST
            && fd != list.as_raw_fd()
        {
            act(fd);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

    use super::*;

    #[test]
    fn the_list_names_high_files() {
        let file = std::fs::File::open("/dev/null").unwrap();
        let high = fcntl_dupfd_cloexec(&file, 200).unwrap();
        fcntl_setfd(&high, FdFlags::empty()).unwrap();
        let seen = std::cell::RefCell::new(Vec::new());
        assert!(each_listed(&|fd| seen.borrow_mut().push(fd)));
        let seen = seen.into_inner();
        assert!(seen.contains(&high.as_raw_fd()) && seen.contains(&file.as_raw_fd()));
        assert!(seen.iter().all(|fd| *fd >= FIRST));
    }
}

//! Detaches the holder from its starter: its files, its session, its signals.

#![allow(unsafe_code)] // calls without a safe form

use std::io::{self, PipeReader, PipeWriter};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fd::{FromRawFd, OwnedFd},
    fs::{Mode, OFlags, open},
    process::{Pid, set_child_subreaper, setsid, umask},
    stdio::stdout,
};

use super::files;

/// The role of this process after [`detach`].
pub(crate) enum Role {
    /// The holder, with the line to its guardian.
    Holder(PipeWriter),
    /// The guardian of this holder, with the line from the holder.
    Guardian(Pid, PipeReader),
}

/// Closes every file except the standard three, and continues as two processes in a new session:
/// the holder and its parent. Both share no terminal, process group or parent with the caller.
///
/// Call this function first, while the process has one thread and no open files.
pub(crate) fn detach() -> io::Result<Role> {
    files::close_all();
    if fork()?.is_some() {
        // SAFETY: ends the parent without running exit handlers, because the exit handlers belong
        // to the child now.
        unsafe { libc::_exit(0) }
    }
    setsid()?;
    rustix::process::chdir("/")?;
    let (from_holder, to_guardian) = io::pipe()?;
    // Not a session leader, so an opened terminal never becomes the holder's.
    let holder = fork()?;
    // Set for the holder and for its parent: the setting is not inherited.
    set_child_subreaper(Pid::from_raw(1))?;
    Ok(match holder {
        Some(holder) => Role::Guardian(holder, from_holder),
        None => Role::Holder(to_guardian),
    })
}

/// The child's process in the parent, `None` in the child.
fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the process has one thread, so the child inherits no lock of another thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// Signals as descriptors: SIGTERM and SIGCHLD arrive here; SIGHUP, SIGINT, SIGPIPE and SIGXFSZ are
/// ignored. With SIGXFSZ ignored, a write beyond the limit of a file's size is an error like a full
/// disk.
pub(crate) fn signals() -> io::Result<OwnedFd> {
    // SAFETY: plain calls on an initialised signal set; ignoring a signal installs no handler.
    unsafe {
        for ignored in [libc::SIGHUP, libc::SIGINT, libc::SIGPIPE, libc::SIGXFSZ] {
            libc::signal(ignored, libc::SIG_IGN);
        }
        libc::signal(libc::SIGCHLD, libc::SIG_DFL); // ignored, the kernel would reap by itself
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
        match libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// The arrived signals.
pub(crate) fn take_signals(fd: &OwnedFd) -> Vec<i32> {
    const RECORD: usize = size_of::<libc::signalfd_siginfo>();
    let mut buffer = [0; 4 * RECORD];
    let n = rustix::io::read(fd, &mut buffer).unwrap_or(0);
    buffer[..n]
        .chunks_exact(RECORD)
        .filter_map(|record| Some(i32::from_ne_bytes(*record.first_chunk()?)))
        .collect()
}

/// Whether the caller has closed its end of the pipe.
pub(crate) fn is_caller_gone() -> bool {
    let mut caller = [PollFd::from_borrowed_fd(stdout(), PollFlags::empty())];
    let now = Timespec::default();
    poll(&mut caller, Some(&now)).is_ok() && caller[0].revents().contains(PollFlags::ERR)
}

/// Closes the pipe to the caller: standard output becomes `/dev/null`.
pub(crate) fn disconnect_caller() -> io::Result<()> {
    let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdout(&null)?;
    Ok(())
}

/// Prepares the check's process between fork and exec: default signals, no files except the
/// standard three and these.
pub(crate) fn prepare_check(kept: [i32; 2]) -> io::Result<()> {
    fresh_signals();
    files::close_all_on_exec();
    // SAFETY: async-signal-safe calls on constants.
    unsafe {
        for fd in kept {
            if libc::fcntl(fd, libc::F_SETFD, 0) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}

fn fresh_signals() {
    // SAFETY: async-signal-safe calls on constants and an initialised set.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, std::ptr::null_mut());
    }
}

/// The work of the agent's process between fork and exec: a session with the terminal at its
/// standard output as the controlling terminal, signals as in a fresh process, no files but three,
/// the user's umask.
pub(crate) fn prepare_agent(mask: u32) -> io::Result<()> {
    setsid()?;
    umask(Mode::from_raw_mode(mask & 0o777));
    rustix::process::ioctl_tiocsctty(stdout())?;
    fresh_signals();
    // Marked, not closed: the standard library reports a failed exec through a descriptor.
    files::close_all_on_exec();
    Ok(())
}

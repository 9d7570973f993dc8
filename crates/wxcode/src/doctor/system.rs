//! Tries the parts of the system that sessions need.

use std::{
    fs,
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            net::{UnixListener, UnixStream},
        },
    },
    path::Path,
};

use rustix::{
    fs::{
        CWD, MemfdFlags, Mode, OFlags, ResolveFlags, SealFlags, fcntl_add_seals, memfd_create,
        open, openat2,
    },
    process::{PidfdFlags, getpid, pidfd_open},
};

use super::Findings;

/// The oldest kernel on which sessions work, as its major and minor number.
const OLDEST: (u32, u32) = (4, 18);
/// Longest path of a data folder, in bytes: the kernel takes 4,095, and a session's files lie at
/// most 160 below the folder.
const DATA_DIR_MAX: usize = 3_900;

pub(super) fn check(data_dir: &Path, findings: &mut Findings) {
    check_kernel(findings);
    check_calls(findings);
    check_socket(data_dir, findings);
}

fn check_kernel(findings: &mut Findings) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    let (major, minor) = OLDEST;
    match version(release) {
        Some(found) if found < OLDEST => findings.bad(
            "kernel",
            &format!("Linux {release} is too old: sessions need {major}.{minor} or newer"),
        ),
        Some(_) => findings.good("kernel", &format!("Linux {release}")),
        None => findings.doubtful(
            "kernel",
            &format!("{release:?} is no version of Linux; sessions need {major}.{minor} or newer"),
        ),
    }
}

/// The major and minor number of a kernel's release.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn check_calls(findings: &mut Findings) {
    let memfd = memfd_create(
        "wxcode-doctor",
        MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING,
    )
    .and_then(|file| fcntl_add_seals(file, SealFlags::SEAL));
    match memfd {
        Ok(()) => findings.good("memfd", "sessions continue with a new build after an upgrade"),
        Err(error) => findings.doubtful(
            "memfd",
            &format!("{error}: running sessions keep their build after an upgrade; allow memfd_create in the seccomp filter"),
        ),
    }
    match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(_) => findings.good("pidfd", "processes are signalled through descriptors"),
        Err(error) => findings.note(
            "pidfd",
            &format!("{error}: processes are compared by their start time before each signal (Linux before 5.3, or a seccomp filter)"),
        ),
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    match openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        Ok(_) => findings.good("openat2", "paths are resolved in one step"),
        Err(error) => findings.note(
            "openat2",
            &format!("{error}: paths are resolved folder by folder (Linux before 5.6, or a seccomp filter)"),
        ),
    }
}

/// A holder listens on a socket in its folder, by a path of the folder's descriptor. So the
/// folder's path may be longer than a socket's address.
fn check_socket(data_dir: &Path, findings: &mut Findings) {
    let length = data_dir.as_os_str().as_bytes().len();
    if length > DATA_DIR_MAX {
        return findings.bad(
            "sockets",
            &format!("the data folder's path has {length} bytes, {DATA_DIR_MAX} are allowed: give a shorter --data-dir"),
        );
    }
    match try_socket(data_dir) {
        Ok(()) => findings.good("sockets", "the data folder takes them"),
        Err(error) => findings.bad(
            "sockets",
            &format!("{}: {error}; sessions need a socket there, and /proc: put the data folder on a local file system with --data-dir", data_dir.display()),
        ),
    }
}

fn try_socket(data_dir: &Path) -> std::io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = open(data_dir, flags, Mode::empty())?;
    let name = format!(".doctor.{}.sock", std::process::id());
    let path = format!("/proc/self/fd/{}/{name}", folder.as_raw_fd());
    let listener = UnixListener::bind(&path)?;
    let connected = UnixStream::connect(&path).map(drop);
    let removed = fs::remove_file(data_dir.join(name));
    drop(listener);
    connected.and(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions_are_read() {
        assert_eq!(version("4.18.0-553.el8_10.x86_64"), Some((4, 18)));
        assert_eq!(version("6.1-generic"), Some((6, 1)));
        assert_eq!(version("unknown"), None);
        assert!(version("4.4.0").unwrap() < OLDEST);
    }
}

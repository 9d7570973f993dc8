//! Resolves a path beneath an open folder.
//!
//! `openat2` does it in one step. If the kernel or a seccomp filter lacks it, a walk opens one
//! component at a time without following links.

use std::{
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    path::{Component, Path},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, openat, openat2},
    io::Errno,
};

/// Most tries of a resolution disturbed by a concurrent rename.
const RACES_MAX: usize = 8;

/// The treatment of links on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Follows none, not even within the folder.
    Refuse,
    /// Follows links to targets beneath the folder.
    Beneath,
    /// Follows all: for folders that the user keeps for Claude Code, often as links.
    Follow,
}

/// Whether a path has only plain names, so that it cannot climb.
pub(crate) fn is_plain(below: &Path) -> bool {
    below
        .components()
        .all(|component| matches!(component, Component::Normal(_)))
        && below.components().next().is_some()
}

/// Opens without following any link. With `O_PATH` it opens a link at the end itself.
pub(crate) fn strict(root: BorrowedFd<'_>, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match in_one_step(root, below, flags | OFlags::NOFOLLOW, resolve) {
        Err(error) if lacks_openat2(error) => walk(root, below, flags),
        opened => opened,
    }
}

/// Opens, following links that stay beneath the folder. Returns `EXDEV` if the kernel cannot
/// decide, as for each absolute link.
pub(crate) fn beneath(root: BorrowedFd<'_>, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match in_one_step(root, below, flags, resolve) {
        Err(error) if lacks_openat2(error) => Err(Errno::XDEV),
        opened => opened,
    }
}

/// Opens, following all links except those of `/proc`.
pub(crate) fn following(
    root: BorrowedFd<'_>,
    below: &Path,
    flags: OFlags,
) -> Result<OwnedFd, Errno> {
    match in_one_step(root, below, flags, ResolveFlags::NO_MAGICLINKS) {
        Err(error) if lacks_openat2(error) => openat(root, below, flags, Mode::empty()),
        opened => opened,
    }
}

fn in_one_step(
    root: BorrowedFd<'_>,
    below: &Path,
    flags: OFlags,
    resolve: ResolveFlags,
) -> Result<OwnedFd, Errno> {
    let mut opened = Err(Errno::AGAIN);
    for _ in 0..RACES_MAX {
        opened = openat2(root, below, flags, Mode::empty(), resolve);
        if !matches!(opened, Err(Errno::AGAIN | Errno::INTR)) {
            break;
        }
    }
    opened
}

/// Seccomp filters without the call refuse it with `EPERM`, kernels before 5.6 with `ENOSYS`. The
/// fallback meets a refusal of the file itself again.
fn lacks_openat2(error: Errno) -> bool {
    matches!(error, Errno::NOSYS | Errno::PERM)
}

/// Does the same as [`strict`], without `openat2`.
pub(crate) fn walk(root: BorrowedFd<'_>, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    if !is_plain(below) {
        return Err(Errno::XDEV);
    }
    let on_the_way = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder: Option<OwnedFd> = None;
    let mut names = below.components().peekable();
    while let Some(name) = names.next() {
        let at = folder.as_ref().map_or(root, |folder| folder.as_fd());
        let flags = if names.peek().is_some() {
            on_the_way
        } else {
            flags | OFlags::NOFOLLOW
        };
        folder = Some(openat(at, name.as_os_str(), flags, Mode::empty())?);
    }
    folder.ok_or(Errno::INVAL)
}

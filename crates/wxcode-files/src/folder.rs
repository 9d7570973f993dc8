//! Opens files beneath an open folder.

mod file;
mod place;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata},
    io::{self, Write as _},
    os::fd::{AsFd as _, AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fstat, mkdirat, openat, renameat, statat, unlinkat},
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

pub use self::file::RegularFile;
use crate::{
    FileError, Kind, Links,
    beneath::{beneath, following, is_plain, strict},
};

/// Flags for a folder as a starting point: no permission to list it is needed.
const PLACE: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder. Later changes of its path do not matter.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    /// The path as requested, for messages.
    path: PathBuf,
    /// The path with all links resolved.
    real: PathBuf,
}

impl Folder {
    /// Opens a folder; follows links on the way.
    ///
    /// # Errors
    /// The path is no folder, or cannot be reached.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let real = path
            .canonicalize()
            .map_err(|error| whole(path, "open", error))?;
        let fd = rustix::fs::open(&real, PLACE | OFlags::NOFOLLOW, Mode::empty()).map_err(
            |errno| match (errno, kind_of(&real)) {
                (Errno::NOTDIR | Errno::LOOP, Some(found)) => FileError::Kind {
                    path: path.to_owned(),
                    found,
                    wanted: Kind::Folder,
                },
                _ => whole(path, "open", errno.into()),
            },
        )?;
        Ok(Self {
            fd,
            path: path.to_owned(),
            real,
        })
    }

    /// The path, as requested.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path to this open folder, also after a move.
    #[must_use]
    pub fn magic(&self) -> PathBuf {
        magic(&self.fd)
    }

    /// Opens a folder beneath this one.
    ///
    /// # Errors
    /// The path is no folder, cannot be reached, or `links` forbids the way.
    pub fn folder(&self, below: &Path, links: Links) -> Result<Self, FileError> {
        let fd = self.resolve(below, links, PLACE, Kind::Folder)?;
        let real = fs::read_link(magic(&fd)).unwrap_or_else(|_| self.real.join(below));
        Ok(Self {
            fd,
            path: self.path.join(below),
            real,
        })
    }

    /// Opens a regular file beneath this folder.
    ///
    /// Checks the kind before opening, without side effects on a device or a FIFO.
    ///
    /// # Errors
    /// The path is no regular file, cannot be opened, or `links` forbids the way.
    pub fn file(&self, below: &Path, links: Links) -> Result<RegularFile, FileError> {
        let path = self.path.join(below);
        let place = OFlags::PATH | OFlags::CLOEXEC;
        let fd = self.resolve(below, links, place, Kind::Regular)?;
        let io = |errno: Errno| whole(&path, "open", errno.into());
        let found = Kind::from(FileType::from_raw_mode(fstat(&fd).map_err(io)?.st_mode));
        match found {
            Kind::Regular => {}
            Kind::Link => {
                return Err(FileError::Link {
                    path,
                    wanted: Kind::Regular,
                });
            }
            _ => {
                return Err(FileError::Kind {
                    path,
                    found,
                    wanted: Kind::Regular,
                });
            }
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(magic(&fd), flags, Mode::empty()).map_err(io)?);
        let metadata = file
            .metadata()
            .map_err(|error| whole(&path, "open", error))?;
        Ok(RegularFile {
            file,
            path,
            metadata,
        })
    }

    /// Returns the names of the entries, in no order, at most `max`.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn names(&self, max: usize) -> Result<Vec<OsString>, FileError> {
        let failed = |error| whole(&self.path, "list", error);
        fs::read_dir(self.magic())
            .map_err(failed)?
            .take(max)
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(failed))
            .collect()
    }

    /// Returns the kind of an entry; does not follow a link.
    ///
    /// # Errors
    /// There is no entry, or `name` is more than a name.
    pub fn metadata(&self, name: &OsStr) -> Result<Metadata, FileError> {
        let below = Path::new(name);
        self.check(below)?;
        fs::symlink_metadata(self.magic().join(below))
            .map_err(|error| whole(&self.path.join(below), "look at", error))
    }

    /// Returns the kind at a path beneath this folder, following links as `links` allows.
    ///
    /// # Errors
    /// The path does not exist, or `links` forbids the way.
    pub fn target(&self, below: &Path, links: Links) -> Result<Metadata, FileError> {
        let place = OFlags::PATH | OFlags::CLOEXEC;
        let fd = self.resolve(below, links, place, Kind::Regular)?;
        // The `/proc` link of an open file leads to it, independent of its path.
        fs::metadata(magic(&fd)).map_err(|error| whole(&self.path.join(below), "look at", error))
    }

    /// Creates a folder and its missing parents; follows no link.
    ///
    /// # Errors
    /// Something else is in the way, or the system refuses.
    pub fn make(&self, below: &Path) -> Result<Self, FileError> {
        self.check(below)?;
        let mut made: Option<Self> = None;
        for name in below.components() {
            let name = Path::new(name.as_os_str());
            let at = made.as_ref().unwrap_or(self);
            match mkdirat(&at.fd, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(whole(&at.path.join(name), "make", errno.into())),
            }
            let next = at.folder(name, Links::Refuse)?;
            made = Some(next);
        }
        made.ok_or_else(|| self.outside(below))
    }

    /// Whether the regular file `name` holds exactly `bytes`.
    ///
    /// # Errors
    /// The entry is no regular file, or cannot be read.
    pub fn holds(&self, name: &str, bytes: &[u8]) -> Result<bool, FileError> {
        let file = match self.file(Path::new(name), Links::Refuse) {
            Err(error) if error.is_missing() => return Ok(false),
            file => file?,
        };
        let len = bytes.len() as u64;
        Ok(file.len() == len && file.beginning(len + 1)? == bytes)
    }

    /// Replaces or creates a regular file: it is whole at each moment, and on disk afterwards. The
    /// temporary file has a unique name, so several writers may work at once.
    ///
    /// # Errors
    /// The entry is no regular file, or cannot be written.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        self.check(Path::new(name))?;
        let path = self.path.join(name);
        if let Ok(stat) = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            match Kind::from(FileType::from_raw_mode(stat.st_mode)) {
                Kind::Regular => {}
                Kind::Link => {
                    return Err(FileError::Link {
                        path,
                        wanted: Kind::Regular,
                    });
                }
                found => {
                    return Err(FileError::Kind {
                        path,
                        found,
                        wanted: Kind::Regular,
                    });
                }
            }
        }
        let failed = |error| whole(&path, "write", error);
        let draft = draft(name).map_err(failed)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let opened = openat(&self.fd, &draft, flags, mode).map_err(|errno| failed(errno.into()))?;
        let mut file = File::from(opened);
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(renameat(&self.fd, &draft, &self.fd, name)?));
        written.map_err(|error| {
            // Best effort: the first error is the one to report.
            let _ = unlinkat(&self.fd, &draft, AtFlags::empty());
            failed(error)
        })
    }

    fn check(&self, below: &Path) -> Result<(), FileError> {
        if is_plain(below) {
            Ok(())
        } else {
            Err(self.outside(below))
        }
    }

    fn outside(&self, below: &Path) -> FileError {
        FileError::Outside {
            path: self.path.join(below),
            root: self.path.clone(),
        }
    }

    fn resolve(
        &self,
        below: &Path,
        links: Links,
        flags: OFlags,
        wanted: Kind,
    ) -> Result<OwnedFd, FileError> {
        self.check(below)?;
        let at = self.fd.as_fd();
        let opened = match links {
            Links::Refuse => strict(at, below, flags),
            Links::Follow => following(at, below, flags),
            Links::Beneath => match beneath(at, below, flags) {
                // An absolute link may lead to an allowed place.
                Err(Errno::XDEV | Errno::AGAIN) => return self.by_real_path(below, flags, wanted),
                opened => opened,
            },
        };
        opened.map_err(|errno| self.explain(below, links, wanted, errno))
    }

    /// Resolves all links, then opens the result without following any.
    fn by_real_path(
        &self,
        below: &Path,
        flags: OFlags,
        wanted: Kind,
    ) -> Result<OwnedFd, FileError> {
        let explain = |errno| self.explain(below, Links::Beneath, wanted, errno);
        let real = self
            .real
            .join(below)
            .canonicalize()
            .map_err(|error| explain(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        let Ok(below_root) = real.strip_prefix(&self.real) else {
            return Err(self.outside(below));
        };
        let opened = if below_root.as_os_str().is_empty() {
            openat(&self.fd, ".", flags, Mode::empty())
        } else {
            strict(self.fd.as_fd(), below_root, flags)
        };
        opened.map_err(explain)
    }

    /// Finds the reason of a failure.
    fn explain(&self, below: &Path, links: Links, wanted: Kind, errno: Errno) -> FileError {
        let mut prefix = PathBuf::new();
        let mut names = below.components().peekable();
        while let Some(name) = names.next() {
            prefix.push(name);
            let path = self.path.join(&prefix);
            let wanted = if names.peek().is_some() {
                Kind::Folder
            } else {
                wanted
            };
            let flags = match links {
                Links::Refuse => AtFlags::SYMLINK_NOFOLLOW,
                Links::Beneath | Links::Follow => AtFlags::empty(),
            };
            match statat(&self.fd, &prefix, flags) {
                Ok(stat) => match Kind::from(FileType::from_raw_mode(stat.st_mode)) {
                    Kind::Link => return FileError::Link { path, wanted },
                    Kind::Folder => {}
                    found if wanted == Kind::Folder => {
                        return FileError::Kind {
                            path,
                            found,
                            wanted,
                        };
                    }
                    _ => {}
                },
                Err(Errno::NOENT) => return FileError::Missing(path),
                Err(Errno::LOOP) => return FileError::Loop(path),
                Err(_) => break,
            }
        }
        match errno {
            Errno::XDEV => self.outside(below),
            errno => whole(&self.path.join(below), "open", errno.into()),
        }
    }
}

/// Converts the system's error for a path.
fn whole(path: &Path, action: &'static str, source: io::Error) -> FileError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => FileError::Missing(path),
        _ if source.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => FileError::Loop(path),
        _ => FileError::Io {
            action,
            path,
            source,
        },
    }
}

fn kind_of(path: &Path) -> Option<Kind> {
    let stat = statat(rustix::fs::CWD, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some(Kind::from(FileType::from_raw_mode(stat.st_mode)))
}

fn magic(fd: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// An unguessable name.
fn draft(name: &str) -> io::Result<String> {
    let mut bytes = [0; 16];
    let read = getrandom(&mut bytes, GetRandomFlags::empty())?;
    if read < bytes.len() {
        return Err(io::Error::other("the system provides no random bytes"));
    }
    Ok(format!(".{name}.{:032x}.tmp", u128::from_ne_bytes(bytes)))
}

/// Whether a name is that of a draft of the file `name`.
fn is_draft(entry: &str, name: &str) -> bool {
    let digits = entry
        .strip_prefix('.')
        .and_then(|rest| rest.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|rest| rest.strip_suffix(".tmp"));
    digits.is_some_and(|digits| {
        digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests;

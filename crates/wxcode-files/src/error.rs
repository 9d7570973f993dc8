//! Errors of files under the control of others.

use std::{fmt, io, path::PathBuf, time::Duration};

use rustix::fs::FileType;

/// The kind of a path's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    Regular,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A Unix socket.
    Socket,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// Something else.
    Unknown,
}

impl From<FileType> for Kind {
    fn from(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::Regular,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice => Self::CharacterDevice,
            FileType::BlockDevice => Self::BlockDevice,
            FileType::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regular => "a regular file",
            Self::Folder => "a folder",
            Self::Link => "a link",
            Self::Fifo => "a FIFO",
            Self::Socket => "a socket",
            Self::CharacterDevice => "a character device",
            Self::BlockDevice => "a block device",
            Self::Unknown => "neither a file nor a folder",
        })
    }
}

/// The reason to reject a file or folder.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path does not exist.
    #[error("{} does not exist: create it or bring it back, then try again", .0.display())]
    Missing(PathBuf),
    /// A link, where none is followed.
    #[error(
        "{} is a link, and wxcode follows no link here: replace it by {wanted}, then try again",
        path.display()
    )]
    Link {
        /// The link.
        path: PathBuf,
        /// The expected kind.
        wanted: Kind,
    },
    /// A cycle of links.
    #[error("{} is a link to itself: remove it, then try again", .0.display())]
    Loop(PathBuf),
    /// A path out of its root.
    #[error(
        "{} leads out of {}, where wxcode opens nothing: replace the link by what it leads to, \
         then try again",
        path.display(), root.display()
    )]
    Outside {
        path: PathBuf,
        /// The folder to stay in.
        root: PathBuf,
    },
    /// Another kind than the expected one.
    #[error("{} is {found}, and {wanted} is needed: put {wanted} in its place, or name another path", path.display())]
    Kind {
        path: PathBuf,
        /// The kind found.
        found: Kind,
        /// The kind expected.
        wanted: Kind,
    },
    /// More bytes than allowed.
    #[error(
        "{} has {len} bytes, more than the limit of {max}: check that it is the right file",
        path.display()
    )]
    TooLarge {
        path: PathBuf,
        /// The size in bytes, as far as known.
        len: u64,
        /// The largest size in bytes.
        max: u64,
    },
    /// The file system does not answer.
    #[error(
        "{} did not answer within {} s: check its file system, then try again",
        path.display(), waited.as_secs()
    )]
    Hangs {
        /// The root of the hanging work.
        path: PathBuf,
        /// The time waited.
        waited: Duration,
    },
    /// The system refuses.
    #[error(
        "cannot {action} {}: {source}; {}",
        path.display(), remedy(source)
    )]
    Io {
        /// The failed operation: `open`, `read`, `write`…
        action: &'static str,
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// The remedy for a refusal of the system.
fn remedy(source: &io::Error) -> &'static str {
    match is_out_of_descriptors(source) {
        true => {
            "too few open files are allowed: raise the limit (ulimit -n, LimitNOFILE), then try again"
        }
        false => "check its permissions and the free space",
    }
}

fn is_out_of_descriptors(source: &io::Error) -> bool {
    let code = source
        .raw_os_error()
        .map(rustix::io::Errno::from_raw_os_error);
    matches!(
        code,
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE)
    )
}

impl FileError {
    /// A stable word for the kind of error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "file_missing",
            Self::Link { .. } => "file_is_link",
            Self::Loop(_) => "file_is_loop",
            Self::Outside { .. } => "file_outside",
            Self::Kind { .. } => "file_wrong_kind",
            Self::TooLarge { .. } => "file_too_large",
            Self::Hangs { .. } => "file_hangs",
            Self::Io { .. } => "file_unusable",
        }
    }

    /// Whether the path is not at fault, and another attempt may succeed: the file system did not
    /// answer, or the process or the system has no descriptor left.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Hangs { .. } => true,
            Self::Io { source, .. } => is_out_of_descriptors(source),
            _ => false,
        }
    }

    /// Whether the path does not exist.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

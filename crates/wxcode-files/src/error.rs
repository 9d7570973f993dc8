//! What can be wrong with a file that others control.

use std::{fmt, io, path::PathBuf, time::Duration};

use rustix::fs::FileType;

/// What stands at a path.
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
            Self::Unknown => "something that is neither a file nor a folder",
        })
    }
}

/// Why a file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is nothing.
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
        /// What it should be.
        wanted: Kind,
    },
    /// Links that lead to each other.
    #[error("{} is a link that leads to itself: remove it, then try again", .0.display())]
    Loop(PathBuf),
    /// A path that leaves its root.
    #[error(
        "{} leads out of {}, where wxcode opens nothing: replace the link by what it leads to, \
         then try again",
        path.display(), root.display()
    )]
    Outside {
        /// The path.
        path: PathBuf,
        /// The folder that it must not leave.
        root: PathBuf,
    },
    /// Another kind than the one that is needed.
    #[error("{} is {found}, and {wanted} is needed: remove it, then try again", path.display())]
    Kind {
        /// The path.
        path: PathBuf,
        /// What is there.
        found: Kind,
        /// What is needed.
        wanted: Kind,
    },
    /// More bytes than are read.
    #[error(
        "{} has {len} bytes, and at most {max} are read: is it the right file?",
        path.display()
    )]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// Its size in bytes, as far as it is known.
        len: u64,
        /// The largest size in bytes.
        max: u64,
    },
    /// The file system does not answer.
    #[error(
        "{} did not answer within {} s: check the file system that it is on, then try again",
        path.display(), waited.as_secs()
    )]
    Hangs {
        /// The place that was looked at.
        path: PathBuf,
        /// How long an answer was waited for.
        waited: Duration,
    },
    /// The system refuses.
    #[error(
        "cannot {action} {}: {source}; {}",
        path.display(), remedy(source)
    )]
    Io {
        /// What was tried: `open`, `read`, `write`…
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// What the system says.
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

    /// Whether there is nothing at the path.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Missing(_))
    }
}

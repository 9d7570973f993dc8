//! One connection to the database file, made anew when the file was away or the connection broke.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{OpenError, failure::Failure, schema};
use crate::StoreError;

/// How often a locked file is tried again, [`busy_pause`] apart: 5 seconds in all.
const BUSY_TRIES: i32 = 2_000;
/// The journal file is cut back to this many bytes once its content is in the main file.
const JOURNAL_BYTES_MAX: i64 = 16 << 20; // 16 MiB
/// Prepared statements kept by each connection.
const STATEMENTS_MAX: usize = 64;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Changes records; each transaction takes the write lock at its beginning.
    Writer,
    /// Only looks.
    Reader,
}

/// A connection and the file it is to.
pub(super) struct Link {
    path: Arc<Path>,
    role: Role,
    /// The connection with the device and inode of its file; `None` until it is needed again.
    open: Option<(Connection, (u64, u64))>,
}

impl Link {
    /// A link that connects at its first use.
    pub(super) const fn new(path: Arc<Path>, role: Role) -> Self {
        Self {
            path,
            role,
            open: None,
        }
    }

    /// Creates the file if it is missing, brings it up to this version, and links to it for writing.
    pub(super) fn create(path: Arc<Path>) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_path_buf(),
            source,
        };
        refuse_network(&path)?;
        // Before the engine sees it: its journal files get the same mode.
        let created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map(drop);
        match created {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(io(error)),
            _ => {}
        }
        let mode = fs::metadata(&path).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700)).map_err(io)?;
        }
        let mut connection =
            connect(&path, Role::Writer).map_err(|failure| OpenError::Store(failure.at(&path)))?;
        schema::migrate(&mut connection, &path)?;
        let file = inode(&path).map_err(io)?;
        Ok(Self {
            path,
            role: Role::Writer,
            open: Some((connection, file)),
        })
    }

    /// Runs `job` in one transaction: all of it is durable when this returns `Ok`, none of it otherwise.
    pub(super) fn run<T>(
        &mut self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let behavior = match self.role {
            Role::Writer => TransactionBehavior::Immediate,
            Role::Reader => TransactionBehavior::Deferred,
        };
        let result = self.connection().and_then(|connection| {
            let tx = connection.transaction_with_behavior(behavior)?;
            let value = job(&tx)?;
            tx.commit()?;
            Ok(value)
        });
        result.map_err(|failure| {
            if failure.is_of_connection() {
                self.open = None;
            }
            failure.at(&self.path)
        })
    }

    /// The connection, if it is still to the file at the path: the engine would go on writing to a deleted one.
    fn connection(&mut self) -> Result<&mut Connection, Failure> {
        let file = inode(&self.path).map_err(Failure::Gone)?;
        let connection = match self.open.take() {
            Some((connection, opened)) if opened == file => connection,
            _ => {
                let connection = connect(&self.path, self.role)?;
                schema::check(&connection)?;
                connection
            }
        };
        Ok(&mut self.open.insert((connection, file)).0)
    }
}

fn connect(path: &Path, role: Role) -> Result<Connection, Failure> {
    // Never creates the file: one that is missing was moved or deleted, and an empty one would hide that.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(busy_pause))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |row| {
        let mode: String = row.get(0)?;
        if mode == "wal" {
            Ok(())
        } else {
            Err(rusqlite::Error::InvalidQuery)
        }
    })?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        JOURNAL_BYTES_MAX,
        |_| Ok(()),
    )?;
    connection.pragma_update(None, "query_only", role == Role::Reader)?;
    Ok(connection)
}

/// Waits 1 to 4 ms before a locked file is tried again. The engine's own pauses grow to 100 ms, with which one of
/// many busy writers can be unlucky until its time is over.
fn busy_pause(tries: i32) -> bool {
    let pause = 1 + tries.unsigned_abs() % 4;
    thread::sleep(Duration::from_millis(pause.into()));
    tries < BUSY_TRIES
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// The journal needs memory that all processes share, which no network file system gives.
#[cfg(target_os = "linux")]
fn refuse_network(path: &Path) -> Result<(), OpenError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let io = |source| OpenError::Io {
        path: path.to_owned(),
        source,
    };
    let found =
        rustix::fs::fstatfs(File::open(folder).map_err(io)?).map_err(|error| io(error.into()))?;
    match network_name(found.f_type.cast_unsigned()) {
        Some(kind) => Err(OpenError::Network {
            path: PathBuf::from(path),
            kind,
        }),
        None => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
const fn refuse_network(_path: &Path) -> Result<(), OpenError> {
    Ok(())
}

/// The name of a network file system by its number in `linux/magic.h` (and in the sources of those not listed there).
#[cfg(target_os = "linux")]
const fn network_name(kind: u64) -> Option<&'static str> {
    // The kernel sign-extends the numbers above 2^31 on some machines.
    match kind & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x5346_414f | 0x6b41_4653 => Some("AFS"),
        0x00c3_6400 => Some("Ceph"),
        0x7375_7245 => Some("Coda"),
        0x564c => Some("NCP"),
        0x0bd0_0bd0 => Some("Lustre"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_number() {
        assert_eq!(network_name(0x6969), Some("NFS"));
        assert_eq!(network_name(0xffff_ffff_ff53_4d42), Some("SMB"));
        for local in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert_eq!(network_name(local), None, "{local:#x}");
        }
    }

    #[test]
    fn a_locked_file_is_waited_for_about_five_seconds() {
        let all: u64 = (0..BUSY_TRIES)
            .map(|tries| 1 + u64::from(tries.unsigned_abs()) % 4)
            .sum();
        assert_eq!(all, 5_000);
    }
}

//! A connection to the database file, reopened after a failure or a change of the file.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{failure::Failure, open::OpenError, schema};
use crate::StoreError;

/// Longest wait for a locked file.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries of the engine in that time, [`pause`] apart.
const LOCK_TRIES: i32 = 2_000;
/// Size of the journal file after a checkpoint, in bytes.
const JOURNAL_BYTES_MAX: i64 = 16 << 20; // 16 MiB
/// A connection's page cache, in KiB. The system caches the file too, so more gains little.
const PAGES_KIB_MAX: i64 = 256;
/// Prepared statements kept by each connection.
const STATEMENTS_MAX: usize = 64;

/// The purpose of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Changes records; each transaction takes the write lock at the beginning.
    Writer,
    /// Reads only.
    Reader,
}

/// A connection and its file.
pub(super) struct Link {
    path: Arc<Path>,
    access: Access,
    /// The connection with the device and inode of its file; `None` until the next use.
    open: Option<(Connection, (u64, u64))>,
}

impl Link {
    /// A link; the link connects at its first use.
    pub(super) const fn new(path: Arc<Path>, access: Access) -> Self {
        Self {
            path,
            access,
            open: None,
        }
    }

    /// Creates a missing file, brings an older file up to this version, and links to the file for
    /// writing.
    pub(super) fn create(path: Arc<Path>) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_path_buf(),
            source,
        };
        refuse_network(&path)?;
        // Before the engine opens the file: its journal files inherit the mode.
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
        let failed = |failure: Failure| OpenError::Store(failure.at(&path));
        let mut connection = connect(&path).map_err(failed)?;
        schema::recognise(&connection, &path)?;
        let mode = fs::metadata(&path).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode & 0o700)).map_err(io)?;
        }
        patiently(Instant::now(), || configure(&connection, Access::Writer)).map_err(failed)?;
        schema::migrate(&mut connection, &path)?;
        let file = inode(&path).map_err(io)?;
        Ok(Self {
            path,
            access: Access::Writer,
            open: Some((connection, file)),
        })
    }

    /// Runs `job` in a transaction. The transaction is durable as a whole when the function returns
    /// `Ok`, otherwise rolled back. Retries a locked file until [`LOCK_TIMEOUT`] after `since`, so
    /// queued jobs share a single waiting time.
    pub(super) fn run<T>(
        &mut self,
        since: Instant,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let access = self.access;
        let result = self.connection(since).and_then(|connection| {
            let tx = begin(connection, access, since)?;
            let value = job(&tx)?;
            tx.commit()?;
            Ok(value)
        });
        result.map_err(|failure| failure.at(&self.path))
    }

    /// Returns the connection if the connection still leads to the file at the path: the engine
    /// would keep writing to a deleted file.
    fn connection(&mut self, since: Instant) -> Result<&Connection, Failure> {
        let file = inode(&self.path).map_err(Failure::Gone)?;
        let open = match self.open.take() {
            Some((connection, opened)) if opened == file => (connection, file),
            _ => {
                let connection = connect(&self.path)?;
                schema::check(&connection)?;
                patiently(since, || configure(&connection, self.access))?;
                (connection, file)
            }
        };
        Ok(&self.open.insert(open).0)
    }
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    // Never creates the file: a missing file was moved or deleted, and an empty file would hide the
    // loss.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(|tries| {
        pause(tries);
        tries < LOCK_TRIES
    }))?;
    Ok(connection)
}

fn configure(connection: &Connection, access: Access) -> Result<(), Failure> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Failure::Journal(mode));
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // A negative size is in KiB.
    connection.pragma_update(None, "cache_size", -PAGES_KIB_MAX)?;
    connection.pragma_update_and_check(
        None,
        "journal_size_limit",
        JOURNAL_BYTES_MAX,
        |_| Ok(()),
    )?;
    connection.pragma_update(None, "query_only", access == Access::Reader)?;
    Ok(())
}

fn begin(
    connection: &Connection,
    access: Access,
    since: Instant,
) -> Result<Transaction<'_>, Failure> {
    if access == Access::Reader {
        return Ok(Transaction::new_unchecked(
            connection,
            TransactionBehavior::Deferred,
        )?);
    }
    // With the engine's own waiting, each job would wait for the full time.
    connection.busy_timeout(Duration::ZERO)?;
    patiently(since, || {
        Ok(Transaction::new_unchecked(
            connection,
            TransactionBehavior::Immediate,
        )?)
    })
}

/// Repeats an operation on a locked file until [`LOCK_TIMEOUT`] after `since`. Where waiting might
/// be a deadlock, the engine itself does not wait, for example when two processes switch the
/// journal mode of a new file.
fn patiently<T>(
    since: Instant,
    mut attempt: impl FnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut tries = 0;
    loop {
        match attempt() {
            Err(failure) if failure.is_lock() && since.elapsed() < LOCK_TIMEOUT => pause(tries),
            done => return done,
        }
        tries += 1;
    }
}

/// Waits 1 to 4 ms before the next try of a locked file. The engine's own pauses grow to 100 ms,
/// and among many busy writers some writer could run out of time.
fn pause(tries: i32) {
    let pause = 1 + tries.unsigned_abs() % 4;
    thread::sleep(Duration::from_millis(pause.into()));
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Checks for a local file system: the journal needs memory shared by all processes.
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

/// The name of a network file system by its number in `linux/magic.h`, or in the file system's own
/// sources.
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
    fn the_engine_waits_as_long_as_we() {
        let all: u64 = (0..LOCK_TRIES)
            .map(|tries| 1 + u64::from(tries.unsigned_abs()) % 4)
            .sum();
        assert_eq!(Duration::from_millis(all), LOCK_TIMEOUT);
    }

    #[test]
    fn every_connection_is_durable_and_checks_references() {
        let folder = tempfile::tempdir().unwrap();
        let path: Arc<Path> = folder.path().join("wxcode.db").into();
        let writer = Link::create(Arc::clone(&path)).unwrap();
        let again = Link::new(Arc::clone(&path), Access::Writer);
        let reader = Link::new(path, Access::Reader);
        for (mut link, read_only) in [(writer, 0), (again, 0), (reader, 1)] {
            let connection = link.connection(Instant::now()).unwrap();
            let pragma = |name: &str| -> i64 {
                connection
                    .pragma_query_value(None, name, |row| row.get(0))
                    .unwrap()
            };
            // 2 is FULL.
            assert_eq!((pragma("synchronous"), pragma("foreign_keys")), (2, 1));
            assert_eq!(pragma("query_only"), read_only);
            assert_eq!(pragma("journal_size_limit"), JOURNAL_BYTES_MAX);
            assert_eq!(pragma("cache_size"), -PAGES_KIB_MAX);
            let mode: String = connection
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            assert_eq!(mode, "wal");
        }
    }
}

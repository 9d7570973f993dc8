//! The lock of a data folder: one server at a time.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use super::error::ServeError;

/// Time for a killed server to release the data folder, and the pause between looks.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_RETRY: Duration = Duration::from_millis(20);
/// File in the data folder with the running server's address and process.
pub(super) const FOUND: &str = "server.json";

/// Locks the data folder for this server alone; blocks for up to two seconds. The system releases
/// the lock with the process.
///
/// # Errors
/// When another server holds the lock, or the folder cannot be used.
pub fn lock(data_dir: &Path) -> Result<fs::File, ServeError> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    let failed = |source| ServeError::DataDir {
        path: data_dir.to_owned(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .map_err(failed)?;
    let path = data_dir.join("server.lock");
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let give_up = Instant::now() + LOCK_TIMEOUT;
    loop {
        match file.try_lock() {
            Ok(()) => {
                // A killed server's address: whoever listens there now is to get no token.
                return match fs::remove_file(data_dir.join(FOUND)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                    _ => Ok(file),
                };
            }
            Err(fs::TryLockError::WouldBlock) if Instant::now() < give_up => {
                std::thread::sleep(LOCK_RETRY);
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(ServeError::Locked(data_dir.to_owned()));
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Whether a server has the data folder. One that starts meanwhile is not hindered: it tries again for two seconds.
#[must_use]
pub fn is_locked(data_dir: &Path) -> bool {
    let Ok(lock) = fs::File::open(data_dir.join("server.lock")) else {
        return false;
    };
    matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}

//! Starts a holder that outlives its starter.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

use crate::{
    answer::{Answer, Failure},
    folder::{self, EXIT, HOLDER, HOOK, HolderFile, LOG, NOT_STARTED, SOCKET, State},
    proc::Stat,
};

/// Why a holder or an agent did not start. Nothing of the start is left except its log.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The holder's own executable does not start.
    #[error("{exe} does not start: {error}; install wxcode again")]
    Holder { exe: PathBuf, error: io::Error },
    /// The system has no room for another process or its files.
    #[error(
        "a holder cannot be started: {0}; close clients or end sessions, or raise the limits on open files, processes and memory, then try again"
    )]
    NoRoom(io::Error),
    /// The holder ended, or sent an invalid answer.
    #[error("the holder ended before it was ready: {0}")]
    Died(String),
    /// The holder did not answer in 10 s.
    #[error(
        "the holder was not ready within 10 s; the machine is overloaded, or the workspace is on a file system that hangs"
    )]
    Timeout,
    /// The holder reports why the agent does not start.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The variable that leaves wxcode's processes open to debuggers of their user.
pub const DUMPABLE: &str = "WXCODE_DUMPABLE";
/// Time for a holder to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const MAX_ANSWER: u64 = 64 << 10;
/// Longest quote of the holder's log in an error, in bytes.
const LOG_TAIL: usize = 512;

/// Runs `<exe> hold <dir>` for the spec in `dir`, and waits until the agent runs.
///
/// The holder, and so the agent, has exactly the environment `env`. The holder is no child of the
/// caller, shares no session, signal or file with the caller, and outlives the caller. With
/// [`DUMPABLE`] in the caller's environment, a debugger may look into the holder.
///
/// # Errors
/// The holder did not start within 10 s; nothing of the start is left then, except for a log.
pub async fn launch(
    exe: &Path,
    dir: &Path,
    env: Vec<(OsString, OsString)>,
) -> Result<HolderFile, LaunchError> {
    if dir.join(HOLDER).exists() || dir.join(EXIT).exists() {
        return Err(Failure::Used.into());
    }
    let log = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join(LOG));
    let log = log.map_err(|error| match lacks_room(&error) {
        true => LaunchError::NoRoom(error),
        false => LaunchError::Failed(Failure::Folder {
            message: format!("{}: {error}; check the data directory", dir.display()),
        }),
    })?;
    let spawned = Command::new(exe)
        .arg("hold")
        .args(std::env::var_os(DUMPABLE).map(|_| "--dumpable"))
        .arg(dir)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn();
    let result = match spawned {
        Ok(child) => answer_of(child, dir).await,
        Err(error) if lacks_room(&error) => Err(LaunchError::NoRoom(error)),
        Err(error) => Err(LaunchError::Holder {
            exe: exe.to_owned(),
            error,
        }),
    };
    if result.is_err() {
        let dir = dir.to_owned();
        let _ = tokio::task::spawn_blocking(move || sweep(&dir)).await;
    }
    result
}

/// Whether the system was out of room just now. Such an error says nothing about the holder.
pub(crate) fn lacks_room(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let lacks = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    let errno = error.raw_os_error();
    lacks
        .iter()
        .any(|known| Some(known.raw_os_error()) == errno)
}

async fn answer_of(mut child: Child, dir: &Path) -> Result<HolderFile, LaunchError> {
    let mut bytes = Vec::new();
    let pipe = child.stdout.take();
    let read = async {
        if let Some(pipe) = pipe {
            let _ = pipe.take(MAX_ANSWER).read_to_end(&mut bytes).await;
        }
        // The child is only the first of the holder's forks and has ended by now.
        let _ = child.wait().await;
    };
    // After the time the pipe closes with this future; a late holder sees the closed pipe and rolls
    // its start back.
    let in_time = tokio::time::timeout(TIMEOUT, read).await.is_ok();
    if !in_time {
        let _ = child.start_kill();
        return Err(LaunchError::Timeout);
    }
    match serde_json::from_slice(&bytes) {
        Ok(Answer::Ready(file)) => Ok(file),
        Ok(Answer::Failed(failure)) => Err(failure.into()),
        Err(_) => Err(LaunchError::Died(log_tail(dir))),
    }
}

fn log_tail(dir: &Path) -> String {
    let log = std::fs::read(dir.join(LOG)).unwrap_or_default();
    let tail = log.get(log.len().saturating_sub(LOG_TAIL)..);
    let text = String::from_utf8_lossy(tail.unwrap_or_default()).into_owned();
    match text.trim() {
        "" => "it left no message; look at the system's log".to_owned(),
        text => text.to_owned(),
    }
}

/// Removes the remains of a holder, when the holder could not remove them itself.
fn sweep(dir: &Path) {
    if let Ok(State::Live(file) | State::Lost(file)) = folder::inspect(dir) {
        if file.runs() {
            end_holder(&file);
        }
        let _ = folder::mark_lost(dir, &file, NOT_STARTED);
    }
    for name in [HOLDER, EXIT, HOOK, SOCKET] {
        let _ = std::fs::remove_file(dir.join(name));
    }
    let log = dir.join(LOG);
    if std::fs::metadata(&log).is_ok_and(|meta| meta.len() == 0) {
        let _ = std::fs::remove_file(log);
    }
}

/// Kills a useless holder, and waits until the holder is gone, for at most 2 s.
fn end_holder(holder: &HolderFile) {
    use rustix::process::Signal;
    let stat = Stat::of(holder.pid).filter(|stat| stat.start_time == holder.start_time);
    if let Some(process) = stat.and_then(|stat| stat.handle()) {
        process.signal(Signal::KILL);
        process.wait(Duration::from_secs(2));
    }
}

//! The program of the sessions: each build's `wxcode-holder`, copied once into the data folder.
//!
//! Sessions and the hooks of their agents run from `<data-dir>/bin/<build id>/wxcode-holder`. So an
//! upgrade that removes or replaces the installed files breaks nothing. The build id is the hash of
//! the file. The server removes a copy when no running session names the copy.
//!
//! Invariant: the caller holds the lock of the data folder, so no other process copies or removes
//! here.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::{
    io::AsyncReadExt,
    process::Command,
    time::{sleep, timeout},
};
use wxcode_holder::folder::{self, BUILD, State};

/// The name of the program, installed and copied.
pub(crate) const NAME: &str = "wxcode-holder";
/// The folder of the copies in the data folder.
pub(crate) const FOLDER: &str = "bin";
/// Largest copied program, in bytes. A debug build has about 30 MiB.
const PROGRAM_MAX: u64 = 256 << 20; // 256 MiB
/// Time for the program's answer about its build: long, for an overloaded machine.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before the program's next start, after its file was just written.
const BUSY_PAUSE: Duration = Duration::from_millis(10);
/// The longest name of a build, in bytes.
const ANSWER_MAX: u64 = 256;

/// The program of the sessions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// The program is not installed, or does not run.
    #[error("{} does not run: {error}; install wxcode-holder beside wxcode", path.display())]
    Missing {
        /// The program's expected path.
        path: PathBuf,
        /// The reason of the failure.
        error: io::Error,
    },
    /// The program belongs to another build.
    #[error("{} is {found}, and wxcode is {BUILD}; install both programs of one build", path.display())]
    OtherBuild {
        /// The program's path.
        path: PathBuf,
        /// The build named by the program.
        found: String,
    },
}

/// The path of the installed program, next to the running program.
///
/// # Errors
/// The system does not name the running program.
pub fn installed() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(NAME))
}

/// Checks that the installed program is of this build.
///
/// # Errors
/// The program does not run, or names another build.
pub async fn check(path: &Path) -> Result<(), ProgramError> {
    let answer = build_of(path).await;
    let found = answer.map_err(|error| ProgramError::Missing {
        path: path.to_owned(),
        error,
    })?;
    match found == BUILD {
        true => Ok(()),
        false => Err(ProgramError::OtherBuild {
            path: path.to_owned(),
            found,
        }),
    }
}

/// Whether programs in the data folder may be executed; `false` on a file system mounted `noexec`.
#[must_use]
pub fn is_executable_in(data_dir: &Path) -> bool {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    statvfs(data_dir).map_or(true, |fs| !fs.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// Copies the program into the data folder, unless the copy is there, and removes the copies named
/// by no running session. Returns the program to run: the copy, or the installed program if the
/// data folder takes no copy or does not execute a copy.
pub(crate) async fn prepare(installed: &Path, data_dir: &Path) -> Result<PathBuf, ProgramError> {
    check(installed).await?;
    let (from, to) = (installed.to_owned(), data_dir.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        let copy = copy(&from, &to)?;
        remove_unused(&to, &copy);
        io::Result::Ok(copy)
    });
    let copied = copied
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    let checked = match copied {
        Ok(copy) => match build_of(&copy).await {
            Ok(_) => Ok(copy),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    checked.or_else(|error| {
        tracing::warn!(
            program = %installed.display(), %error,
            "the data folder does not run a copy of the program; an upgrade that removes the installed one ends the hooks of running sessions"
        );
        Ok(installed.to_owned())
    })
}

/// The build named by a program.
async fn build_of(program: &Path) -> io::Result<String> {
    let ask = async {
        let mut command = Command::new(program);
        command
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = loop {
            match command.spawn() {
                // A child started by another thread has the file open until the child's exec.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    sleep(BUSY_PAUSE).await;
                }
                child => break child?,
            }
        };
        let mut text = String::new();
        if let Some(pipe) = child.stdout.take() {
            pipe.take(ANSWER_MAX).read_to_string(&mut text).await?;
        }
        let status = child.wait().await?;
        match status.success() {
            true => Ok(text.trim_end().to_owned()),
            false => Err(io::Error::other(format!("`--version` ended with {status}"))),
        }
    };
    timeout(ANSWER_TIMEOUT, ask)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Copies the installed program into the data folder; the path of the copy.
fn copy(installed: &Path, data_dir: &Path) -> io::Result<PathBuf> {
    let program = read(installed)?;
    let hash = Sha256::digest(&program);
    let id: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let dir = data_dir.join(FOLDER).join(id);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)?;
    let copy = dir.join(NAME);
    // A truncated or changed copy is made again.
    if read(&copy).is_ok_and(|kept| kept == program) && is_private(&copy) {
        return Ok(copy);
    }
    let beside = dir.join(format!(".{NAME}.new"));
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(&beside)?;
    file.write_all(&program)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, &copy)?;
    fs::File::open(&dir)?.sync_all()?;
    match read(&copy)? == program {
        true => Ok(copy),
        false => Err(io::Error::other("the copy is not what was written")),
    }
}

/// Whether the copy belongs to its owner alone, and can be executed.
fn is_private(copy: &Path) -> bool {
    fs::symlink_metadata(copy).is_ok_and(|meta| meta.permissions().mode() & 0o777 == 0o700)
}

/// Reads a regular file of at most [`PROGRAM_MAX`] bytes.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // The open waits for nothing else in the copy's place, a FIFO for one.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() || meta.len() > PROGRAM_MAX {
        return Err(io::Error::other("it is no file of at most 256 MiB"));
    }
    let mut bytes = Vec::new();
    file.take(PROGRAM_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Removes the copies named neither by this build nor by a session without an end.
fn remove_unused(data_dir: &Path, own: &Path) {
    let Some(used) = used(data_dir) else { return };
    let entries = fs::read_dir(data_dir.join(FOLDER)).into_iter().flatten();
    for entry in entries.flatten() {
        let copy = entry.path().join(NAME);
        if copy == own || used.contains(&copy) {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            Ok(()) => {
                tracing::info!(copy = %copy.display(), "removed the program of a build that no session uses")
            }
            Err(error) => {
                tracing::warn!(copy = %copy.display(), %error, "could not remove the program of a build that no session uses")
            }
        }
    }
}

/// The programs of sessions and runs without an end so far; `None` if any folder does not say.
fn used(data_dir: &Path) -> Option<Vec<PathBuf>> {
    let mut used = Vec::new();
    for root in ["sessions", "runs"] {
        let entries = match fs::read_dir(data_dir.join(root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.ok()?,
        };
        for entry in entries {
            let dir = entry.ok()?.path();
            match folder::inspect(&dir) {
                Ok(State::Exited(..)) => {}
                // A start interrupted before its spec: nothing runs there.
                Ok(State::Unfinished) if !dir.join("spec.json").exists() => {}
                Ok(_) | Err(_) => used.push(folder::read_spec(&dir).ok()?.program),
            }
        }
    }
    Some(used)
}

#[cfg(test)]
mod tests;

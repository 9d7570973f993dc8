//! Runs git: in a private environment, with bounded output, ended together with the request.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::Stdio,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use super::error::ChangesError;

/// Longest error output kept, in bytes.
const ERROR_MAX: u64 = 4 << 10; // 4 KiB

/// The program git and its environment.
pub(super) struct Git {
    path: Option<OsString>,
    home: Option<OsString>,
}

/// Output of git, and whether the output is whole.
pub(super) struct Output {
    pub(super) bytes: Vec<u8>,
    pub(super) is_whole: bool,
}

impl Git {
    pub(super) fn new(environment: &[(OsString, OsString)]) -> Self {
        let get = |wanted: &str| {
            let mut found = environment.iter();
            found.find_map(|(name, value)| (name == wanted).then(|| value.clone()))
        };
        Self {
            path: get("PATH"),
            home: get("HOME"),
        }
    }

    /// Git in a folder, with nothing of the server's environment but `PATH`. Git asks no questions,
    /// locks nothing without need, and fetches nothing.
    pub(super) fn command(&self, dir: &Path) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(dir)
            .env_clear()
            .envs(self.path.as_ref().map(|path| ("PATH", path)))
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .args([
                "-c",
                "core.fsmonitor=false",
                "-c",
                "core.hooksPath=/dev/null",
            ]);
        command
    }

    /// The user's home, for permissions in the user's own configuration of git.
    pub(super) fn home(&self) -> Option<&OsStr> {
        self.home.as_deref()
    }
}

/// Runs a command with this input, and reads up to `max` bytes of the command's output. The command
/// ends with the returned future.
///
/// # Errors
/// When the command cannot be run, or fails; a command with more output is ended, and does not
/// fail.
pub(super) async fn run(
    mut command: Command,
    what: &str,
    input: Option<Vec<u8>>,
    max: usize,
) -> Result<Output, ChangesError> {
    let stdin = match input {
        Some(_) => Stdio::piped(),
        None => Stdio::null(),
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(ChangesError::NoGit)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let write = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A command that ends early fails by its status.
            let _ = stdin.write_all(&input).await;
        }
    };
    let read = async {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
            stdout.take(limit).read_to_end(&mut bytes).await?;
        }
        io::Result::Ok(bytes)
    };
    let errors = async {
        let mut bytes = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = (&mut stderr).take(ERROR_MAX).read_to_end(&mut bytes).await;
            // Reads the rest, so that the output does not hold the command up.
            let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
        }
        bytes
    };
    let failed = |reason: String| ChangesError::Git {
        command: what.to_owned(),
        reason,
    };
    // A command with more output ends by the closed pipe.
    let ((), read, printed) = tokio::join!(write, read, errors);
    let mut bytes = read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() > max {
        bytes.truncate(max);
        return Ok(Output {
            bytes,
            is_whole: false,
        });
    }
    let status = child
        .wait()
        .await
        .map_err(|error| failed(error.to_string()))?;
    if !status.success() {
        let text = String::from_utf8_lossy(&printed);
        let reason = text.lines().next().unwrap_or("it said nothing").to_owned();
        return Err(failed(format!("{reason} ({status})")));
    }
    Ok(Output {
        bytes,
        is_whole: true,
    })
}

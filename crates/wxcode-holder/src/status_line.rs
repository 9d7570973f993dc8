//! Stores the agent's report for its status line, and becomes the user's own command.
//!
//! The user's command gets the same standard input, and replaces this process: its output, its
//! exit code and its end by the agent are as without wxcode.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::{
        fs::{OpenOptionsExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use rustix::fs::OFlags;
use serde_json::Value;

use crate::memory_file;

/// The newest report, in the folder of the session.
pub const STATUS_LINE: &str = "status-line.json";
/// Largest stored report, in bytes; the user's command gets longer reports too.
pub const REPORT_MAX: u64 = 256 << 10; // 256 KiB
/// Largest report that is read, in bytes.
const READ_MAX: u64 = 16 << 20; // 16 MiB
/// Largest settings file that is read, in bytes.
const SETTINGS_MAX: u64 = 1 << 20; // 1 MiB

/// Stores the report on standard input next to `hook_file`, then becomes the status line command:
/// the first one in the settings files `layers`. Returns only if no file has a command.
pub fn run(hook_file: &Path, layers: &[&Path]) -> ExitCode {
    let input = match input(hook_file) {
        Ok(input) => input,
        Err(error) => {
            complain("cannot read the report", &error);
            return ExitCode::FAILURE;
        }
    };
    let Some(command) = layers.iter().find_map(|layer| command(layer)) else {
        return ExitCode::SUCCESS;
    };
    let error = Command::new("/bin/sh")
        .args(["-c", &command])
        .stdin(input)
        .exec();
    complain("cannot run the status line command", &error);
    ExitCode::FAILURE
}

/// Reads the report, stores it, and returns it as a file at its beginning.
fn input(hook_file: &Path) -> io::Result<File> {
    let mut report = Vec::new();
    io::stdin().lock().take(READ_MAX).read_to_end(&mut report)?;
    let folder = hook_file.parent().unwrap_or(Path::new("/"));
    if report.len() as u64 <= REPORT_MAX
        && let Err(error) = store(folder, &report)
    {
        // The session has ended, or the disk is full: the user's line goes on.
        complain("cannot store the report", &error);
    }
    memory_file::with(&report)
}

/// Replaces the newest report.
fn store(folder: &Path, report: &[u8]) -> io::Result<()> {
    let path = path(folder);
    // Runs of the command may overlap.
    let new = folder.join(format!("{STATUS_LINE}.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.write_all(report)?;
        fs::rename(&new, &path)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

/// The status line command of a settings file; a link is followed, as Claude Code does.
fn command(layer: &Path) -> Option<String> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(layer)
        .ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(SETTINGS_MAX).read_to_end(&mut bytes).ok()?;
    let settings: Value = serde_json::from_slice(&bytes).ok()?;
    let line = settings.get("statusLine")?;
    if line.get("type")?.as_str()? != "command" {
        return None;
    }
    Some(line.get("command")?.as_str()?.to_owned())
}

/// The path of a session's newest report.
#[must_use]
pub fn path(dir: &Path) -> PathBuf {
    dir.join(STATUS_LINE)
}

fn complain(action: &str, error: &io::Error) {
    let _ = writeln!(io::stderr(), "wxcode-holder status-line: {action}: {error}");
}

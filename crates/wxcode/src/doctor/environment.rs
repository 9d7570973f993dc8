//! Checks the environment of agents: the running server's, or the environment of a server started
//! here.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use wxcode_claude::TESTED_VERSION;
use wxcode_files::FileError;
use wxcode_server::{
    Settings,
    agent::{Outlook, outlook},
};

use super::Findings;
use crate::{
    cli::Common,
    remote::{Remote, block_on},
    umask,
};

/// How long a login shell may take to start.
const SHELL_DEADLINE: Duration = Duration::from_secs(5);
/// Longest answer of a login shell, in bytes.
const SHELL_ANSWER_MAX: u64 = 64 << 10; // 64 KiB

/// The environment of agents, as seen by the running server; without a running server, as seen by a
/// server started here.
pub(super) fn look(
    is_served: bool,
    common: &Common,
    settings: &Settings,
    findings: &mut Findings,
) -> Option<Outlook> {
    let asked: anyhow::Result<Outlook> = match is_served {
        true => Remote::of_data_dir(common)
            .and_then(|remote| block_on(async { Ok(remote.client().get("/environment").await?) })),
        false => block_on(async { Ok(outlook(settings).await?) }),
    };
    let whose = match is_served {
        true => "the server's",
        false => "this shell's, as no server runs",
    };
    match asked {
        Ok(seen) => {
            let count = seen.variables.len();
            findings.good(
                "environment",
                &format!("{whose}; agents get {count} variables of it"),
            );
            if !seen.withheld.is_empty() {
                findings.doubtful(
                    "environment",
                    &format!(
                        "agents do not get {}: name what they need in `[agent] pass_env`, or set it in \
                         `[agent.env]`",
                        seen.withheld.join(", ")
                    ),
                );
            }
            Some(seen)
        }
        Err(error) => {
            findings.bad("environment", &format!("{error:#}"));
            None
        }
    }
}

/// Checks that the agents' environment has a working claude.
pub(super) fn check_claude(seen: &Outlook, settings: &Settings, findings: &mut Findings) {
    let Some(claude) = &seen.claude else {
        return findings.bad("claude", &missing(seen, settings));
    };
    let (program, path) = (claude.clone(), seen.path.clone());
    // The executable may be on a hanging file system.
    let run = wxcode_files::wait(claude, move || {
        // The executable may create its own files.
        let output = umask::with_users(|| {
            let mut command = Command::new(&program);
            command.envs(path.map(|path| ("PATH", path)));
            command.arg("--version").output()
        });
        output.map_err(|source| FileError::Io {
            action: "run",
            path: program,
            source,
        })
    });
    match run {
        Ok(output) if output.status.success() => {
            let printed = String::from_utf8_lossy(&output.stdout);
            findings.good("claude", printed.trim());
            if let Some(version) = printed.split_whitespace().next()
                && version != TESTED_VERSION
            {
                findings.note(
                    "claude",
                    &format!("wxcode was tested with {TESTED_VERSION}, not with {version}; `make conformance` in its sources checks that version"),
                );
            }
        }
        Ok(output) => findings.bad(
            "claude",
            &format!(
                "{} --version ended with {}: reinstall Claude Code",
                claude.display(),
                output.status
            ),
        ),
        Err(error) => findings.bad(
            "claude",
            &format!("{error}; reinstall Claude Code, or set WXCODE_CLAUDE"),
        ),
    }
}

/// The missing claude, the searched places, and the remedy.
fn missing(seen: &Outlook, settings: &Settings) -> String {
    let name = seen.configured.display();
    let is_name = seen.configured.components().count() == 1 && !seen.configured.is_absolute();
    let place = match (is_name, &seen.path) {
        (true, Some(path)) => format!("`{name}` is not on the PATH of the agents ({path})"),
        (true, None) => format!("`{name}` cannot be found: the agents have no PATH"),
        (false, _) => format!("{name} is no executable file"),
    };
    match in_login_shell(settings) {
        Some(found) if is_name => format!(
            "{place}, but a login shell finds {found}: set WXCODE_CLAUDE={found}, or `path` in `[claude]`",
            found = found.display()
        ),
        _ => format!(
            "{place}: install Claude Code (npm install -g @anthropic-ai/claude-code), or set WXCODE_CLAUDE"
        ),
    }
}

/// The claude on the PATH of the user's login shell.
fn in_login_shell(settings: &Settings) -> Option<PathBuf> {
    let get = |wanted: &str| {
        let mut found = settings.environment.iter();
        found.find_map(|(name, value)| (name == wanted).then(|| value.clone()))
    };
    let shell = get("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let mut command = Command::new(shell);
    command
        .args(["-l", "-c", "command -v claude"])
        .env_clear()
        .envs(["HOME", "USER", "LOGNAME", "LANG"].map(|name| (name, get(name).unwrap_or_default())))
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = umask::with_users(|| command.spawn()).ok()?;
    let output = child.stdout.take()?;
    let (sender, answer) = mpsc::channel();
    thread::spawn(move || {
        let mut text = String::new();
        let read = output.take(SHELL_ANSWER_MAX).read_to_string(&mut text);
        // After the deadline the answer is no longer needed.
        let _ = sender.send(read.map(|_| text));
    });
    let answer = answer.recv_timeout(SHELL_DEADLINE);
    let _ = child.kill();
    let _ = child.wait();
    // A profile may print other lines before.
    let text = answer.ok()?.ok()?;
    let last = text.lines().rfind(|line| Path::new(line).is_absolute())?;
    Some(PathBuf::from(last))
}

//! Runs the hooks of a settings file.

use std::{
    fs, io,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// The hooks and the status line of a settings file.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    hooks: Value,
    status_line: Option<String>,
}

impl Hooks {
    /// Reads the file.
    pub(crate) fn load(settings: &Path) -> io::Result<Self> {
        let mut document: Value = serde_json::from_slice(&fs::read(settings)?)?;
        Ok(Self {
            hooks: document["hooks"].take(),
            status_line: document["statusLine"]["command"]
                .as_str()
                .map(str::to_owned),
        })
    }

    /// The output of the status line command; `None` without one, and if it fails.
    pub(crate) fn status_line(&self, payload: &Value) -> Option<String> {
        let (output, code) = output(self.status_line.as_ref()?, payload, Stdio::piped()).ok()?;
        (code == Some(0)).then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs the commands of an event one after the other and waits for each command; false if any
    /// command reported an error.
    pub(crate) fn run(&self, event: &str, payload: &Value) -> bool {
        let mut quiet = true;
        let tool = payload["tool_name"].as_str().unwrap_or_default();
        let entries = self.hooks[event].as_array().map_or(&[][..], Vec::as_slice);
        for entry in entries
            .iter()
            .filter(|entry| matches(entry["matcher"].as_str().unwrap_or_default(), tool))
        {
            for hook in entry["hooks"].as_array().map_or(&[][..], Vec::as_slice) {
                if let Some(command) = hook["command"].as_str() {
                    // As in the real agent, a failing hook does not stop the agent.
                    quiet &= run(command, payload).unwrap_or(false);
                }
            }
        }
        quiet
    }
}

fn matches(matcher: &str, tool: &str) -> bool {
    matches!(matcher, "" | "*") || matcher.split('|').any(|name| name == tool)
}

fn run(command: &str, payload: &Value) -> io::Result<bool> {
    // A hook reports its errors there.
    Ok(output(command, payload, Stdio::null())?.0.stderr.is_empty())
}

/// The output and the exit code of a command.
fn output(command: &str, payload: &Value, stdout: Stdio) -> io::Result<(Output, Option<i32>)> {
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command may end without reading.
        let _ = stdin.write_all(payload.to_string().as_bytes());
    }
    let output = child.wait_with_output()?;
    let code = output.status.code();
    Ok((output, code))
}

//! Runs the hooks of a settings file.

use std::{
    fs, io,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// The hooks of a settings file.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Value);

impl Hooks {
    /// Reads the file.
    pub(crate) fn load(settings: &Path) -> io::Result<Self> {
        let mut document: Value = serde_json::from_slice(&fs::read(settings)?)?;
        Ok(Self(document["hooks"].take()))
    }

    /// Runs the commands of an event one after the other and waits for each command; false if any
    /// command reported an error.
    pub(crate) fn run(&self, event: &str, payload: &Value) -> bool {
        let mut quiet = true;
        let tool = payload["tool_name"].as_str().unwrap_or_default();
        let entries = self.0[event].as_array().map_or(&[][..], Vec::as_slice);
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
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(payload.to_string().as_bytes())?;
    }
    // A hook reports its errors there.
    Ok(child.wait_with_output()?.stderr.is_empty())
}

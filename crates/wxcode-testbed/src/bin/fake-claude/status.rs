//! Reports of the agent's status in the terminal (OSC 7501), in the words of the real agent.

use std::io::{self, Write as _};

/// The query, and the terminal's answer.
const QUERY: &[u8] = b"\x1b]7501;?\x1b\\";

/// Reports changes of the status, once the terminal has asked for reports.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    is_asked: bool,
    is_welcome: bool,
    reported: Option<String>,
    /// The beginning of an answer.
    held: Vec<u8>,
}

impl Reports {
    /// Asks the terminal.
    pub(crate) fn ask(&mut self) -> io::Result<()> {
        self.is_asked = true;
        write(QUERY)
    }

    /// Takes the terminal's answer out of typed bytes.
    pub(crate) fn take_answer(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.is_asked || self.is_welcome {
            return bytes;
        }
        let mut bytes = [std::mem::take(&mut self.held), bytes].concat();
        if let Some(at) = bytes.windows(QUERY.len()).position(|part| part == QUERY) {
            bytes.drain(at..at + QUERY.len());
            self.is_welcome = true;
            return bytes;
        }
        let longest = bytes.len().min(QUERY.len() - 1);
        // A lone escape is a key.
        let held = (2..=longest).rev().find(|n| bytes.ends_with(&QUERY[..*n]));
        self.held = bytes.split_off(bytes.len() - held.unwrap_or(0));
        bytes
    }

    /// Reports a status, unless equal to the last status.
    pub(crate) fn report(&mut self, state: &str, kind: Option<&str>) -> io::Result<()> {
        let kind = kind.map(|kind| format!(":kind={kind}")).unwrap_or_default();
        // The message is "a message".
        let status = format!("state={state}:app=claude-code{kind}:msg=YSBtZXNzYWdl");
        if !self.is_welcome || self.reported.as_ref() == Some(&status) {
            return Ok(());
        }
        write(format!("\x1b]7501;{status}\x07").as_bytes())?;
        self.reported = Some(status);
        Ok(())
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

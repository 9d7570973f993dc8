//! The oracle of the tests: one Node process that runs xterm.js and compares terminals.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use wxcode_terminal::{Screen as _, Size, Terminal};

/// A step of a terminal.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write(Vec<u8>),
    Resize(u16, u16),
}

/// The oracle's result for two streams.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Differences between the terminals; empty when they are equal.
    pub(crate) diff: Vec<String>,
    /// Replies of xterm.js to the first stream.
    pub(crate) replies: String,
    /// Replies of xterm.js to the second stream.
    pub(crate) other_replies: String,
    /// The failure of xterm.js itself on the first stream, if any.
    pub(crate) threw: Option<String>,
}

/// The oracle process.
pub(crate) struct Judge {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Judge {
    /// Starts the oracle; `None`, with the reason printed, where Node or the package is missing.
    pub(crate) fn start() -> Option<Self> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../judge");
        if !folder.join("node_modules/@xterm/headless").is_dir() {
            wxcode_testbed::skip(
                "the judge of the screen is not installed: run `npm ci` in judge/",
            );
            return None;
        }
        let spawned = Command::new("node")
            .arg("judge.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                wxcode_testbed::skip(&format!("the judge of the screen needs Node: {error}"));
                return None;
            }
        };
        let input = child.stdin.take()?;
        let output = BufReader::new(child.stdout.take()?);
        Some(Self {
            child,
            input,
            output,
        })
    }

    /// Compares the terminal after `steps` with a reader of the snapshot; both then take the steps
    /// `further`.
    pub(crate) fn compare(
        &mut self,
        size: Size,
        steps: &[Step],
        further: &[Step],
        history: bool,
    ) -> Verdict {
        let mut terminal = Terminal::new(size);
        let mut replies = Vec::new();
        for step in steps {
            match step {
                Step::Write(bytes) => terminal.feed(bytes, &mut replies),
                Step::Resize(cols, rows) => terminal.resize(Size::new(*cols, *rows).unwrap()),
            }
        }
        let most = if history { usize::MAX } else { 0 };
        let snapshot = terminal.snapshot_with_history(most);
        let now = terminal.size();
        let stream: Vec<Value> = joined(steps)
            .iter()
            .map(encode)
            .chain([json!({"trim": true})])
            .chain(further.iter().map(encode))
            .collect();
        let redrawn: Vec<Value> = std::iter::once(&Step::Write(snapshot))
            .chain(further)
            .map(encode)
            .collect();
        let request = json!({
            "a": {"cols": size.cols, "rows": size.rows, "steps": stream},
            "b": {"cols": now.cols, "rows": now.rows, "steps": redrawn},
            "history": history,
        });
        self.ask(&request)
    }

    /// Sends the oracle a request, as described in `judge.mjs`.
    pub(crate) fn ask(&mut self, request: &Value) -> Verdict {
        writeln!(self.input, "{request}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).expect("the oracle died");
        assert!(
            answer["threw"][1].is_null() || !answer["threw"][0].is_null(),
            "xterm.js failed on a snapshot: {answer}"
        );
        Verdict {
            diff: answer["diff"]
                .as_array()
                .unwrap()
                .iter()
                .map(|d| d.as_str().unwrap().to_owned())
                .collect(),
            replies: answer["replies"][0].as_str().unwrap().to_owned(),
            other_replies: answer["replies"][1].as_str().unwrap().to_owned(),
            threw: answer["threw"][0].as_str().map(str::to_owned),
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Merges consecutive writes. In xterm.js the treatment of a character without room depends on the
/// end of a write; the engine's treatment does not.
fn joined(steps: &[Step]) -> Vec<Step> {
    let mut all: Vec<Step> = Vec::new();
    for step in steps {
        match (all.last_mut(), step) {
            (Some(Step::Write(before)), Step::Write(bytes)) => before.extend_from_slice(bytes),
            _ => all.push(step.clone()),
        }
    }
    all
}

/// A step in the oracle's form.
pub(crate) fn encode(step: &Step) -> Value {
    match step {
        Step::Write(bytes) => json!({"w": base64(bytes)}),
        Step::Resize(cols, rows) => json!({"r": [cols, rows]}),
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for piece in bytes.chunks(3) {
        let word =
            piece.iter().fold(0u32, |word, b| word << 8 | u32::from(*b)) << (8 * (3 - piece.len()));
        for i in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= piece.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

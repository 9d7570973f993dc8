//! What wxcode knows of Claude Code: command lines, hooks, transcripts, dialogs, `.planning/`.
//!
//! Everything here is a function of bytes, paths or screen text; nothing opens a socket, forks or
//! keeps state between calls. What the functions rely on was measured with Claude Code 2.1.329.

// They panic where the output cannot be written.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod command;
pub mod dialog;
pub mod environment;
pub mod gsd;
pub mod hook;
pub mod input_box;
pub mod key;
pub mod planning;
pub mod prompt;
pub mod retention;
pub mod running;
pub mod settings;
pub mod stream;
pub mod template;
pub mod transcript;

/// The version of Claude Code that the tests run with; others may differ in what wxcode relies on.
pub const TESTED_VERSION: &str = include_str!("../../../scripts/claude-version").trim_ascii();

/// A UUID in its usual form of 36 characters, and in no other.
fn id(text: &str) -> Option<uuid::Uuid> {
    (text.len() == 36)
        .then(|| uuid::Uuid::parse_str(text).ok())
        .flatten()
}

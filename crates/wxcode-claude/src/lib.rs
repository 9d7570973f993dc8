//! Everything that depends on Claude Code: command lines, hooks, transcripts, dialogs,
//! `.planning/`.
//!
//! Each function takes bytes, paths or screen text; none opens a socket, forks or keeps state
//! between calls. The facts behind them were measured with Claude Code 2.1.329 and 2.1.332.
//!
//! Invariant: no other crate knows a flag, a hook's name, a path or a screen of Claude Code.

// These macros panic if standard output is closed.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr))]

pub mod choice;
pub mod command;
pub mod conversation;
pub mod dialog;
pub mod environment;
pub mod failed_start;
pub mod gsd;
pub mod hook;
pub mod hooks_off;
pub mod input_box;
pub mod key;
pub mod mode;
pub mod planning;
pub mod prompt;
pub mod retention;
pub mod running;
pub mod settings;
pub mod status_line;
pub mod stream;
pub mod template;
pub mod transcript;
pub mod usage;

/// The Claude Code version of the tests; other versions may behave differently.
pub const TESTED_VERSION: &str = include_str!("../../../scripts/claude-version").trim_ascii();

/// Parses a UUID in its usual form of 36 characters, and in no other.
fn id(text: &str) -> Option<uuid::Uuid> {
    (text.len() == 36)
        .then(|| uuid::Uuid::parse_str(text).ok())
        .flatten()
}

//! The `stream-json` output of a run without a terminal: lines of JSON, with whatever a terminal leaves between them.
//!
//! Measured with `claude -p --output-format stream-json --verbose` in a PTY: LF comes as CR LF, a line is never wrapped
//! at the width, the last bytes are `CSI ?25h`, and what goes to standard error (an id in use, no such conversation)
//! stands between the lines in colours. Of a `result` line the `type` is not the first field.

mod escape;
mod init;
mod line;
mod message;
mod value;

pub use init::InitCapture;
pub use message::{Message, Messages, ToolInput, Verdict, WORDS_MAX};

/// Longest line that is looked at, in bytes; measured init lines have tens of kilobytes; what a tool gave
/// can be megabytes. A longer one is passed over up to its end.
pub const LINE_MAX: usize = 8 << 20; // 8 MiB

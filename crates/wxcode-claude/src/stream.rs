//! Reads the `stream-json` output of a headless run: lines of JSON, among other terminal output.
//!
//! Measured with `claude -p --output-format stream-json --verbose` in a PTY: LF arrives as CR LF, a
//! line never wraps, and the last bytes are `CSI ?25h`. Messages on standard error (an id in use,
//! no such conversation) appear between the lines, in colours. In a `result` line `type` is not the
//! first field.

mod escape;
mod init;
mod line;
mod message;
mod value;

pub use init::InitCapture;
pub use message::{LostWrites, Message, Messages, ToolInput, Verdict, WORDS_MAX};

/// Longest line parsed, in bytes. Measured init lines have tens of kilobytes, tool results
/// megabytes. The reader skips a longer line up to its end.
pub const LINE_MAX: usize = 8 << 20; // 8 MiB

//! The fake agent: `fake-claude`, a small TUI that behaves like Claude Code where the real one cannot be made to.
//!
//! It takes `--session-id`, `--resume`, `--settings` and a prompt like the real one, runs the hooks of the
//! settings file, keeps a transcript and `sessions/<pid>.json` in `CLAUDE_CONFIG_DIR` or `~/.claude`, and
//! draws an input box. With `-p` it answers the prompt without a screen, with the same hooks. Ctrl+S puts a draft aside until the
//! next prompt was submitted, two Esc clear one. Text in one read with a carriage return is a paste: there the return is a line end.
//!
//! Modes, a comma list in the variable `FAKE_CLAUDE`:
//!
//! | mode | what happens |
//! |---|---|
//! | `trust` | asks for trust first; the first choice is to exit, and no hook runs before the second is taken |
//! | `auto-offer` | offers auto mode over the prompt, after `SessionStart`; the choice changes nothing |
//! | `slow-start=FIFO` | is ready only when the FIFO was opened for writing; what was typed before is lost |
//! | `never-ready` | shows something, takes input and never runs a hook |
//! | `exit=N` | exits at once with this code |
//! | `ignore-term` | ignores SIGTERM and SIGHUP, also when its terminal is gone |
//! | `daemon=FILE` | starts a process in a session of its own that ignores SIGTERM and SIGHUP, and writes its pid to the file |
//! | `swallow-cr` | the first carriage return that would submit does nothing |
//! | `deaf=N` | its dialogs ignore the first N keys |
//! | `no-return` | takes no carriage return at all |
//! | `no-stash` | cannot put a draft aside |
//! | `placeholder` | shows a suggestion in the empty box, dim but for its first letter |
//! | `mute` | runs no hooks at all |
//! | `record=FILE` | keeps what was submitted to it and which conversations it had, a line of JSON each, in a file in its folder |
//!
//! `FAKE_CLAUDE_VERSION` is the version that it says it has.
//!
//! Prompts with a meaning; any other is answered `fake: N user messages; last: TEXT`:
//!
//! | prompt | what happens |
//! |---|---|
//! | `fake:flood N` | prints exactly N bytes: lines of 64 bytes that begin with their number |
//! | `fake:exit N` | exits with this code |
//! | `fake:write FILE` | the file is written by the tool `Write`, unasked, with the folders to it |
//! | `fake:report FILE` | its hooks report each line of the file, an object with `hook_event_name`; it may be a FIFO |
//! | `fake:run COMMAND` | the shell command is run by the tool `Bash`, unasked |
//! | `fake:hold FIFO` | the turn goes on until the FIFO was opened for writing |
//! | `fake:permission` | asks for permission to run a command |
//! | `fake:permissions` | asks for two permissions at once, shown one after the other |
//! | `fake:question` | asks which colour |
//! | `/clear` `/compact` `/exit` | as the real one |
//! | `/x:y` | fires hooks only if `.claude/commands/x/y.md` is in the folder |
//!
//! With `-p` it prints one turn as `stream-json` between noise, its init line in pieces, and runs no hooks. Of the prompts above
//! it knows `fake:write`, `fake:hold`, `/clear`, and `fake:exit N`, which breaks off within a line; also:
//!
//! | prompt | what happens |
//! |---|---|
//! | `fake:error TEXT` | the result is this error; exits with 1 |
//! | `fake:forever` | says something and never ends |
//! | `fake:long N` | what a tool gives is a line of more than N bytes |
//! | `fake:many N [FIFO]` | says N things, then goes on when the FIFO was opened for writing |

use std::path::PathBuf;

/// The variable with the modes.
pub const MODES: &str = "FAKE_CLAUDE";

/// The executable.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn path() -> PathBuf {
    crate::binary::path("fake-claude")
}

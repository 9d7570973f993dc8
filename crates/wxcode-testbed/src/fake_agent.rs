//! The fake agent: `fake-claude`, a small TUI with the behaviour of Claude Code, for situations
//! beyond the real agent's reach.
//!
//! Like the real agent, the fake agent takes `--session-id`, `--resume`, `--settings` and a prompt.
//! The fake agent runs the hooks of the settings file, keeps a transcript and `sessions/<pid>.json`
//! in `CLAUDE_CONFIG_DIR` or `~/.claude`, and draws an input box. With `-p` alone it answers the
//! prompt without a screen, with the same hooks. Ctrl+S stashes a draft until the next prompt is
//! submitted; two Esc clear a draft. Text in the same read as a carriage return is a paste, and
//! the return is a line end of the paste.
//!
//! Modes, a comma list in the variable `FAKE_CLAUDE`:
//!
//! | mode | behaviour |
//! |---|---|
//! | `trust` | asks for trust first; the first choice exits, and no hook runs before the second one |
//! | `auto-offer` | offers auto mode over the prompt, after `SessionStart`; the choice changes nothing |
//! | `slow-start=FIFO` | is ready only after the FIFO was opened for writing; earlier input is lost |
//! | `never-ready` | shows something, reads input and never runs a hook |
//! | `exit=N` | exits at once with this code |
//! | `ignore-term` | ignores SIGTERM and SIGHUP, even without its terminal |
//! | `daemon=FILE` | starts a process in its own session that ignores SIGTERM and SIGHUP, and writes its pid to the file |
//! | `swallow-cr` | ignores the first submitting carriage return |
//! | `deaf=N` | its dialogs ignore the first N keys |
//! | `no-return` | ignores every carriage return |
//! | `no-stash` | cannot stash a draft |
//! | `placeholder` | shows a suggestion in the empty box, dim except for its first letter |
//! | `wakes` | reports a typed text as the prompt of a wakeup at each Enter, and does not take it |
//! | `mute` | runs no hooks at all |
//! | `status` | asks whether the terminal wants reports of its status (OSC 7501), and sends them if so |
//! | `auto` | is in the permission mode `auto`: asks for permission without `PermissionRequest` |
//! | `frozen` | its record stays busy after the first turn began |
//! | `endless` | ends turns without a hook |
//! | `no-transcript` | keeps no transcript |
//! | `line=FILE` | runs the status line command with the file's object at its start and after each turn; a row shows the output |
//! | `record=FILE` | records its submitted prompts and conversations in a file in its folder, one line of JSON each |
//!
//! `FAKE_CLAUDE_VERSION` sets the reported version.
//!
//! Prompts with a meaning; every other prompt is answered `fake: N user messages; last: TEXT`:
//!
//! | prompt | behaviour |
//! |---|---|
//! | `fake:flood N` | prints exactly N bytes: numbered lines of 64 bytes |
//! | `fake:exit N` | exits with this code |
//! | `fake:write FILE` | writes the file and its parent folders with the tool `Write`, without asking |
//! | `fake:report FILE` | reads one object a line: prints the text of `print`, or else runs the hooks of `hook_event_name`; the file may be a FIFO |
//! | `fake:run COMMAND` | runs the shell command with the tool `Bash`, without asking |
//! | `fake:hold FIFO` | holds the turn until the FIFO was opened for writing |
//! | `fake:compact-later FIFO` | the turn ends; a compaction begins when the FIFO was opened for writing, and ends when it was opened again |
//! | `fake:print TEXT` | prints the text, with `\\e` and `\\a` for ESC and BEL, and goes on with the turn until Esc |
//! | `fake:limit N` | meets a usage limit that resets after N seconds |
//! | `fake:fail KIND TEXT` | the turn ends with this error of the API |
//! | `fake:permission` | asks for permission to run a command |
//! | `fake:permissions` | asks for two permissions at once, shown one after the other |
//! | `fake:question` | asks which colour |
//! | `/clear` `/compact` `/exit` | as the real one |
//! | `/x:y` | fires hooks only if the folder has `.claude/commands/x/y.md` |
//!
//! With `-p --output-format stream-json` the fake agent prints a turn between noise, its init line
//! in pieces, and runs no hooks. Of the prompts above, this mode knows `fake:write`, `fake:hold`,
//! `/clear`, and `fake:exit N`, which breaks off within a line. Also:
//!
//! | prompt | behaviour |
//! |---|---|
//! | `fake:error TEXT` | the result is this error; exits with 1 |
//! | `fake:forever` | prints a message and never ends |
//! | `fake:long N` | a tool result is a line of more than N bytes |
//! | `fake:many N [FIFO]` | prints N messages, then goes on after the FIFO was opened for writing |

use std::path::PathBuf;

/// The variable with the modes.
pub const MODES: &str = "FAKE_CLAUDE";

/// The executable.
///
/// # Panics
/// The build fails.
#[must_use]
pub fn path() -> PathBuf {
    crate::binary::path("fake-claude")
}
